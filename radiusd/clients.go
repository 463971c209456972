package radiusd

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// A client is a configured device with its secrets ready to use. It does not
// change; a reload makes new ones.
type client struct {
	ClientConfig
	keys   []*key // the secret, and the old one while there is one
	append login.Append
	shadow login.Shadow // not off: it is never answered
	group  string
	peer   *peer
	// networks are all that it may ask from over TLS; none are everywhere.
	networks []netip.Prefix
	// station is the attribute that tells where the person is, if it is another
	// one than Calling-Station-Id.
	station dictionary.ID
	// require and limit are what the configuration decides; unlearned leaves it
	// to the peer.
	require, limit uint32
}

// A peer is what is remembered of a client as long as its name is configured,
// across reloads.
type peer struct {
	name     string
	counters counters
	latest   latest
	status   bucket
	inHand   int // guarded by the admission's lock
	held     int // too
	clock    clock
	// connections are those over TLS that are open.
	connections atomic.Int64

	// What was learned of it, see verify.go and learned.go.
	require, limit atomic.Uint32
	unsaved        atomic.Bool
}

// peers are all that were ever configured, by name.
type peers struct {
	mu     sync.Mutex
	byName map[string]*peer
}

// known returns the peer of a name, or nil.
func (p *peers) known(name string) *peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.byName[name]
}

// add makes a peer known.
func (p *peers) add(fresh *peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byName == nil {
		p.byName = map[string]*peer{}
	}
	p.byName[fresh.name] = fresh
}

// all returns the peers in order of their names.
func (p *peers) all() []*peer {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]*peer, 0, len(p.byName))
	for _, known := range p.byName {
		all = append(all, known)
	}
	slices.SortFunc(all, func(a, b *peer) int { return cmp.Compare(a.name, b.name) })
	return all
}

// A clientTable finds the client of an address by the longest prefix, and that
// of a certificate. One that comes both ways is there twice: what is believed of
// a packet depends on the way.
type clientTable struct {
	clients       []*client // each once
	byNetwork     map[netip.Prefix]*client
	lens4         []int // lengths in use, longest first
	lens6         []int
	byCertificate map[certificateID]*client
}

// newClientTable builds the table of a configuration that is valid.
func newClientTable(cfg Config, peerOf func(name string) *peer) *clientTable {
	t := &clientTable{byNetwork: map[netip.Prefix]*client{}, byCertificate: map[certificateID]*client{}}
	for _, cc := range cfg.Clients {
		c := client{
			ClientConfig: cc,
			append:       cc.appended(),
			shadow:       cc.shadowed(),
			group:        cmp.Or(cc.Group, cc.Name),
			peer:         peerOf(cc.Name),
			require:      learnedValue(cc.RequireMessageAuthenticator),
			limit:        learnedValue(cc.LimitProxyState),
		}
		c.station, _ = stationOf(cc.Station) // Validate has refused what is none
		for _, n := range cc.Networks {
			if p, err := ParseNetwork(n); err == nil { // Validate has refused others
				c.networks = append(c.networks, p)
			}
		}
		if cc.OverTLS() {
			t.addOverTLS(c)
		}
		if cc.OverUDP() {
			t.addOverUDP(c)
		} else {
			t.clients = append(t.clients, t.byCertificate[idsOf(cc)[0]])
		}
	}
	longestFirst := func(a, b int) int { return cmp.Compare(b, a) }
	slices.SortFunc(t.lens4, longestFirst)
	slices.SortFunc(t.lens6, longestFirst)
	return t
}

// addOverUDP has a client found by its addresses.
func (t *clientTable) addOverUDP(c client) {
	c.keys = []*key{newKey(c.Secret.Reveal())}
	if !c.OldSecret.IsZero() {
		c.keys = append(c.keys, newKey(c.OldSecret.Reveal()))
	}
	t.clients = append(t.clients, &c)
	for _, p := range c.networks {
		t.byNetwork[p] = &c
		lens := &t.lens6
		if p.Addr().Is4() {
			lens = &t.lens4
		}
		if !slices.Contains(*lens, p.Bits()) {
			*lens = append(*lens, p.Bits())
		}
	}
}

// addOverTLS has a client found by its certificates. TLS has proved who sends,
// so that Message-Authenticator need not, and nothing is learned of it that
// would then hold over UDP; replies have it as always.
func (t *clientTable) addOverTLS(c client) {
	c.keys = []*key{newKey(radsecSecret)}
	c.SendMessageAuthenticator = true
	for _, rule := range []*uint32{&c.require, &c.limit} {
		if *rule == unlearned {
			*rule = learnedNo
		}
	}
	for _, id := range idsOf(c.ClientConfig) {
		t.byCertificate[id] = &c
	}
}

// idsOf are the certificates of a client in a configuration that is valid.
func idsOf(c ClientConfig) (ids []certificateID) {
	for _, s := range c.Certificates {
		if id, err := parseCertificateID(s); err == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// patience is how long the client waits for an answer: as configured, else as
// learned.
func (c *client) patience() time.Duration {
	return cmp.Or(c.Patience, time.Duration(c.peer.clock.patience.Load()), defaultPatience)
}

// lookup returns the client of an address, or nil.
func (t *clientTable) lookup(a netip.Addr) *client {
	a = a.WithZone("")
	lens := t.lens6
	if a.Is4() {
		lens = t.lens4
	}
	for _, bits := range lens {
		if p, err := a.Prefix(bits); err == nil {
			if c := t.byNetwork[p]; c != nil {
				return c
			}
		}
	}
	return nil
}

// A bucket lets so many pass a second.
type bucket struct {
	mu    sync.Mutex
	spent float64
	last  time.Duration
}

// take reports whether one more may pass now.
func (b *bucket) take(rate int, now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(0, b.spent-(now-b.last).Seconds()*float64(rate))
	b.last = now
	if b.spent+1 > float64(rate) {
		return false
	}
	b.spent++
	return true
}
