package upstream_test

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/client"
	"github.com/portvakt/portvakt/radiusd/mschap"
	"github.com/portvakt/portvakt/radiusd/upstream"
)

// server is a block of the configuration. Real servers get all the time that a
// loaded machine may need.
func server(name, addr, shared string) upstream.ServerConfig {
	c := upstream.DefaultServerConfig()
	c.Name, c.Address, c.Secret = name, netip.MustParseAddrPort(addr), secret.New(shared)
	c.Timeout = 10 * time.Second
	return c
}

func config(servers ...upstream.ServerConfig) upstream.Config {
	c := upstream.DefaultConfig()
	c.Server, c.Pass = servers, []string{"Class", "Filter-Id"}
	return c
}

func open(t *testing.T, c upstream.Config, accounts login.Directory) *upstream.Directory {
	t.Helper()
	d, err := upstream.New(c, accounts, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// proofOf is what somebody sends by MS-CHAPv2.
func proofOf(t *testing.T, p *mschaptest.Peer) *mschap.Proof {
	t.Helper()
	attrs, err := radius.ParseAttributes(p.Attributes())
	if err != nil {
		t.Fatal(err)
	}
	f, err := mschap.Find(attrs)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := f.Proof(p.User)
	if err != nil {
		t.Fatal(err)
	}
	return proof
}

var alice = login.Account{ID: "id-alice", Name: peer.FreeRADIUSUser}

// grants are the values of standard attributes in a grant, by type.
func grants(t *testing.T, grant []byte) map[byte]string {
	t.Helper()
	got := map[byte]string{}
	for ; len(grant) > 0; grant = grant[grant[1]:] {
		if grant[0] != 26 {
			got[grant[0]] = string(grant[2:grant[1]])
		}
	}
	return got
}

func refused(t *testing.T, what string, err error, want login.Reason) {
	t.Helper()
	if got := login.Refused(err); got != want {
		t.Errorf("%s: got %v, want a refusal: %s", what, err, want)
	}
}

func TestFreeRADIUSDecidesAboutPasswords(t *testing.T) {
	t.Parallel()
	radius := peer.FreeRADIUSDeciding(t)
	d := open(t, config(server("one", radius.Addr, radius.Secret)), nil)

	grant, err := d.Grant(t.Context(), alice, login.Cleartext(peer.FreeRADIUSPassword))
	if err != nil {
		t.Fatal(err)
	}
	// Class and Filter-Id are let through, Session-Timeout and Reply-Message not.
	if got := grants(t, grant); len(got) != 2 || got[25] != peer.FreeRADIUSClass || got[11] != peer.FreeRADIUSFilter {
		t.Errorf("granted %q", got)
	}
	refused(t, "a wrong password", d.Verify(t.Context(), alice, login.Cleartext("wrong")), login.ReasonBadPassword)
	refused(t, "another name", d.Verify(t.Context(), login.Account{ID: "id-bob", Name: "bob"}, login.Cleartext(peer.FreeRADIUSPassword)), login.ReasonBadPassword)
	refused(t, "nobody", d.Verify(t.Context(), login.Account{}, login.Cleartext(peer.FreeRADIUSPassword)), login.ReasonBadPassword)
	refused(t, "128 octets", d.Verify(t.Context(), alice, login.Cleartext(strings.Repeat("x", 128))), login.ReasonBadPassword)
	err = d.Verify(t.Context(), login.Account{ID: "id", Name: peer.FreeRADIUSAsks}, login.Cleartext("x"))
	if refused(t, "a question", err, login.ReasonMethodNotAllowed); err == nil || !strings.Contains(err.Error(), "Access-Challenge") {
		t.Errorf("a question: %v", err)
	}
	radius.AwaitLog(t, "Message-Authenticator = 0x", `NAS-Identifier = "portvakt"`, `User-Name = "portvakt-nobody"`)
	for _, s := range d.Check(t.Context()) {
		if s.Err != nil || !strings.Contains(s.Note, "answers Status-Server") {
			t.Errorf("check: %+v", s)
		}
	}
}

// The longest password that PAP carries arrives whole.
func TestThePasswordArrivesWhole(t *testing.T) {
	t.Parallel()
	radius := peer.FreeRADIUSDeciding(t)
	d := open(t, config(server("one", radius.Addr, radius.Secret)), nil)
	for name, n := range peer.FreeRADIUSLengths {
		a, right := login.Account{ID: "id", Name: name}, peer.FreeRADIUSLength(n)
		if err := d.Verify(t.Context(), a, login.Cleartext(right)); err != nil {
			t.Errorf("%d octets: %v", n, err)
		}
		refused(t, "the last octet is another", d.Verify(t.Context(), a, login.Cleartext(right[:n-1]+"x")), login.ReasonBadPassword)
	}
	refused(t, "129 octets", d.Verify(t.Context(), alice, login.Cleartext(peer.FreeRADIUSLength(129))), login.ReasonBadRequest)
}

// MS-CHAPv2: FreeRADIUS checks the proof, and makes the keys.
func TestFreeRADIUSDecidesAboutProofs(t *testing.T) {
	t.Parallel()
	radius := peer.FreeRADIUSDeciding(t)
	d := open(t, config(server("one", radius.Addr, radius.Secret)), nil)

	p := mschaptest.New(peer.FreeRADIUSUser, peer.FreeRADIUSPassword)
	grant, err := d.Grant(t.Context(), alice, proofOf(t, p))
	if err != nil {
		t.Fatal(err)
	}
	const ours = "the secret of our client"
	there := [16]byte{1, 2, 3}
	sealed, err := mschap.SealKeys(grant, []byte(ours), there[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(sealed, ours, there); err != nil {
		t.Error(err)
	}
	if got := grants(t, grant); got[25] != peer.FreeRADIUSClass {
		t.Errorf("granted %q beside the keys", got)
	}
	refused(t, "a wrong password", d.Verify(t.Context(), alice, proofOf(t, mschaptest.New(peer.FreeRADIUSUser, "wrong"))), login.ReasonBadPassword)
	refused(t, "nobody", d.Verify(t.Context(), login.Account{}, proofOf(t, p)), login.ReasonBadPassword)

	// The proof is good under the name that was typed; it must be this account's.
	refused(t, "somebody else's proof", d.Verify(t.Context(), login.Account{ID: "id-bob", Name: "bob"}, proofOf(t, p)), login.ReasonMethodNotAllowed)
}

// A silent server is set aside when it does not answer Status-Server either; the
// next one decides meanwhile, and it is used again when it is back.
func TestFailover(t *testing.T) {
	t.Parallel()
	one, two := peer.FreeRADIUSDeciding(t), peer.FreeRADIUSDeciding(t)
	first := server("one", one.Addr, one.Secret)
	first.Timeout, first.Tries = 300*time.Millisecond, 1
	d := open(t, config(first, server("two", two.Addr, two.Secret)), nil)
	sign := func() error { return d.Verify(t.Context(), alice, login.Cleartext(peer.FreeRADIUSPassword)) }
	await := func(what string, ready func() bool) {
		t.Helper()
		for !ready() {
			if err := sign(); err != nil {
				t.Fatalf("until %s: %v", what, err)
			}
		}
	}
	await("the first has answered a probe and a sign-in", func() bool { return one.Probed() > 0 && one.Asked() > 0 })
	one.Pause()
	began := two.Asked()
	await("the first is set aside", func() bool { return two.Asked() > began && d.CountUp() == 1 })
	one.Continue()
	await("the first is used again", func() bool { return d.CountUp() == 2 })
	asked := one.Asked()
	await("the first is asked again", func() bool { return one.Asked() > asked })
}

// S-35: a server that does not sign its replies decides about nobody, unless the
// configuration says so (CVE-2024-3596).
func TestS35UnsignedRepliesDecideNothing(t *testing.T) {
	t.Parallel()
	radius := peer.FreeRADIUSUnsigned(t)
	c := server("one", radius.Addr, radius.Secret)
	c.Timeout, c.Tries = 3*time.Second, 1 // all of it is waited for
	d := open(t, config(c), nil)
	for _, password := range []string{peer.FreeRADIUSPassword, "wrong"} {
		if err := d.Verify(t.Context(), alice, login.Cleartext(password)); !errors.Is(err, client.ErrUnsigned) || login.Refused(err) != "" {
			t.Errorf("got %v, want no decision", err)
		}
	}
	if s := d.Check(t.Context()); !errors.Is(s[0].Err, client.ErrUnsigned) {
		t.Errorf("check: %+v", s)
	}
	c.Timeout, c.RequireMessageAuthenticator = 10*time.Second, false
	d = open(t, config(c), nil)
	if err := d.Verify(t.Context(), alice, login.Cleartext(peer.FreeRADIUSPassword)); err != nil {
		t.Errorf("where unsigned replies are taken: %v", err)
	}
	if s := d.Check(t.Context()); s[0].Err != nil || !strings.Contains(s[0].Note, "no Message-Authenticator") {
		t.Errorf("check: %+v", s)
	}
}

func TestAWrongSecretIsNoDecision(t *testing.T) {
	t.Parallel()
	radius := peer.FreeRADIUSDeciding(t)
	c := server("one", radius.Addr, "another secret than the server's")
	c.Timeout, c.Tries = 300*time.Millisecond, 1
	d := open(t, config(c), nil)
	err := d.Verify(t.Context(), alice, login.Cleartext(peer.FreeRADIUSPassword))
	if !errors.Is(err, client.ErrNoReply) || login.Refused(err) != "" {
		t.Errorf("got %v", err)
	}
	if s := d.Check(t.Context()); s[0].Err == nil {
		t.Errorf("check: %+v", s)
	}
}
