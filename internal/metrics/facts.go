package metrics

import (
	"maps"
	"runtime"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/store/bolt"
)

// Facts are what a daemon knows of itself at a moment.
type Facts struct {
	Version string
	// Directory is whether one of its servers answers.
	Directory bool
	// Emergencies is in how many places emergency mode is on; -1 when that is not known.
	Emergencies int
	// Unkept is how many events the service desk does not see.
	Unkept uint64

	Authentication radiusd.Stats
	Accounting     *Accounting // nil when it is not taken
	Store          *bolt.Stats // nil for a store that is another program
}

// Accounting is what the accounting port knows.
type Accounting struct {
	radiusd.Stats
	Sessions, Active int
}

// A fact is a series, or one for each value of its labels.
type fact struct {
	*prometheus.Desc
	kind prometheus.ValueType
}

func newFact(kind prometheus.ValueType, name, help string, labels ...string) fact {
	return fact{prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil), kind}
}

var (
	build = newFact(prometheus.GaugeValue, "build_info", "The version of this program.", "version", "go_version")

	directoryUp = newFact(prometheus.GaugeValue, "directory_up", "Whether a server of the directory answers.")
	emergencies = newFact(prometheus.GaugeValue, "emergency_mode", "In how many places emergency mode is on; -1: the store cannot tell.")
	unkept      = newFact(prometheus.CounterValue, "attempts_dropped_total", "Events that portvakt attempts does not show.")

	received  = newFact(prometheus.CounterValue, "radius_received_total", "Datagrams.", "port")
	replies   = newFact(prometheus.CounterValue, "radius_replies_total", "Replies sent; resent: again, from memory.", "port", "client", "reply")
	dropped   = newFact(prometheus.CounterValue, "radius_dropped_total", "Datagrams without a reply; those of strangers have no client.", "port", "client", "reason")
	refused   = newFact(prometheus.CounterValue, "radius_refused_total", "Access-Rejects that no decision was needed for; they are among the replies.", "port", "client", "reason")
	notes     = newFact(prometheus.CounterValue, "radius_notes_total", "What should be known of a client and changed nothing.", "port", "client", "note")
	inHand    = newFact(prometheus.GaugeValue, "radius_in_hand", "Requests without an answer yet.", "port", "client")
	held      = newFact(prometheus.GaugeValue, "radius_held", "Requests that wait for somebody who is asked elsewhere; they are in hand.", "port", "client")
	lost      = newFact(prometheus.CounterValue, "radius_lost_by_kernel_total", "Datagrams lost because a receive buffer was full.", "port")
	kept      = newFact(prometheus.GaugeValue, "radius_replies_kept", "Replies and requests that retransmissions are known by.", "port")
	signs     = newFact(prometheus.GaugeValue, "client_message_authenticator_required", "Whether the client's requests must have a Message-Authenticator by now.", "client")
	patience  = newFact(prometheus.GaugeValue, "client_patience_seconds", "How long the client's requests are held at most.", "client")
	givesUp   = newFact(prometheus.GaugeValue, "client_gives_up_seconds", "When the client was seen to give up; none before it was.", "client")
	tlsOpen   = newFact(prometheus.GaugeValue, "radsec_connections", "Connections over TLS that are open.", "client")
	tlsEnds   = newFact(prometheus.GaugeValue, "radsec_certificate_end_seconds", "When the certificate for RADIUS over TLS ends, in seconds since 1970.")
	sessions  = newFact(prometheus.GaugeValue, "accounting_sessions", "Sessions that are kept.")
	active    = newFact(prometheus.GaugeValue, "accounting_sessions_active", "Sessions under way.")
	swaps     = newFact(prometheus.CounterValue, "store_changes_total", "Changes of records.")
	commits   = newFact(prometheus.CounterValue, "store_commits_total", "Times that changes were made durable together.")
	failed    = newFact(prometheus.CounterValue, "store_commit_errors_total", "Times that they could not be: nobody was let in by them.")
	folds     = newFact(prometheus.CounterValue, "store_folds_total", "Times that the journal was folded into the database.")
	foldsFail = newFact(prometheus.CounterValue, "store_fold_errors_total", "Times that it could not be.")
	journal   = newFact(prometheus.GaugeValue, "store_journal_bytes", "Size of the journal.")
)

var facts = []fact{
	build, directoryUp, emergencies, unkept, received, replies, dropped, refused, notes, inHand, held, lost, kept, signs, patience, givesUp,
	tlsOpen, tlsEnds, sessions, active, swaps, commits, failed, folds, foldsFail, journal,
}

// A collector turns facts into series.
type collector struct{ facts func() Facts }

// Describe sends what there may be.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, f := range facts {
		to <- f.Desc
	}
}

// Collect sends what is.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	s := sink{to}
	all := c.facts()
	s.send(build, 1, all.Version, runtime.Version())
	s.send(directoryUp, truth(all.Directory))
	s.send(emergencies, float64(all.Emergencies))
	s.send(unkept, float64(all.Unkept))
	s.port("authentication", &all.Authentication)
	for name, st := range all.Authentication.Clients {
		if st.RequireMessageAuthenticator == "" {
			continue // it is configured no more
		}
		if !st.OnlyTLS { // TLS proves whose packets are
			s.send(signs, truth(st.RequireMessageAuthenticator == "yes"), name)
		}
		if st.OverTLS {
			s.send(tlsOpen, float64(st.Connections), name)
		}
		s.send(patience, st.Clock.Patience.Seconds(), name)
		if st.Clock.GivesUp > 0 {
			s.send(givesUp, st.Clock.GivesUp.Seconds(), name)
		}
	}
	if ends := all.Authentication.CertificateEnds; !ends.IsZero() {
		s.send(tlsEnds, float64(ends.Unix()))
	}
	if a := all.Accounting; a != nil {
		s.port("accounting", &a.Stats)
		s.send(sessions, float64(a.Sessions))
		s.send(active, float64(a.Active))
	}
	if st := all.Store; st != nil {
		s.send(swaps, float64(st.Swaps))
		s.send(commits, float64(st.Commits))
		s.send(failed, float64(st.CommitErrors))
		s.send(folds, float64(st.Folds))
		s.send(foldsFail, float64(st.FoldErrors))
		s.send(journal, float64(st.JournalBytes))
	}
}

// A sink takes series.
type sink struct{ to chan<- prometheus.Metric }

func (s sink) send(f fact, value float64, labels ...string) {
	m, err := prometheus.NewConstMetric(f.Desc, f.kind, value, labels...)
	if err != nil {
		m = prometheus.NewInvalidMetric(f.Desc, err)
	}
	s.to <- m
}

// port sends what a port of RADIUS counts, also what has not happened yet: an
// alarm looks at the first.
func (s sink) port(port string, st *radiusd.Stats) {
	s.send(received, float64(st.Received), port)
	s.send(lost, float64(st.KernelDrops), port)
	s.send(kept, float64(st.Kept), port)
	s.counts(dropped, port, "", st.Nobody.Dropped)
	s.counts(notes, port, "", st.Nobody.Notes)
	for _, name := range slices.Sorted(maps.Keys(st.Clients)) {
		c := st.Clients[name]
		s.send(inHand, float64(c.InHand), port, name)
		s.send(held, float64(c.Held), port, name)
		s.counts(replies, port, name, c.Sent)
		s.counts(dropped, port, name, c.Dropped)
		s.counts(refused, port, name, c.Refused)
		s.counts(notes, port, name, c.Notes)
	}
}

func (s sink) counts(f fact, port, client string, all map[string]uint64) {
	for what, n := range all {
		s.send(f, float64(n), port, client, what)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
