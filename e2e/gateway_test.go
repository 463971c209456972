package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/factors/voice/sip/siptest"
)

// A gatewayCase is what the test of a real product has around it: a daemon that
// the product asks, alice who has an app and bob who has a telephone.
type gatewayCase struct {
	*server.Daemon

	seed  server.Seed
	phone *person
}

const bobsTelephone = "+47 900 00 043"

// newGateway makes one, with lines of the client that the product is. Its
// RADIUS port is the usual one; the test must be in its own network.
func newGateway(t *testing.T, client string) *gatewayCase {
	t.Helper()
	return newGatewayAt(t, "127.0.0.1", peer.SlapdOptions{}, server.Config{Client: client})
}

// newGatewayAt makes one whose daemon listens elsewhere. c.LDAP are lines of
// [ldap.attributes].
func newGatewayAt(t *testing.T, host string, o peer.SlapdOptions, c server.Config) *gatewayCase {
	t.Helper()
	g := &gatewayCase{seed: server.NewSeed(), phone: newPerson(t)}
	c.LDAP = server.LDAP(peer.StartSlapd(t, o)) + c.LDAP
	fraud := ""
	if strings.Contains(c.Server, "accounting") {
		fraud = "fraud_disconnect = true"
	}
	c.More += fmt.Sprintf(`
[[rule]]
name = "call first"
factors = ["call", "totp"]
call = "approve"

[call]
countries = ["NO"]
organisation = "Example University"
%s

[[call.provider]]
name = "exchange"
kind = "sip"
server = "sip:%s"
`, fraud, g.phone.Addr())
	site := server.New(t, c)
	site.Addr = net.JoinHostPort(host, "1812")
	site.Configure(t, c)
	site.Enroll(t, "alice", g.seed)
	site.Must(t, "phone", "add", "bob", bobsTelephone)
	g.Daemon = site.Start(t)
	return g
}

// betweenCopies keeps an approval away from the moment at which a product gives
// up one copy of its request, and its port, for the next one: they come each
// second.
const betweenCopies = 500 * time.Millisecond

// A person answers the telephone, listens for a while, presses # and hangs up.
type person struct {
	*siptest.Telephone

	mu      sync.Mutex
	listens time.Duration
	keys    string // "#" unless set
	pressed bool
	rang    int
	over    int
}

func newPerson(t *testing.T) *person {
	t.Helper()
	phone, err := siptest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p := &person{Telephone: phone, listens: time.Second}
	var life sync.WaitGroup
	life.Go(func() {
		for e := range phone.Events() {
			p.happened(t, e)
		}
	})
	t.Cleanup(func() {
		if err := phone.Close(); err != nil {
			t.Error(err)
		}
		life.Wait()
	})
	return p
}

func (p *person) happened(t *testing.T, e siptest.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Kind {
	case siptest.Ringing:
		p.rang++
		p.pressed = false
		_ = p.Answer() // or the caller has hung up
	case siptest.Heard:
		if p.pressed {
			_ = p.HangUp() // or the call is over
		} else if e.Sound >= p.listens {
			<-time.After(betweenCopies)
			p.pressed = p.Press(t.Context(), cmp.Or(p.keys, "#")) == nil
		}
	case siptest.Answered:
	case siptest.Over:
		p.over++
	}
}

// listen sets how long is listened before # is pressed.
func (p *person) listen(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listens = d
}

// press sets what is pressed.
func (p *person) press(keys string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

// calls is how often it rang, and whether no call is left.
func (p *person) calls() (n int, over bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rang, p.rang == p.over
}

// ringing waits for the first call after so many.
func (g *gatewayCase) ringing(t *testing.T, after int) {
	t.Helper()
	g.Await(t, "call", func() bool { n, _ := g.phone.calls(); return n > after })
}

// held reports whether somebody is still being asked by telephone.
func (g *gatewayCase) held() bool { return g.Count(`"msg":"call"`, `"outcome":"approved"`) == 0 }

// lost is longer than a sign-in that looks the same is taken for one whose
// answer was lost, for which nobody is called again.
const lost = 4 * time.Second

// rung waits for the end of the call and checks how often it rang. The next
// sign-in is then one of its own.
func (g *gatewayCase) rung(t *testing.T, want int) {
	t.Helper()
	g.Await(t, "end of the call", func() bool { _, over := g.phone.calls(); return over })
	if n, _ := g.phone.calls(); n != want {
		t.Errorf("rang %d times, want %d", n, want)
	}
	<-time.After(lost)
}

// taught is how many held sign-ins teach the daemon how a product sends again.
const taught = 3

// A sighting is what the daemon says of the product: "portvakt status --json".
type sighting struct {
	Signs   string            `json:"require_message_authenticator"`
	Dropped map[string]uint64 `json:"dropped"`
	Clock   struct {
		Resend     float64 `json:"resend_seconds"`
		Identifier string  `json:"identifier"`
	} `json:"clock"`
}

// seen is what was seen of the product so far.
func (g *gatewayCase) seen(t *testing.T) sighting {
	t.Helper()
	var status struct {
		Clients []sighting `json:"clients"`
	}
	text := g.Must(t, "status", "--json")
	if err := json.Unmarshal([]byte(text), &status); err != nil || len(status.Clients) != 1 {
		t.Fatalf("status: %v\n%s", err, text)
	}
	return status.Clients[0]
}

// sendsAgain checks how a request is sent again: after how long, and with what
// identifier.
func (s sighting) sendsAgain(t *testing.T, after time.Duration, identifier string) {
	t.Helper()
	const early = 0.3
	if s.Clock.Identifier != identifier || s.Clock.Resend < after.Seconds()-early || s.Clock.Resend > after.Seconds()+2 {
		t.Errorf("a request is sent again after %.1f s with %q identifier, want %v and %q", s.Clock.Resend, s.Clock.Identifier, after, identifier)
	}
}

// signs checks whether requests are signed, once the daemon has learned it.
func (s sighting) signs(t *testing.T, want string) {
	t.Helper()
	if s.Signs != want {
		t.Errorf("require_message_authenticator is %q, want %q to be learned", s.Signs, want)
	}
}
