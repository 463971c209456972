package radiusd

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// proofs is a server whose client may send these methods, before people whose
// NT hashes are known.
func proofs(t *testing.T, methods []string, rules ...login.RuleConfig) (*running, *logintest.World) {
	t.Helper()
	w := logintest.NewWorld(t, rules...)
	return proofsOf(t, methods, w), w
}

// proofsOf is proofs of a world that is ready: it is not written to once packets
// come.
func proofsOf(t *testing.T, methods []string, w *logintest.World) *running {
	t.Helper()
	w.Directory.NTHash = mschaptest.NTHash
	cfg := testConfig()
	cfg.Clients[0].Methods = methods
	return run(t, cfg, flowFunc(func(ctx context.Context, a login.Attempt, k login.Ticket) (login.Step, error) {
		if k == nil {
			return w.Flow.Begin(ctx, a)
		}
		return w.Flow.Resume(ctx, a, k)
	}), Options{})
}

// microsoft sends what a NAS sends for an exchange.
func (d *device) microsoft(p *mschaptest.Peer, more ...[]byte) []byte {
	return d.signed(append([][]byte{attr(attrUserName, p.User), nasID, p.Attributes()}, more...)...)
}

// accepted checks an accept as NAS and person's system do.
func accepted(t *testing.T, what string, p *mschaptest.Peer, request []byte, a *answer) {
	t.Helper()
	if a.code != accept {
		t.Errorf("%s: code %d, want an accept", what, a.code)
		return
	}
	if err := p.Check(a.raw[headerLen:], testSecret, [16]byte(request[4:headerLen])); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestMSCHAPv2(t *testing.T) {
	t.Parallel()
	s, w := proofs(t, []string{methodMSCHAPv2}, login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice", "bob", "zoë", `ADEX\dora`}})
	w.Directory.Add(login.Account{ID: "id-zoe", Name: "zoë"}, "пароль")
	w.Directory.Add(login.Account{ID: "id-d", Name: `ADEX\dora`}, "secret")
	d := s.device(t, "127.0.0.1")
	for _, row := range []struct {
		what, user, password string
		good                 bool
	}{
		{"the right password", "alice", "secret", true},
		{"another alphabet", "zoë", "пароль", true},
		{"a domain, which is not hashed", `ADEX\dora`, "secret", true},
		{"a wrong password", "alice", "Secret", false},
		{"nobody", "mallory", "secret", false},
		{"an empty password", "alice", "", false},
	} {
		p := mschaptest.New(row.user, row.password)
		request := d.microsoft(p)
		a := d.ask(request)
		if row.good {
			accepted(t, row.what, p, request, a)
			continue
		}
		got := string(mschaptest.Microsoft(a.raw[headerLen:])[2])
		if a.code != rejected || !strings.HasPrefix(got, string([]byte{p.Ident})+"E=691 R=0 C=") || !strings.Contains(got, " V=3 M=") {
			t.Errorf("%s: code %d, MS-CHAP-Error %q", row.what, a.code, got)
		}
	}
	if got := d.ask(d.login("alice", "secret")); got.code != rejected {
		t.Errorf("PAP where only MS-CHAPv2 is allowed: code %d", got.code)
	}
}

// The system of a person whose password was right is told what keeps her out;
// the text for her is the one of every refusal.
func TestMSCHAPv2FailuresFollowTheDirectory(t *testing.T) {
	t.Parallel()
	s, w := proofs(t, []string{methodMSCHAPv2}, login.RuleConfig{Name: "r", SecondFactor: login.SecondNone, Users: []string{"alice", "bob", "zoë", `ADEX\dora`}})
	d := s.device(t, "127.0.0.1")
	for reason, code := range map[login.Reason]string{
		login.ReasonPasswordExpired: "648", login.ReasonMustChange: "648", login.ReasonDisabled: "647",
		login.ReasonHours: "646", login.ReasonLockedDirectory: "691",
	} {
		w.Directory.Refuse("alice", reason)
		a := d.ask(d.microsoft(mschaptest.New("alice", "secret")))
		if got := string(mschaptest.Microsoft(a.raw[headerLen:])[2]); a.code != rejected || !strings.Contains(got, "E="+code+" ") {
			t.Errorf("%s: code %d, %q", reason, a.code, got)
		}
	}
	if a := d.ask(d.microsoft(mschaptest.New("alice", "wrong"))); !strings.Contains(string(a.raw), "E=691 ") {
		t.Errorf("a wrong password: %q", a.raw)
	}
}

// Where the NAS can put a question, the accept at the end has the session of
// the first request, in whatever way the answers come.
func TestMSCHAPv2QuestionsKeepTheSession(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		answers func(d *device, p *mschaptest.Peer, state []byte, code string) []byte
	}{
		{"the code in User-Password", func(d *device, p *mschaptest.Peer, state []byte, code string) []byte {
			return d.login(p.User, code, state)
		}},
		{"the code as a password of MS-CHAPv2", func(d *device, p *mschaptest.Peer, state []byte, code string) []byte {
			return d.microsoft(mschaptest.New(p.User, code), state)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, _ := proofs(t, []string{methodMSCHAPv2})
			d := s.device(t, "127.0.0.1")
			p := mschaptest.New("alice", "secret")
			a := d.ask(d.microsoft(p))
			for _, typed := range []string{"999999", "2"} { // a wrong code, and another method
				if a.code != challenge {
					t.Fatalf("code %d, want a challenge", a.code)
				}
				a = d.ask(row.answers(d, p, attr(attrState, a.all(attrState)[0]), typed))
			}
			request := row.answers(d, p, attr(attrState, a.all(attrState)[0]), "500001")
			accepted(t, row.name, p, request, d.ask(request))
		})
	}
}

// PPP can put no question: the request is held while the telephone rings.
func TestMSCHAPv2HeldForACall(t *testing.T) {
	t.Parallel()
	w := logintest.NewWorld(t)
	call := &logintest.Approver{FactorName: "call", Hints: []string{"••42"}, Answers: []logintest.Answer{{After: 50 * time.Millisecond}}}
	c := w.Config
	c.Factors = append([]login.Factor{call}, c.Factors...)
	w.Flow = w.With(c)
	s := proofsOf(t, []string{methodMSCHAPv2}, w)
	d := s.device(t, "127.0.0.1")
	if a := d.ask(d.microsoft(mschaptest.New("alice", "wrong"))); a.code != rejected || len(call.Rung()) != 0 {
		t.Fatalf("a wrong password: code %d, %d calls", a.code, len(call.Rung()))
	}
	p := mschaptest.New("alice", "secret")
	request := d.microsoft(p)
	accepted(t, "a call", p, request, d.ask(request))
	if n := len(call.Rung()); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

// Changing the password is refused with the code for that, so that the person
// is not told that hers is wrong.
func TestMSCHAPv2PasswordChangesAreRefused(t *testing.T) {
	t.Parallel()
	s, w := proofs(t, []string{methodMSCHAPv2})
	d := s.device(t, "127.0.0.1")
	change := append([]byte{7, 9}, make([]byte, 66)...)
	a := d.ask(d.signed(attr(attrUserName, "alice"), nasID, mschaptest.VSA(11, make([]byte, 16)), mschaptest.VSA(27, change),
		mschaptest.VSA(6, make([]byte, 240))))
	got := string(mschaptest.Microsoft(a.raw[headerLen:])[2])
	if a.code != rejected || !strings.HasPrefix(got, "\x09E=709 R=0 ") || w.Directory.Binds.Load() != 0 {
		t.Errorf("code %d, %q", a.code, got)
	}
}

// Windows is told that the password has expired behind the second factor, and
// sends the new one in a request of its own.
func TestMSCHAPv2ChangesAnExpiredPassword(t *testing.T) {
	t.Parallel()
	w := logintest.NewWorld(t, login.RuleConfig{ExpiredPassword: login.ExpiredChange})
	w.Directory.Refuse("alice", login.ReasonPasswordExpired)
	w.Directory.NTChange = func(old string, c login.NTChange) (string, error) {
		password, _ := c.NTBlobs()
		fresh := mschaptest.DecryptPassword(password[:], mschaptest.NTHash(old))
		if fresh == "" {
			return "", &login.Refusal{Reason: login.ReasonBadPassword}
		}
		return fresh, nil
	}
	s := proofsOf(t, []string{methodMSCHAPv2}, w)
	d := s.device(t, "127.0.0.1")
	station := attr(attrCallingStationID, "198.51.100.23")
	fresh := mschaptest.New("alice", "new secret")
	change := func(old string) []byte {
		return d.signed(attr(attrUserName, "alice"), nasID, station, fresh.Change(old))
	}
	refused := func(what string, a *answer, want string) {
		t.Helper()
		if got := string(mschaptest.Microsoft(a.raw[headerLen:])[2]); a.code != rejected || !strings.Contains(got, want) {
			t.Errorf("%s: code %d, %q, want %s", what, a.code, got, want)
		}
	}
	sent := 0
	expire := func() {
		t.Helper()
		sent++
		a := d.ask(d.microsoft(mschaptest.New("alice", "secret"), station))
		if a.code != challenge {
			t.Fatalf("code %d, want a question", a.code)
		}
		state := attr(attrState, a.all(attrState)[0])
		a = d.ask(d.microsoft(mschaptest.New("alice", "2"), station, state))
		state = attr(attrState, a.all(attrState)[0])
		refused("the second factor", d.ask(d.microsoft(mschaptest.New("alice", fmt.Sprint(500000+sent)), station, state)), "E=648 R=0 ")
	}
	refused("before the second factor", d.ask(change("secret")), "E=709 R=0 ")
	expire()
	refused("by a wrong password", d.ask(change("guess")), "E=709 R=0 ")
	expire()
	request := change("secret")
	accepted(t, "the change", fresh, request, d.ask(request))
	refused("the same again", d.ask(change("secret")), "E=709 R=0 ")
}

func TestMalformedProofsReachNobody(t *testing.T) {
	t.Parallel()
	s, w := proofs(t, []string{methodPAP, methodCHAP, methodMSCHAPv2})
	d := s.device(t, "127.0.0.1")
	name, p := attr(attrUserName, "alice"), mschaptest.New("alice", "secret")
	chap := attr(attrCHAPPassword, strings.Repeat("c", 17))
	whole := p.Attributes()
	for _, row := range []struct {
		what    string
		packet  []byte
		refused tally
	}{
		{"MS-CHAP version 1", d.signed(name, nasID, mschaptest.VSA(11, make([]byte, 8)), mschaptest.VSA(1, make([]byte, 50))), refusedMethod},
		{"two responses", d.signed(name, nasID, whole, whole), refusedPasswordForm},
		{"a response without challenge", d.signed(name, nasID, whole[24:]), refusedPasswordForm},
		{"MS-CHAPv2 beside a password", d.login("alice", "secret", whole), refusedBothPasswords},
		{"MS-CHAPv2 beside CHAP", d.signed(name, nasID, whole, chap), refusedBothPasswords},
		{"CHAP beside a password", d.login("alice", "secret", chap), refusedBothPasswords},
		{"two CHAP-Passwords", d.signed(name, nasID, chap, chap), refusedTwice},
		{"a CHAP-Password of 16 octets", d.signed(name, nasID, attr(attrCHAPPassword, strings.Repeat("c", 16))), refusedPasswordForm},
		{"two CHAP-Challenges", d.signed(name, nasID, chap, attr(60, "a"), attr(60, "b")), refusedPasswordForm},
		{"an empty CHAP-Challenge", d.signed(name, nasID, chap, attr(60, "")), refusedPasswordForm},
	} {
		before := s.Stats().Refused[row.refused.String()]
		if a := d.ask(row.packet); a.code != rejected {
			t.Errorf("%s: code %d", row.what, a.code)
		}
		if got := s.Stats().Refused[row.refused.String()] - before; got != 1 {
			t.Errorf("%s: not refused for %s: %v", row.what, row.refused, s.Stats().Refused)
		}
	}
	if n := w.Directory.Binds.Load() + w.Directory.Lookups.Load(); n != 0 {
		t.Errorf("the directory was asked %d times", n)
	}
}

// S-38: each method is taken where it is allowed and nowhere else. An answer
// may come as a password where proofs are allowed, and only with a ticket.
func TestS38EachMethodWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	all := []string{methodPAP, methodCHAP, methodMSCHAPv2}
	for _, only := range all {
		t.Run(only, func(t *testing.T) {
			t.Parallel()
			s, w := proofs(t, []string{only}, login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice", "bob", "zoë", `ADEX\dora`}})
			d := s.device(t, "127.0.0.1")
			for _, method := range all {
				var p []byte
				switch method {
				case methodPAP:
					p = d.login("alice", "secret")
				case methodCHAP:
					p = d.chap("alice", "secret", "a challenge")
				case methodMSCHAPv2:
					p = d.microsoft(mschaptest.New("alice", "secret"))
				}
				want := byte(rejected)
				if method == only {
					want = accept
				}
				before := w.Directory.Binds.Load()
				if a := d.ask(p); a.code != want || (w.Directory.Binds.Load() > before) != (method == only) {
					t.Errorf("%s where only %s is allowed: code %d", method, only, a.code)
				}
			}
			before := w.Directory.Binds.Load()
			if a := d.ask(d.login("alice", "secret", attr(attrState, "made up"))); a.code != rejected || w.Directory.Binds.Load() != before {
				t.Errorf("the password with a State that nobody gave: code %d", a.code)
			}
		})
	}
}

// chap builds a CHAP request; without a challenge the Request Authenticator is
// one.
func (d *device) chap(user, password, challenge string, more ...[]byte) []byte {
	attrs := [][]byte{attr(attrUserName, user), nasID, attr(attrCHAPPassword, strings.Repeat("\x00", 17))}
	if challenge != "" {
		attrs = append(attrs, attr(60, challenge))
	}
	p := d.signed(append(attrs, more...)...)
	if challenge == "" {
		challenge = string(p[4:headerLen])
	}
	at := headerLen
	for p[at] != attrCHAPPassword {
		at += int(p[at+1])
	}
	p[at+2] = 77
	copy(p[at+3:], chapResponse(77, password, challenge))
	return d.sign(p)
}
