package radiusd

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
	"github.com/portvakt/portvakt/login/text"
)

// lookEvery is how often a node looks what became of a sign-in that the other
// one asks about, and a little more.
const lookEvery = 300 * time.Millisecond

const typeClass = 25

var reference = regexp.MustCompile(`\[[0-9A-Z]{4}-[0-9A-Z]{4}\]`)

// concentrators are products that sign somebody in, as docs/nas says they do,
// with the address of the second node as their second server. Each has given up
// the first one, or the first try, when she answers.
var concentrators = []struct {
	name    string
	sends   []sent // behind the first datagram, which goes to node 0
	answers time.Duration
}{
	{
		"FortiGate with remoteauthtimeout 60, answered while its first server is asked",
		copies(5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55),
		42 * time.Second,
	},
	{
		"FortiGate with remoteauthtimeout 60, answered while its second server is asked",
		twice(60, sent{60, newID, 1}, copies(5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55)),
		77 * time.Second,
	},
	{
		"AnyConnect, which ends after 12 seconds and is started again",
		[]sent{{15, newID, 0}},
		25 * time.Second,
	},
	{
		"AnyConnect, which is started again when its ASA has turned to the next server",
		[]sent{{15, newPort, 1}},
		25 * time.Second,
	},
	{
		"OPNsense: three tries of 5 s, then its next server",
		twice(15, sent{15, newPort, 1}, copies(5, 10)),
		27 * time.Second,
	},
	{
		"hostapd: 3, 6, 12, 24 s, then the same packet to its next server",
		twice(45, sent{45, sameID, 1}, copies(3, 9, 21)),
		60 * time.Second,
	},
}

// TestConcentratorsRingOnce has each product sign somebody in through two servers
// that share one store. Her telephone rings once, whatever is sent again, and
// every request has the same answer when she has given it, also that which the
// product does not wait for any more: both nodes say the same.
//
// Minutes pass in virtual time, which stands still while a socket is read: so
// datagrams are handed to receive and taken from the queue of the sender. Sockets,
// their readers and senders, and what the kernel loses are not shown here, but by
// TestTwoNodesRingOnceOverUDP and the tests of the RFCs; products themselves by e2e.
func TestConcentratorsRingOnce(t *testing.T) {
	t.Parallel()
	for _, row := range concentrators {
		for _, key := range []struct {
			says string
			err  error
			want byte
		}{
			{"#", nil, accept},
			{"hangs up", login.ErrDenied, rejected},
			{"0#", login.ErrFraud, rejected},
		} {
			t.Run(row.name+", "+key.says, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					p := newPair(t, 5*time.Minute, logintest.Answer{After: row.answers, Err: key.err})
					p.signIn(row.sends, row.answers)
					p.sleepUntil(row.answers + lookEvery)
					p.answered(key.want)
					p.end()
				})
			})
		}
	}
}

// TestALateApprovalCountsAtTheOtherNode: she answers when nobody asks any more,
// and tries again.
func TestALateApprovalCountsAtTheOtherNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, 20*time.Second, logintest.Answer{After: 30 * time.Second})
		p.signIn(copies(5, 10, 15), 20*time.Second)
		p.sleepUntil(20 * time.Second)
		p.answered(rejected)
		p.sleepUntil(35 * time.Second)
		p.requests = nil
		p.send(sent{how: newID, to: 1})
		p.answered(accept)
		p.end()
	})
}

// A pair is two servers on one store, and a concentrator that knows both and
// listens to both.
type pair struct {
	t        *testing.T
	nodes    [2]*Server
	sockets  [2]*socket
	flows    [2]*login.Flow
	calls    *logintest.Approver
	device   *device
	began    time.Time
	port     uint16
	packet   []byte
	requests []*asking
}

// A asking is a request as one node got it, and its answer.
type asking struct {
	node   int
	from   netip.AddrPort
	packet []byte
	reply  *answer
}

func newPair(t *testing.T, patience time.Duration, her logintest.Answer) *pair {
	t.Helper()
	p := &pair{
		t: t, device: &device{t: t, secret: testSecret}, port: 40000,
		calls: &logintest.Approver{FactorName: "call", Hints: []string{"••42"}, Answers: []logintest.Answer{her}},
	}
	people, records := &logintest.Directory{}, &logintest.Records{}
	people.Add(login.Account{ID: "id-alice", Name: "alice"}, "secret")
	policy, err := login.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := text.New(text.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.nodes {
		p.flows[i] = logintest.NewFlow(t, login.Config{
			Directory: people, Policy: policy, Factors: []login.Factor{p.calls}, Enrollments: &logintest.Enrollments{},
			Records: records, Tickets: logintest.NewSealer("shared"), Texts: texts, AccountAge: time.Minute,
		})
		cfg := testConfig()
		cfg.Clients[0].Challenge, cfg.Clients[0].Patience = false, patience
		p.nodes[i], err = New(cfg, p.flows[i], Options{Records: records, Reply: func(_ string, a login.Account) ([]byte, error) {
			return slices.Concat(attr(typeClass, "staff"), attr(attrUserName, a.Name)), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		p.sockets[i] = &socket{outlet: outlet{queue: make(chan outgoing, sendQueue)}}
	}
	return p
}

// signIn sends what a product sends until she answers.
func (p *pair) signIn(more []sent, until time.Duration) {
	p.t.Helper()
	p.began = time.Now()
	for _, m := range append([]sent{{how: newID}}, more...) {
		at := time.Duration(m.at * float64(time.Second))
		if at >= until {
			break
		}
		p.sleepUntil(at)
		p.send(m)
		p.listen()
	}
	for _, r := range p.requests {
		if r.reply != nil {
			p.t.Errorf("node %d answered before she did, with code %d", r.node, r.reply.code)
		}
	}
}

// sleepUntil waits for a time after the first datagram.
func (p *pair) sleepUntil(after time.Duration) {
	time.Sleep(time.Until(p.began.Add(after)))
	synctest.Wait()
}

func (p *pair) send(m sent) {
	switch m.how {
	case newPort:
		p.port++
		fallthrough
	case newID:
		p.packet = p.device.login("alice", "secret", attr(attrCallingStationID, "203.0.113.7"))
	case sameID:
	}
	r := p.at(int(m.to), p.packet)
	if r == nil {
		r = &asking{node: int(m.to), from: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), p.port), packet: p.packet}
		p.requests = append(p.requests, r)
	}
	p.deliver(r)
}

// at is the request that a packet is at a node.
func (p *pair) at(node int, packet []byte) *asking {
	for _, r := range p.requests {
		if r.node == node && bytes.Equal(r.packet, packet) {
			return r
		}
	}
	return nil
}

func (p *pair) deliver(r *asking) {
	p.nodes[r.node].receive(p.t.Context(), p.sockets[r.node], r.packet, nil, r.from)
	synctest.Wait()
}

// listen takes what the nodes have sent. Whatever a request gets again must be
// the same octets.
func (p *pair) listen() {
	p.t.Helper()
	for node, l := range p.sockets {
		for len(l.queue) > 0 {
			o := <-l.queue
			i := slices.IndexFunc(p.requests, func(r *asking) bool {
				return r.node == node && r.from == o.route.to && r.packet[1] == o.packet[1]
			})
			if i < 0 {
				p.t.Errorf("node %d answers what was not asked: % x", node, o.packet)
				continue
			}
			r := p.requests[i]
			got := checked(p.t, o.packet, r.packet, testSecret)
			if r.reply != nil && !bytes.Equal(r.reply.raw, got.raw) {
				p.t.Errorf("node %d changed its answer", node)
			}
			r.reply = got
		}
	}
}

// answered checks that every request has an answer, and the same one.
func (p *pair) answered(code byte) {
	p.t.Helper()
	p.listen()
	for i, r := range p.requests {
		switch {
		case r.reply == nil:
			p.t.Errorf("request %d: node %d says nothing", i+1, r.node)
		case r.reply.code != code || r.reply.says() != p.requests[0].reply.says():
			p.t.Errorf("request %d: node %d says %d %s, want %d as all, %s", i+1, r.node, r.reply.code, r.reply.says(), code, p.requests[0].reply.says())
		}
	}
}

// says are the attributes of a reply without what is each request's own: the
// signature, and the reference in the text of a refusal.
func (a *answer) says() string {
	var all []string
	for _, v := range a.attrs {
		if v.typ != attrMessageAuthenticator {
			all = append(all, fmt.Sprintf("%d %s", v.typ, reference.ReplaceAllString(v.value, "[reference]")))
		}
	}
	return strings.Join(all, ", ")
}

// end sends everything once more, ends the servers and counts the calls.
func (p *pair) end() {
	p.t.Helper()
	for _, r := range p.requests {
		p.deliver(r)
	}
	for i, l := range p.sockets {
		copies := 0
		for _, r := range p.requests {
			if r.node == i {
				copies++
			}
		}
		if len(l.queue) != copies {
			p.t.Errorf("node %d answers %d copies of %d", i, len(l.queue), copies)
		}
	}
	p.listen()
	for i, s := range p.nodes {
		if in, held := s.admission.count(); in != 0 || held != 0 {
			p.t.Errorf("node %d: %d are in hand, %d held", i, in, held)
		}
		s.crew.Close()
		s.crew.Wait()
		s.handlers.Wait()
		if err := p.flows[i].Close(); err != nil {
			p.t.Error(err)
		}
	}
	if n := len(p.calls.Rung()); n != 1 {
		p.t.Errorf("rang %d times", n)
	}
}
