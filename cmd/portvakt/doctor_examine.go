package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/radiusd/preset"
)

const (
	// stale is how long ago trouble must be to be over, for a client that may be
	// several devices: what went well behind it may be another one's.
	stale = 10 * time.Minute
	// fewResent is how many replies sent again are an accident.
	fewResent = 5
)

// An examination is that of one client.
type examination struct {
	*checkup
	c     clientStatus
	cc    radiusd.ClientConfig
	p     preset.Preset
	calls bool // people may be called
	f     conf.File
	asked time.Time
}

// examine says what is wrong with a client.
func examine(cc radiusd.ClientConfig, f conf.File, st status) *checkup {
	r, p := newCheckup(cc)
	i := slices.IndexFunc(st.Clients, func(c clientStatus) bool { return c.Name == cc.Name })
	if i < 0 {
		r.find("not_loaded", "the daemon does not know this client", "the file was changed and not read again", "systemctl reload portvakt; its log says whether it took the file")
		return r
	}
	e := &examination{checkup: r, c: st.Clients[i], cc: cc, p: p, calls: len(f.Call.Provider) > 0, f: f, asked: st.Asked}
	e.secret()
	if cc.Shadow != radiusd.DefaultClientConfig().Shadow {
		// Times and replies are those of the server that answers.
		e.room()
		e.note("its requests are copies (shadow): %d were decided and reported, none is answered", e.c.Dropped["shadow"])
		return r
	}
	if cc.OverUDP() { // TLS proves whose packets are
		e.signature()
	}
	e.times()
	e.method()
	e.station()
	e.places()
	e.replies()
	e.room()
	e.neighbours(st)
	if sum(e.c.Sent)+sum(e.c.Dropped) == 0 {
		e.note("nothing has come from it since the daemon began, %s ago", st.Asked.Sub(st.Began).Round(time.Second))
	}
	return r
}

// secret looks for requests that were made with another secret.
func (e *examination) secret() {
	const bad, garbled = "bad_message_authenticator", "password_garbled"
	n := e.c.Dropped[bad] + e.c.Refused[garbled]
	at := later(e.c.Latest[bad], e.c.Latest[garbled])
	good := later(e.c.Latest["accept"], e.c.Latest["challenge"])
	if n > 0 && !e.over(at.At, good.At) {
		seen := fmt.Sprintf("%d requests were made with another secret%s", n, last(at))
		if !e.cc.OverUDP() {
			e.find("secret", seen, "over TLS the secret of everybody is radsec (RFC 6614, section 2.3), and the connection is closed at once", "on the device: set its shared secret to radsec")
			return
		}
		means := "the secret on the device is not the one in the file"
		if !good.At.IsZero() && !e.single() {
			means = "one of the devices of this client has another secret than the others"
		}
		e.find("secret", seen, means,
			onProduct(e.p.Fixes.Shared, "set its shared secret to that of the file"),
			"a blank, a line's end or a quotation mark copied with it is the usual cause: portvakt doctor "+e.cc.Name+" --secret-file FILE compares what was typed")
	}
	if n := e.c.Notes["old_secret_used"]; n > 0 && !e.over(e.c.Latest["old_secret_used"].At, time.Time{}) {
		e.find("old_secret", fmt.Sprintf("%d requests were made with old_secret%s", n, last(e.c.Latest["old_secret_used"])), "a device still has the old secret",
			onProduct(e.p.Fixes.Shared, "set its shared secret to the new one"), "then remove old_secret")
	}
}

// times looks at how long the client waits.
func (e *examination) times() {
	k := e.c.Clock
	raise := onProduct(e.p.Fixes.Timeout, fmt.Sprintf("set its RADIUS time-out to %s in all, retries included", callTimeout))
	if e.p.Product != "" && e.p.Fixes.Timeout == "" {
		raise = "its time-out cannot be changed, as far as is known: allow codes for it, factors = [\"totp\"] in its rule"
	}
	then := fmt.Sprintf("then here: patience = %q, until three sign-ins have shown it", lessATenth(callTimeout))
	if e.cc.Patience >= callNeeds.duration() {
		then = "" // it is written already
	}
	switch {
	case k.GivesUp > 0 && k.GivesUp < callNeeds:
		now := ""
		if e.cc.Patience > k.GivesUp.duration() {
			now = fmt.Sprintf("until then here: patience = %q, which is below its time-out", lessATenth(k.GivesUp))
		}
		e.find("timeout", fmt.Sprintf("it gives up after %s, having sent %s (%d sign-ins)", k.GivesUp, times(k.Sends), k.Seen),
			fmt.Sprintf("a telephone call needs %s: who is called answers too late, and the sign-in fails (this is learned: three sign-ins that wait longer correct it)", callNeeds), raise, then, now)
	case k.GivesUp > 0 && k.Patience > k.GivesUp:
		e.find("patience", fmt.Sprintf("it gives up after %s, and patience is %s", k.GivesUp, k.Patience), "approvals in between come too late",
			fmt.Sprintf("here: patience = %q, or leave the key out to have it learned", lessATenth(k.GivesUp)))
	case k.GivesUp == 0 && k.Waits >= k.Patience && k.Patience < callNeeds:
		e.find("patience", fmt.Sprintf("it still waits after %s, when it is answered", k.Patience), "it would wait longer, and a telephone call needs "+callNeeds.String(),
			"here: patience, its own time-out less a tenth")
	case k.GivesUp == 0 && e.calls && e.p.Waits > 0 && e.p.Waits < callNeeds.duration() && k.Waits < callNeeds:
		e.note("when it gives up has not been seen; out of the box it waits %s, and a telephone call needs %s: %s", seconds(e.p.Waits.Seconds()), callNeeds, raise)
	}
	if n := e.c.Dropped["superseded"]; n > 2 {
		e.note("%d requests were given up for a newer one with the same identifier: it began anew before it was answered", n)
	}
}

// method looks for passwords in a form that cannot be checked.
func (e *examination) method() {
	const what = "method_not_allowed"
	good := later(e.c.Latest["accept"], e.c.Latest["challenge"])
	if n := e.c.Refused[what]; n > 0 && !e.over(e.c.Latest[what].At, good.At) {
		e.find("method", fmt.Sprintf("%d requests had CHAP, MS-CHAP or EAP%s", n, last(e.c.Latest[what])), "only PAP carries the password that the directory checks: they were refused",
			onProduct(e.p.Fixes.PAP, "set its authentication protocol to PAP"))
	}
}

// replies looks for answers that do not arrive.
func (e *examination) replies() {
	answered := e.c.Sent["accept"] + e.c.Sent["challenge"] + e.c.Sent["reject"]
	n := e.c.Sent["resent"]
	if n < fewResent || n*2 < answered {
		return
	}
	e.find("replies", fmt.Sprintf("%d replies had to be sent again, of %d", n, answered), "replies do not reach it, or it does not believe them",
		"let UDP from this server's port back to it through the firewalls, and from the address that it asks",
		"its own log tells of replies that it refuses: over another secret, or over Message-Authenticator")
}

// room looks for requests that were dropped for want of it.
func (e *examination) room() {
	for _, row := range []struct{ key, dropped, where string }{
		{"max_held", "held_full", "the server"},
		{"max_held", "client_held_full", "its [[client]] block"},
		{"max_requests", "busy", "the server"},
		{"max_requests", "client_busy", "its [[client]] block"},
	} {
		if n := e.c.Dropped[row.dropped]; n > 0 && !e.over(e.c.Latest[row.dropped].At, time.Time{}) {
			e.find(row.dropped, fmt.Sprintf("%d requests found no room%s", n, last(e.c.Latest[row.dropped])), "more came than may be in hand, or something they wait for is slow",
				fmt.Sprintf("raise %s of %s when the directory and the gateways are quick", row.key, row.where))
		}
	}
}

// neighbours looks for addresses beside the client's that asked and are no
// client's.
func (e *examination) neighbours(st status) {
	for _, s := range st.Strangers {
		if !near(e.cc.Networks, s.Address) || st.Asked.Sub(s.At) > stale {
			continue
		}
		e.find("stranger", fmt.Sprintf("%s asks, last at %s, and is no client's", s.Address, s.At.Local().Format(time.TimeOnly)),
			"it is beside this client's networks: another node, or the device asks from another of its addresses",
			fmt.Sprintf("when it belongs to it: networks = [%s]", quotedList(append(slices.Clone(e.cc.Networks), s.Address.String()))),
			"else find out who it is: it gets no answer")
	}
}

// near reports whether an address is in the same /24 or /64 as a network.
func near(networks []string, a netip.Addr) bool {
	bits := 64
	if a.Is4() {
		bits = 24
	}
	around, err := a.Prefix(bits)
	return err == nil && slices.ContainsFunc(networks, func(n string) bool {
		p, err := radiusd.ParseNetwork(n)
		return err == nil && p.Overlaps(around)
	})
}

func quotedList(all []string) string {
	var quoted []string
	for _, s := range all {
		quoted = append(quoted, strconv.Quote(s))
	}
	return strings.Join(quoted, ", ")
}

// examineDaemon says what is wrong for all clients.
func examineDaemon(r *checkup, f conf.File, st status) {
	if !st.Directory {
		r.find("directory", "the directory does not answer", "nobody can sign in: requests stay unanswered", "portvakt check says which server fails, and why")
	}
	if st.Lost > 0 {
		r.find("lost", fmt.Sprintf("the kernel has dropped %d requests before they were read", st.Lost), "its receive buffer was full", "sysctl -w net.core.rmem_max=8388608, and start the daemon anew")
	}
	if n := st.Notes["unknown_certificate"]; n > 0 {
		r.find("certificate", fmt.Sprintf("%d connections over TLS had a certificate that is nobody's", n), "they were closed",
			"the log has each certificate: write its name or fingerprint into the certificates of a [[client]], if it is a device of yours")
	}
	if n := st.Notes["tls_handshake_failed"]; n > 0 {
		r.find("handshake", fmt.Sprintf("%d connections over TLS ended before they began", n), "a certificate has ended, or is not of an authority of server.radsec.ca; or somebody tries the port",
			"the log says why for each address; portvakt check looks at the server's own certificate")
	}
	for _, s := range st.Strangers {
		if st.Asked.Sub(s.At) > stale || slices.ContainsFunc(f.Clients, func(cc radiusd.ClientConfig) bool { return near(cc.Networks, s.Address) }) {
			continue
		}
		r.find("stranger", fmt.Sprintf("%s asks, last at %s, and is no client's", s.Address, s.At.Local().Format(time.TimeOnly)),
			"it gets no answer", "when it is a device of yours, give it a [[client]] block or add it to the networks of one; else close the port to it")
	}
}
