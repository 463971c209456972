package voice_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

// TestTheNextProviderOnlyWhenNothingRang is one sign-in, one ring, between the
// providers.
func TestTheNextProviderOnlyWhenNothingRang(t *testing.T) {
	for _, c := range []struct {
		name   string
		first  error
		second int
	}{
		{"busy", busy, 0},
		{"perhaps rang", unclear, 0},
		{"not answered by a key", noKey, 0},
		{"number unknown there", unreachable, 1},
		{"exchange down", down, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := &line{name: "a", err: c.first}, &line{name: "b", keys: "#"}
			f, u := newFactor(t, nil, a, b)
			err := approve(f, login.Approval{User: u})
			if b.called() != c.second || (err == nil) != (c.second == 1) {
				t.Errorf("the second was called %d times; %v", b.called(), err)
			}
		})
	}
}

func TestADeadExchangeIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := &line{name: "dead", err: down, wait: 4 * time.Second}
		f, u := newFactor(t, nil, dead)
		for range 10 {
			if err := approve(f, login.Approval{User: u}); !voice.Unrung(err) {
				t.Fatal(err)
			}
		}
		if n := dead.called(); n != 3 {
			t.Errorf("tried %d times, want 3", n)
		}
		time.Sleep(31 * time.Second)
		dead.err, dead.keys = nil, "#"
		if err := approve(f, login.Approval{User: u}); err != nil {
			t.Errorf("when it is back: %v", err)
		}
	})
}

// TestACallIsOneLine: what an administrator looks for is in one place.
func TestACallIsOneLine(t *testing.T) {
	for _, c := range []struct {
		name string
		l    *line
		want string
	}{
		{
			"approved",
			&line{keys: "#", wait: 9 * time.Second, trace: voice.Trace{Status: 200, Keys: "inband"}},
			"level=INFO msg=call provider=pbx number=+47••••••67 outcome=approved attempt=7K3Q-XF2A status=200 kind=inband took=9s\n",
		},
		{
			"a no needs no explanation",
			&line{keys: "0#", trace: voice.Trace{Status: 200, Keys: "rfc4733"}},
			"level=INFO msg=call provider=pbx number=+47••••••67 outcome=fraud attempt=7K3Q-XF2A status=200 kind=rfc4733 took=0s\n",
		},
		{
			"wrong digits do",
			&line{keys: "1#2#3#"},
			"level=INFO msg=call provider=pbx number=+47••••••67 outcome=denied attempt=7K3Q-XF2A took=0s err=\"the person said no: wrong digits 3 times\"\n",
		},
		{
			"somebody has to look at the exchange",
			&line{err: down},
			"level=WARN msg=call provider=pbx number=+47••••••67 outcome=unavailable attempt=7K3Q-XF2A took=0s err=\"connection refused\"\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out strings.Builder
				log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					if a.Key == slog.TimeKey {
						return slog.Attr{}
					}
					return a
				}}))
				c.l.name = "pbx"
				f, u := newLoggedFactor(t, log, nil, c.l)
				_ = approve(f, login.Approval{User: u, Attempt: "7K3Q-XF2A"})
				synctest.Wait()
				if got := out.String(); got != c.want {
					t.Errorf("the log has\n%swant\n%s", got, c.want)
				}
			})
		})
	}
}

// TestARehearsalCallsNobody is kind = "log".
func TestARehearsalCallsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		f, u := newFactor(t, nil, voice.NewRehearsal("try", "#", 2*time.Second, &out))
		if err := approve(f, login.Approval{User: u}); err != nil {
			t.Error(err)
		}
		if s := out.String(); !strings.Contains(s, "call to +47") || strings.Contains(s, "41234567") {
			t.Errorf("wrote %q", s)
		}
		f, u = newFactor(t, nil, voice.NewRehearsal("try", "", 0, &out))
		err := approve(f, login.Approval{User: u})
		if fail, ok := errors.AsType[*voice.Failure](err); !ok || fail.Why != voice.WhyNoAnswer {
			t.Errorf("nobody presses: %v", err)
		}
	})
}
