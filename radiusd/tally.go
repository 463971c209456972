package radiusd

import (
	"sync/atomic"
	"time"
)

// A tally names what became of a datagram. Each datagram ends in exactly one
// outcome, so the counters add up to what was received.
type tally uint8

// Outcomes first, then what comes on top of one.
const (
	dropNone tally = iota

	// Dropped before the client is known.
	dropShort
	dropLength
	dropCode
	dropUnknownClient
	dropCertificate

	// Dropped in silence.
	dropMalformed
	dropAttributes
	dropUnsigned
	dropBadSignature
	dropAuthenticator
	dropForbidden
	dropIncomplete
	dropProxyState
	dropStatusRate
	dropUnhealthy
	dropDuplicate
	dropSuperseded
	dropRepliesFull
	dropBusy
	dropClientBusy
	dropHeldFull
	dropClientHeldFull
	dropDraining
	dropUndecided
	dropUnrecorded
	dropPanic
	dropTooLong
	dropShadow
	dropSendQueue

	// Answered.
	sentAccept
	sentReject
	sentChallenge
	sentAccount
	sentStatus
	sentDeclined
	sentAgain

	// Why an Access-Reject was sent without asking the Conversation.
	refusedTwice
	refusedBothPasswords
	refusedMethod
	refusedNothingToCheck
	refusedName
	refusedPasswordForm
	refusedGarbled

	// Notes.
	noteOldSecret
	noteNoNAS
	noteSignsAfterAll
	noteNoStation
	noteBeganNowhere
	noteAcctStatus
	noteReadError
	noteSendError
	noteHandshake
	noteCertificate
	noteConnections
	noteStalled
	numTallies
)

// Where the kinds of tallies end.
const (
	lastDrop    = dropSendQueue
	lastOutcome = sentAgain
	lastRefused = refusedGarbled
)

var tallyNames = [numTallies]string{
	dropShort:          "short",
	dropLength:         "bad_length",
	dropCode:           "bad_code",
	dropUnknownClient:  "unknown_client",
	dropCertificate:    "certificate_ended",
	dropMalformed:      "malformed",
	dropAttributes:     "too_many_attributes",
	dropUnsigned:       "no_message_authenticator",
	dropBadSignature:   "bad_message_authenticator",
	dropAuthenticator:  "bad_authenticator",
	dropForbidden:      "accounting_with_password",
	dropIncomplete:     "accounting_incomplete",
	dropProxyState:     "proxy_state_without_message_authenticator",
	dropStatusRate:     "status_rate",
	dropUnhealthy:      "status_unhealthy",
	dropDuplicate:      "duplicate_in_hand",
	dropSuperseded:     "superseded",
	dropRepliesFull:    "reply_cache_full",
	dropBusy:           "busy",
	dropClientBusy:     "client_busy",
	dropHeldFull:       "held_full",
	dropClientHeldFull: "client_held_full",
	dropDraining:       "draining",
	dropUndecided:      "undecided",
	dropUnrecorded:     "not_recorded",
	dropPanic:          "panic",
	dropTooLong:        "reply_too_long",
	dropShadow:         "shadow",
	dropSendQueue:      "send_queue_full",

	sentAccept:    "accept",
	sentReject:    "reject",
	sentChallenge: "challenge",
	sentAccount:   "accounting",
	sentStatus:    "status",
	sentDeclined:  "declined",
	sentAgain:     "resent",

	refusedTwice:          "attribute_twice",
	refusedBothPasswords:  "both_passwords",
	refusedMethod:         "method_not_allowed",
	refusedNothingToCheck: "neither_password_nor_state",
	refusedName:           "bad_user_name",
	refusedPasswordForm:   "bad_password_length",
	refusedGarbled:        "password_garbled",

	noteOldSecret:     "old_secret_used",
	noteNoNAS:         "no_nas_identification",
	noteSignsAfterAll: "signs_after_all",
	noteNoStation:     "held_without_station",
	noteBeganNowhere:  "began_without_station",
	noteAcctStatus:    "unknown_accounting_status",
	noteReadError:     "read_error",
	noteSendError:     "send_error",
	noteHandshake:     "tls_handshake_failed",
	noteCertificate:   "unknown_certificate",
	noteConnections:   "too_many_connections",
	noteStalled:       "connection_stalled",
}

// String is the name in logs and metrics.
func (t tally) String() string { return tallyNames[t] }

// counters count by tally.
type counters [numTallies]atomic.Uint64

// Stats are the server's counters since its start. Received is the sum of all
// Dropped and Sent, and of InHand.
type Stats struct {
	Received uint64
	// Dropped counts datagrams that got no reply, by reason.
	Dropped map[string]uint64
	// Sent counts replies: accept, reject, challenge, accounting, status,
	// declined for requests of other kinds over TLS, and resent for those that
	// were sent again from memory.
	Sent map[string]uint64
	// Refused counts Access-Rejects that this package decided itself, by
	// reason; they are among those of Sent.
	Refused map[string]uint64
	// Notes counts what an operator should know of and what changed nothing.
	Notes map[string]uint64
	// InHand is how many requests have had no answer yet, Held how many of them
	// wait for somebody who is asked elsewhere, Kept how many replies and
	// requests the reply cache has.
	InHand, Held, Kept int
	// Connections is how many connections over TLS are open.
	Connections int
	// CertificateEnds is when the certificate of RADIUS over TLS does; zero
	// without.
	CertificateEnds time.Time
	// KernelDrops counts datagrams lost because a receive buffer was full.
	KernelDrops uint64
	// Clients has the same counters for each client by name, Nobody what cannot
	// be put down to one.
	Clients map[string]ClientStats
	Nobody  ClientStats
	// Strangers are addresses that asked lately and are no client's, the latest
	// first.
	Strangers []Stranger
}

// ClientStats are the counters of one client.
type ClientStats struct {
	Dropped, Sent, Refused, Notes map[string]uint64
	InHand, Held                  int
	// OverTLS is whether it may come over TLS, OnlyTLS whether so alone;
	// Connections are those that are open.
	OverTLS, OnlyTLS bool
	Connections      int
	// Latest has what was counted last, by the names of the counters.
	Latest map[string]Latest
	// RequireMessageAuthenticator and LimitProxyState are what is in force:
	// "yes", "no", or "auto" as long as nothing was learned.
	RequireMessageAuthenticator, LimitProxyState string
	// Clock is when it sends again and gives up.
	Clock Clock
}

func newClientStats() ClientStats {
	return ClientStats{
		Dropped: map[string]uint64{}, Sent: map[string]uint64{},
		Refused: map[string]uint64{}, Notes: map[string]uint64{},
	}
}

// spread sorts counts into the maps of the statistics.
func (c *counters) spread(dropped, sent, refused, notes map[string]uint64) {
	for t := dropNone + 1; t < numTallies; t++ {
		m := notes
		switch {
		case t <= lastDrop:
			m = dropped
		case t <= lastOutcome:
			m = sent
		case t <= lastRefused:
			m = refused
		}
		m[t.String()] += c[t].Load()
	}
}

// Stats returns the counters as they are now.
func (s *Server) Stats() Stats {
	st := Stats{
		Received: s.received.Load(),
		Dropped:  map[string]uint64{}, Sent: map[string]uint64{},
		Refused: map[string]uint64{}, Notes: map[string]uint64{},
		Kept:    s.replies.count(),
		Clients: map[string]ClientStats{}, Nobody: newClientStats(),
	}
	st.InHand, st.Held = s.admission.count()
	st.Connections = s.streams.count()
	if id := s.live.Load().tls; id != nil {
		st.CertificateEnds = id.pair.Leaf.NotAfter
	}
	st.Strangers = s.journal.strangers(s.start)
	s.counters.spread(st.Nobody.Dropped, st.Nobody.Sent, st.Nobody.Refused, st.Nobody.Notes)
	s.counters.spread(st.Dropped, st.Sent, st.Refused, st.Notes)
	for _, l := range s.listening() {
		st.KernelDrops += uint64(l.lost.Load())
	}
	for _, p := range s.peers.all() {
		cs := newClientStats()
		cs.InHand, cs.Held = s.admission.countOf(p)
		cs.Connections = int(p.connections.Load())
		p.counters.spread(cs.Dropped, cs.Sent, cs.Refused, cs.Notes)
		p.counters.spread(st.Dropped, st.Sent, st.Refused, st.Notes)
		cs.Latest = p.latest.facts(s.start)
		st.Clients[p.name] = cs
	}
	for _, c := range s.live.Load().table.clients {
		cs := st.Clients[c.Name]
		cs.OverTLS, cs.OnlyTLS = c.OverTLS(), c.onlyOverTLS()
		cs.RequireMessageAuthenticator = learnedWord(c.requires())
		cs.LimitProxyState = learnedWord(c.limits())
		cs.Clock = c.peer.clock.facts()
		cs.Clock.Patience, cs.Clock.Learned = c.patience(), c.Patience == 0 && c.peer.clock.patience.Load() > 0
		st.Clients[c.Name] = cs
	}
	return st
}
