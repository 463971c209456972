package login_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// granter is a directory whose yes comes with something, another thing each
// time.
type granter struct {
	*logintest.Directory
	next []string
}

func (g *granter) Grant(ctx context.Context, a login.Account, password login.Secret) ([]byte, error) {
	if err := g.Verify(ctx, a, password); err != nil || len(g.next) == 0 {
		return nil, err
	}
	granted := g.next[0]
	g.next = g.next[1:]
	return []byte(granted), nil
}

func granting(t *testing.T, next ...string) *logintest.World {
	t.Helper()
	w := logintest.NewWorld(t)
	w.Flow.Directory = &granter{w.Directory, next}
	return w
}

var asking = login.Via{Client: "vpn", CanAsk: true, Patience: 20 * time.Second}

func typed(text string) login.Attempt {
	return login.Attempt{User: "alice", Secret: login.Cleartext(text), Via: asking}
}

func asked(t *testing.T, w *logintest.World) login.Ticket {
	t.Helper()
	step, err := w.Begin(t.Context(), typed("secret"))
	q, ok := step.(login.Ask)
	if err != nil || !ok {
		t.Fatalf("got %#v %v, want a question", step, err)
	}
	return q.Ticket
}

// What the directory grants with the first round's password comes with the
// accept, whichever node answers, and is nowhere afterwards.
func TestWhatIsGrantedComesBackWithTheAccept(t *testing.T) {
	t.Parallel()
	const most = "attributes of round 1"
	for name, answers := range map[string][]string{
		"a code": {"111111"},
		"a wrong code, another method, and its code": {"999999", "2", "500001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := granting(t, strings.Repeat(most, 40), "attributes of something else")
			ticket := asked(t, w)
			if bytes.Contains(ticket, []byte(most)) {
				t.Error("the ticket shows what was granted")
			}
			for i, text := range answers {
				w.Flow = w.NewFlow(w.Config) // another node
				step, err := w.Resume(t.Context(), typed(text), ticket)
				if q, again := step.(login.Ask); again && i < len(answers)-1 {
					ticket = q.Ticket
					continue
				}
				if a, ok := step.(login.Accept); err != nil || !ok || string(a.Grant()) != strings.Repeat(most, 40) {
					t.Fatalf("got %#v %v", step, err)
				}
			}
			if _, err := w.Records.Get(t.Context(), login.GrantKey("id-alice")); !errors.Is(err, login.ErrNotFound) {
				t.Errorf("afterwards: %v, want nothing kept", err)
			}
		})
	}
}

func TestWhatIsGrantedNeedsNoRecordWhereNothingIsAsked(t *testing.T) {
	t.Parallel()
	w := logintest.NewWorld(t, login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice"}})
	w.Flow.Directory = &granter{w.Directory, []string{"attributes"}}
	step, err := w.Begin(t.Context(), typed("secret"))
	if a, ok := step.(login.Accept); err != nil || !ok || string(a.Grant()) != "attributes" {
		t.Errorf("got %#v %v", step, err)
	}
	if _, err := w.Records.Get(t.Context(), login.GrantKey("id-alice")); !errors.Is(err, login.ErrNotFound) {
		t.Errorf("got %v, want no record", err)
	}
}

// Behind a call, too: one that is answered while the client waits, and one that
// is answered after the client was asked to go on.
func TestWhatIsGrantedComesBackAfterACall(t *testing.T) {
	t.Parallel()
	for _, after := range []time.Duration{5 * time.Second, 25 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := granting(t, "attributes")
			w.Factors = append([]login.Factor{&logintest.Approver{
				FactorName: "call", Hints: []string{"••42"}, Answers: []logintest.Answer{{After: after}},
			}}, w.Factors...)
			w.Flow = w.NewFlow(w.Config)
			step, err := w.Begin(t.Context(), typed("secret"))
			if q, late := step.(login.Ask); late {
				time.Sleep(10 * time.Second)
				step, err = w.Resume(t.Context(), typed(""), q.Ticket)
			} else if after > asking.Patience {
				t.Errorf("answered after %v: got %#v %v, want a question first", after, step, err)
			}
			if a, ok := step.(login.Accept); err != nil || !ok || string(a.Grant()) != "attributes" {
				t.Errorf("answered after %v: got %#v %v", after, step, err)
			}
		})
	}
}

// Eight dialogues of an account at a time have room. Who answers an older one is
// told no, and is not let in without what was granted (attack: an accept
// without the filter that the password's server asks for).
func TestAnAcceptIsNeverWithoutWhatWasGranted(t *testing.T) {
	t.Parallel()
	w := granting(t, "1", "2", "3", "4", "5", "6", "7", "8", "9")
	var tickets []login.Ticket
	for range 9 {
		tickets = append(tickets, asked(t, w))
	}
	step, err := w.Resume(t.Context(), typed("111111"), tickets[0])
	if r, ok := step.(login.Reject); err != nil || !ok || r.Reason != login.ReasonExpiredTicket {
		t.Errorf("the oldest: got %#v %v", step, err)
	}
	step, err = w.Resume(t.Context(), typed("111111"), tickets[1])
	if a, ok := step.(login.Accept); err != nil || !ok || string(a.Grant()) != "2" {
		t.Errorf("the second: got %#v %v", step, err)
	}
}

// Whoever has her password begins again and again elsewhere: that pushes out what
// he has begun himself.
func TestBeginningElsewherePushesNobodyOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		known, new int // dialogues begun by somebody else before and after hers
	}{{"after her", 0, 20}, {"before and after her", 20, 20}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var all []string
			for i := range 41 {
				all = append(all, fmt.Sprint(i))
			}
			w := granting(t, all...)
			elsewhere := typed("secret")
			elsewhere.Via.Station = "192.0.2.66"
			begin := func(a login.Attempt) login.Ticket {
				t.Helper()
				step, err := w.Begin(t.Context(), a)
				q, ok := step.(login.Ask)
				if err != nil || !ok {
					t.Fatalf("got %#v %v, want a question", step, err)
				}
				return q.Ticket
			}
			for range c.known {
				begin(elsewhere)
			}
			hers := begin(typed("secret"))
			for range c.new {
				begin(elsewhere)
			}
			step, err := w.Resume(t.Context(), typed("111111"), hers)
			if a, ok := step.(login.Accept); err != nil || !ok || string(a.Grant()) != fmt.Sprint(c.known) {
				t.Errorf("got %#v %v", step, err)
			}
		})
	}
}

func TestARecordOfGrantsThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	w := granting(t, "1")
	ticket := asked(t, w)
	v, err := w.Records.Get(t.Context(), login.GrantKey("id-alice"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Records.Swap(t.Context(), login.GrantKey("id-alice"), v.Rev, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if step, err := w.Resume(t.Context(), typed("111111"), ticket); err == nil {
		t.Errorf("got %#v, want an error", step)
	}
}

func TestTooMuchGrantedIsAnError(t *testing.T) {
	t.Parallel()
	w := granting(t, strings.Repeat("x", login.MaxGrant+1))
	if step, err := w.Begin(t.Context(), typed("secret")); err == nil {
		t.Errorf("got %#v, want an error", step)
	}
}
