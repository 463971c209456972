package radiusd

import (
	"bytes"
	"context"
	"testing"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// granting is a directory that gives attributes with its yes.
type granting struct {
	*logintest.Directory
	grant []byte
}

func (g granting) Grant(ctx context.Context, a login.Account, password login.Secret) ([]byte, error) {
	return g.grant, g.Verify(ctx, a, password)
}

// What the password's server grants is in the accept: keys encrypted anew, and
// no attribute that a rule of ours has set.
func TestGrants(t *testing.T) {
	t.Parallel()
	p := mschaptest.New("alice", "secret")
	send, recv := p.Keys()
	w := logintest.NewWorld(t, login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice"}})
	w.Flow.Directory = granting{w.Directory, bytes.Join([][]byte{
		attr(25, "class"), attr(11, "of the upstream"), mschaptest.VSA(26, p.Success()), mschaptest.VSA(16, send[:]), mschaptest.VSA(17, recv[:]),
		mschaptest.VSA(7, []byte{0, 0, 0, 2}), mschaptest.VSA(8, []byte{0, 0, 0, 6}),
	}, nil)}
	s := run(t, testConfig(), flowFunc(func(ctx context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
		return w.Flow.Begin(ctx, a)
	}), Options{Reply: func(string, login.Account) ([]byte, error) {
		return append(attr(11, "ours"), mschaptest.VSA(7, []byte{0, 0, 0, 1})...), nil
	}})
	d := s.device(t, "127.0.0.1")
	request := d.login("alice", "secret")
	a := d.ask(request)
	accepted(t, "an accept", p, request, a)
	for name, row := range map[string]struct {
		typ  byte
		want string
	}{"Class": {25, "class"}, "Filter-Id": {11, "ours"}} {
		if got := valuesOf(a.raw[headerLen:], row.typ); len(got) != 1 || string(got[0]) != row.want {
			t.Errorf("%s is %q, want %q alone", name, got, row.want)
		}
	}
	if policy := mschaptest.Microsoft(a.raw[headerLen:])[7]; !bytes.Equal(policy, []byte{0, 0, 0, 1}) {
		t.Errorf("the policy is %x, want ours", policy)
	}
	if bytes.Contains(a.raw, send[:]) || bytes.Contains(a.raw, recv[:]) {
		t.Error("a key is in the clear")
	}
}

func valuesOf(avps []byte, typ byte) (values [][]byte) {
	for ; len(avps) > 0; avps = avps[avps[1]:] {
		if avps[0] == typ {
			values = append(values, avps[2:avps[1]])
		}
	}
	return values
}

// A grant that no accept may have lets nobody in.
func TestGrantsThatNoAcceptMayHave(t *testing.T) {
	t.Parallel()
	for name, grant := range map[string][]byte{
		"a State":           attr(24, "of the upstream"),
		"a Proxy-State":     attr(33, "x"),
		"half an attribute": {25, 9, 'x'},
		"more than fits":    bytes.Repeat(attr(25, string(make([]byte, 250))), 4), // beside the rules' attributes
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := logintest.NewWorld(t, login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice"}})
			w.Flow.Directory = granting{w.Directory, grant}
			cfg := testConfig()
			cfg.Clients[0].OnError = reject
			s := run(t, cfg, flowFunc(func(ctx context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
				return w.Flow.Begin(ctx, a)
			}), Options{Reply: func(string, login.Account) ([]byte, error) {
				return bytes.Repeat(attr(11, string(make([]byte, 250))), 13), nil
			}})
			if a := s.device(t, "127.0.0.1").ask(s.device(t, "127.0.0.1").login("alice", "secret")); a.code != rejected {
				t.Errorf("code %d, want a reject", a.code)
			}
		})
	}
}
