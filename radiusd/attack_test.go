package radiusd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// S-26: a password and the code behind it share the 128 octets of User-Password
// (RFC 2865, section 5.2). What is longer is refused whole: cut to 128 octets,
// it could be the password of somebody whose password has that length.
func TestS26APasswordAndItsCodeShare128Octets(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Clients[0].Append = "comma"
	w := logintest.NewWorld(t)
	s := run(t, cfg, w, Options{})
	d := s.device(t, "127.0.0.1")
	long := func(n int) string { return strings.Repeat("ab,1", n)[:n-1] + "." }
	for _, row := range []struct {
		what            string
		password, typed string
		code            byte
		asked           bool
	}{
		{"128 octets are a password", long(128), long(128), challenge, true},
		{"the last of them counts", long(128), long(128)[:127] + "!", rejected, true},
		{"121 octets, a comma and a code", long(121), long(121) + ",111111", accept, true},
		{"one octet more and nobody is asked", long(122), long(122) + ",111112", rejected, false},
		{"what begins with the right 128 octets too", long(128), long(128) + ".", rejected, false},
	} {
		w.Directory.Add(login.Account{ID: "id-alice", Name: "alice"}, row.password)
		before := w.Directory.Binds.Load()
		got := d.ask(d.login("alice", row.typed)).code
		if asked := w.Directory.Binds.Load() > before; got != row.code || asked != row.asked {
			t.Errorf("%s: code %d, directory asked: %t; want %d, %t", row.what, got, asked, row.code, row.asked)
		}
	}
}

// S-33: whoever can send from a client's address and has no secret floods the
// port. He costs no question to the directory and keeps nobody out.
func TestS33AFloodWithoutTheSecretKeepsNobodyOut(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ require, counted string }{
		{yes, dropUnsigned.String()},
		{no, refusedGarbled.String()},
	} {
		t.Run("require "+row.require, func(t *testing.T) {
			t.Parallel()
			cfg := testConfig()
			cfg.Clients[0].RequireMessageAuthenticator, cfg.Clients[0].LimitProxyState = row.require, no
			var honest, others atomic.Int64
			decide := script(t)
			s := run(t, cfg, flowFunc(func(ctx context.Context, a login.Attempt, k login.Ticket) (login.Step, error) {
				if a.User == "alice" {
					honest.Add(1)
				} else {
					others.Add(1)
				}
				return decide(ctx, a, k)
			}), Options{})
			d, attacker := s.device(t, "127.0.0.1"), s.device(t, "127.0.0.2")
			attacker.secret = "what he guesses"
			start := time.Now()
			const logins, ahead = 20, 100 // each of hers has so many of his ahead of it
			var took []time.Duration
			for range logins {
				for range ahead {
					attacker.send(attacker.unsignedLogin("mallory", strings.Repeat("x", 48)))
				}
				began := time.Now()
				if got := d.ask(d.login("alice", "accept")); got.code != accept {
					t.Errorf("alice got code %d", got.code)
				}
				took = append(took, time.Since(began))
			}
			st := s.after(logins * (ahead + 1))
			slices.Sort(took)
			if median := took[logins/2]; median > 200*time.Millisecond {
				t.Errorf("behind %d forgeries alice waits %v, want less than 200ms", ahead, median)
			}
			if got := st.Dropped[row.counted] + st.Refused[row.counted]; got != logins*ahead {
				t.Errorf("%d of %d forgeries counted as %s; dropped %v, refused %v", got, logins*ahead, row.counted, st.Dropped, st.Refused)
			}
			if honest.Load() != logins || others.Load() != 0 {
				t.Errorf("%d of %d honest logins began, and %d others", honest.Load(), logins, others.Load())
			}
			seconds := int(time.Since(start)/time.Second) + 1
			if lines := strings.Count(s.logs.String(), "\n"); lines > 4*seconds+4 {
				t.Errorf("%d lines in %d seconds", lines, seconds)
			}
		})
	}
}

// S-35: in every reply Message-Authenticator is there and comes first, so that
// nobody can make another reply of it (CVE-2024-3596).
func TestS35EveryReplyBeginsWithItsSignature(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Clients[0].RequireMessageAuthenticator, cfg.Clients[0].LimitProxyState, cfg.Clients[0].OnError = no, no, reject
	s := run(t, cfg, script(t), Options{Reply: func(string, login.Account) ([]byte, error) {
		return slices.Concat(attr(25, "class"), attr(attrReplyMessage, "hello")), nil
	}})
	d := s.device(t, "127.0.0.1")
	proxied := attr(attrProxyState, strings.Repeat("p", 253))
	status := d.signed(nasID)
	status[0] = 12
	d.sign(status)
	for what, p := range map[string][]byte{
		"an accept with attributes":         d.login("alice", "accept", proxied),
		"a reject":                          d.login("alice", "wrong", proxied),
		"a question":                        d.login("alice", "ask", proxied),
		"an accept behind a question":       d.login("alice", "123456", attr(attrState, "s"), proxied),
		"a reject because of an error":      d.login("alice", "error", proxied),
		"a reject of what cannot be right":  d.signed(proxied, nasID),
		"an EAP-Failure":                    d.signed(attr(attrEAPMessage, "\x02\x07\x00\x05\x01"), proxied),
		"the answer to Status-Server":       status,
		"an accept of an unsigned request":  d.unsignedLogin("alice", "accept", proxied),
		"a reject of an unsigned request":   d.unsignedLogin("alice", "wrong", proxied),
		"a question to an unsigned request": d.unsignedLogin("alice", "ask", proxied),
	} {
		for _, when := range []string{"at first", "sent again"} {
			// ask checks the signature and that it comes first.
			if got := d.ask(p); got.attrs[0].typ != attrMessageAuthenticator || len(got.all(attrMessageAuthenticator)) != 1 {
				t.Errorf("%s, %s: %d signatures, the first attribute is %d", what, when, len(got.all(attrMessageAuthenticator)), got.attrs[0].typ)
			}
		}
	}
}

// S-37: a NAS with a wrong secret garbles each password. None of them reaches
// the directory, where it would count against the person.
func TestS37PasswordsUnderAWrongSecretReachNobody(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	signs, silent := testClient("signs", "127.0.0.2"), testClient("silent", "127.0.0.3")
	silent.RequireMessageAuthenticator, silent.LimitProxyState = no, no
	cfg.Clients = append(cfg.Clients, signs, silent)
	w := logintest.NewWorld(t)
	s := run(t, cfg, w, Options{})
	const n = 40
	signing, mute := s.device(t, "127.0.0.2"), s.device(t, "127.0.0.3")
	signing.secret, mute.secret = "a secret of another one", "a secret of another one"
	for range n {
		signing.silent(signing.login("alice", "secret"), dropBadSignature)
		// Longer than a block: that noise is text by chance is not to be seen.
		p := mute.unsignedLogin("alice", strings.Repeat("secret", 8))
		mute.secret = testSecret // what the reply is signed with
		if got := mute.ask(p); got.code != rejected {
			t.Fatalf("code %d", got.code)
		}
		mute.secret = "a secret of another one"
	}
	st := s.settledStats()
	if got := st.Clients["signs"].Dropped[dropBadSignature.String()]; got != n {
		t.Errorf("%d bad signatures of the one client, want %d", got, n)
	}
	if got := st.Clients["silent"].Refused[refusedGarbled.String()]; got != n {
		t.Errorf("%d garbled passwords of the other, want %d", got, n)
	}
	if lookups, binds := w.Directory.Lookups.Load(), w.Directory.Binds.Load(); lookups+binds != 0 {
		t.Errorf("the directory was asked %d times", lookups+binds)
	}
	if !strings.Contains(s.logs.String(), "shared secret probably wrong") {
		t.Errorf("the log does not say why: %s", s.logs)
	}
}

// S-38: a client that may only send PAP is not talked into a weaker method, by
// itself or beside a password.
func TestS38OnlyTheMethodAllowedReachesALogin(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), flowFunc(func(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
		t.Error("a login began")
		return nil, nil
	}), Options{})
	d := s.device(t, "127.0.0.1")
	chap := slices.Concat(attr(attrCHAPPassword, strings.Repeat("c", 17)), attr(60, strings.Repeat("C", 16)))
	vendor := func(typ byte, n int) []byte {
		return attr(attrVendorSpecific, fmt.Sprintf("\x00\x00\x01\x37%c%c%s", typ, n+2, strings.Repeat("m", n)))
	}
	name := attr(attrUserName, "alice")
	for what, more := range map[string][]byte{
		"CHAP":      chap,
		"MS-CHAP":   slices.Concat(vendor(11, 8), vendor(1, 50)),
		"MS-CHAPv2": slices.Concat(vendor(11, 16), vendor(25, 50)),
		"EAP":       attr(attrEAPMessage, "\x02\x07\x00\x0a\x01alice"),
	} {
		for how, p := range map[string][]byte{
			"alone":             d.signed(name, more, nasID),
			"beside a password": d.login("alice", "accept", more),
			"beside a State":    d.signed(name, more, attr(attrState, "s"), nasID),
		} {
			if got := d.ask(p); got.code != rejected {
				t.Errorf("%s %s: code %d, want %d", what, how, got.code, rejected)
			}
		}
	}
	if st := s.settledStats(); st.Refused[refusedMethod.String()] != 11 || st.Refused[refusedBothPasswords.String()] != 1 {
		t.Errorf("refused %v", st.Refused)
	}
}
