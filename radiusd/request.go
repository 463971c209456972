package radiusd

import (
	"bytes"
	"hash/maphash"
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/login"
)

// Octets of a User-Password attribute (RFC 2865, section 5.2).
const (
	passwordBlock = 16
	maxPassword   = 128
)

// A request is an Access-Request in hand: authentic as far as its client's
// rules go, and not a duplicate.
type request struct {
	pending
	octets  []byte // of the packet
	outline outline
}

// A pending is what the reply to a request needs, and all that is kept of a
// request while it is held. Its source, identifier and authenticator are in the
// entry.
type pending struct {
	client   *client
	key      *key // nil when it has no Message-Authenticator
	entry    *entry
	outlet   *outlet
	local    netip.Addr // see route
	proxies  []byte     // its Proxy-States, encoded
	arrived  time.Duration
	patience time.Duration // from its arrival
	zone     uint32        // see route
	eap      bool          // it has an EAP-Message,
	eapID    byte          // with this identifier
	mschap   pendingMSCHAP // see there
	unsigned bool          // it had no Message-Authenticator
	settled  bool          // its outcome is counted and its place given back
	held     bool          // its place is among the held ones
}

// newRequest makes a request of a datagram that survey has walked over.
func newRequest(p []byte, o outline, of pending) *request {
	r := &request{pending: of, octets: append(make([]byte, 0, len(p)), p...), outline: o}
	r.eap, r.unsigned = o.eaps > 0, r.key == nil
	if r.client != nil {
		if at := r.client.stationIn(p); at > 0 {
			r.outline.station = at
		}
	}
	if e := r.value(o.eap); len(e) > 1 {
		r.eapID = e[1]
	}
	if o.proxies > 0 {
		for state := range proxyStates(p) {
			r.proxies = append(r.proxies, state...)
		}
	}
	return r
}

// route is the way back to whoever asked.
func (p *pending) route() route {
	return route{to: p.entry.source.from, local: p.local, zone: p.zone}
}

// person identifies who signs in from where, as far as the client tells.
func (r *request) person(seed maphash.Seed) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	_, _ = h.WriteString(r.client.Name)
	for _, at := range []uint16{r.outline.name, r.outline.station} {
		_ = h.WriteByte(0)
		_, _ = h.Write(r.value(at))
	}
	return h.Sum64()
}

// who is a hash of the person's name, however she has written it; never 0.
func (r *request) who(seed maphash.Seed) uint16 {
	name := strings.ToLower(string(r.value(r.outline.name)))
	name, _, _ = strings.Cut(name[strings.LastIndexByte(name, '\\')+1:], "@")
	return uint16(maphash.String(seed, name)) | 1 //nolint:gosec // shortened on purpose
}

// attempt makes of a packet what the person typed, or says why it is refused
// without asking anybody. The ticket is nil in a first request.
func (r *request) attempt() (a login.Attempt, ticket login.Ticket, refused tally) {
	o := &r.outline
	switch {
	case o.states > 1, o.names > 1, o.passwords > 1, o.chaps > 1:
		return a, nil, refusedTwice
	case o.passwords > 0 && o.chaps > 0: // RFC 2865, section 4.1
		return a, nil, refusedBothPasswords
	case r.mayNot():
		return a, nil, refusedMethod
	case o.mschap && (o.passwords > 0 || o.chaps > 0):
		return a, nil, refusedBothPasswords
	case o.passwords == 0 && o.chaps == 0 && !o.mschap && o.states == 0:
		return a, nil, refusedNothingToCheck
	}
	user := string(r.value(o.name))
	if user == "" || !utf8.ValidString(user) || strings.ContainsFunc(user, unicode.IsControl) {
		return a, nil, refusedName
	}
	typed, refused := r.secret(user)
	if refused != dropNone {
		return a, nil, refused
	}
	return login.Attempt{User: user, Secret: typed, Via: r.via()}, login.Ticket(r.value(o.state)), dropNone
}

// value returns the value that begins at a place of the packet, nil for 0.
func (r *request) value(at uint16) []byte { return valueAt(r.octets, at) }

// valueAt returns the value of an attribute that begins at a place of a packet,
// nil for 0. Its length is the octet in front of it.
func valueAt(p []byte, at uint16) []byte {
	if at == 0 {
		return nil
	}
	end := int(at) - 2 + int(p[at-1])
	return p[at:end:end]
}

// attributes parses all of them, for what is rare enough.
func (r *request) attributes() (radius.Attributes, error) {
	return radius.ParseAttributes(r.octets[headerLen:])
}

// via says what the client can do, and where the person is.
func (r *request) via() login.Via {
	c := r.client
	v := login.Via{
		Client:  c.Name,
		Group:   c.group,
		Source:  r.entry.source.from,
		Station: string(r.value(r.outline.station)),
		CanAsk:  c.Challenge,
		Room:    int32(c.MaxReplyMessage), //nolint:gosec // Validate bounds it by a packet
		Append:  c.append,
		Shadow:  c.shadow,
		Sending: &r.entry.sending,
	}
	if a, err := netip.ParseAddr(v.Station); err == nil {
		v.Address = a.Unmap()
	}
	return v
}

// password unhides User-Password. A request without one, an answer that is
// State alone, has an empty password. An unsigned request does not tell with
// which of two secrets it was made: the one is taken that gives a text.
func (r *request) password() (string, tally) {
	if r.outline.passwords == 0 {
		return "", dropNone
	}
	hidden := r.value(r.outline.password)
	if len(hidden) == 0 || len(hidden) > maxPassword || len(hidden)%passwordBlock != 0 {
		return "", refusedPasswordForm
	}
	keys := r.client.keys
	if r.key != nil {
		keys = []*key{r.key}
	}
	var room [maxPassword]byte
	defer clear(room[:])
	for _, k := range keys {
		if text, ok := plain(k.unhide(room[:0], hidden, r.octets[4:headerLen])); ok {
			r.key = k
			return text, dropNone
		}
	}
	return "", refusedGarbled
}

// plain takes the padding off. What is no text, or has something behind its
// first NUL, was made with another secret, or would reach the directory
// shortened; it is not forwarded, so that a wrong secret locks nobody out.
func plain(padded []byte) (string, bool) {
	text, padding, _ := bytes.Cut(padded, []byte{0})
	if len(bytes.Trim(padding, "\x00")) > 0 || !utf8.Valid(text) {
		return "", false
	}
	return string(text), true
}
