package login_test

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

var mute = login.Via{Client: "vpn", Station: "10.0.0.7", Patience: 60 * time.Second, Append: login.AppendComma}

// outcome is a step in a word.
func outcome(s login.Step, err error) string {
	switch s := s.(type) {
	case login.Accept:
		return "accept"
	case login.Reject:
		return "reject " + string(s.Reason)
	case login.Ask:
		return "ask " + s.Text
	case login.Wait:
	}
	return fmt.Sprint("error ", err)
}

// A request is one sign-in of alice begun at some time.
type request struct {
	at   time.Duration
	node int
	via  login.Via
	want string
}

func from(change func(*login.Via)) login.Via {
	v := mute
	change(&v)
	return v
}

// TestOneSignInRingsOnce plays requests against two nodes that share a store.
func TestOneSignInRingsOnce(t *testing.T) {
	elsewhere := from(func(v *login.Via) { v.Station = "192.0.2.66" })
	other := from(func(v *login.Via) { v.Client = "vpn2" })
	grouped := func(client string) login.Via {
		return from(func(v *login.Via) { v.Client, v.Group = client, "cluster" })
	}
	for _, c := range []struct {
		name     string
		answers  []logintest.Answer
		requests []request
		rung     int
	}{
		{"a new identifier for the same sign-in", []logintest.Answer{late}, []request{{0, 0, mute, "accept"}, {5 * time.Second, 0, mute, "accept"}, {10 * time.Second, 0, mute, "accept"}}, 1},
		{"the second node", []logintest.Answer{late}, []request{{0, 0, mute, "accept"}, {20 * time.Second, 1, mute, "accept"}}, 1},
		{"both nodes at the same moment", []logintest.Answer{late}, []request{{0, 0, mute, "accept"}, {0, 1, mute, "accept"}, {0, 0, mute, "accept"}, {0, 1, mute, "accept"}}, 1},
		{"two clients of one group", []logintest.Answer{late}, []request{{0, 0, grouped("a"), "accept"}, {time.Second, 1, grouped("b"), "accept"}}, 1},
		{"all are told of a no", []logintest.Answer{{After: 20 * time.Second, Err: login.ErrDenied}}, []request{{0, 0, mute, "reject denied_by_person"}, {time.Second, 0, mute, "reject denied_by_person"}, {2 * time.Second, 1, mute, "reject denied_by_person"}}, 1},
		{"somebody else with the password", []logintest.Answer{late}, []request{{0, 0, mute, "accept"}, {time.Second, 0, elsewhere, "reject another_sign_in_in_progress"}, {time.Second, 1, elsewhere, "reject another_sign_in_in_progress"}}, 1},
		{"another client is another sign-in", []logintest.Answer{late}, []request{{0, 0, mute, "accept"}, {time.Second, 0, other, "reject another_sign_in_in_progress"}}, 1},
		{"an approval that came late is good on the other node", []logintest.Answer{{After: 70 * time.Second}, {After: 70 * time.Second}}, []request{{0, 0, mute, "reject not_answered_in_time"}, {80 * time.Second, 1, mute, "accept"}, {90 * time.Second, 0, mute, "reject not_answered_in_time"}}, 2},
		{"but for nobody else", []logintest.Answer{{After: 70 * time.Second}, hangUp}, []request{{0, 0, mute, "reject not_answered_in_time"}, {80 * time.Second, 1, elsewhere, "reject denied_by_person"}}, 2},
		{"without a Calling-Station-Id the socket tells", []logintest.Answer{late}, []request{{0, 0, from(func(v *login.Via) { v.Station = "" }), "accept"}, {time.Second, 0, from(func(v *login.Via) { v.Station = "" }), "accept"}}, 1},
		{"another socket is another sign-in", []logintest.Answer{late}, []request{{0, 0, from(func(v *login.Via) { v.Station = "" }), "accept"}, {time.Second, 0, from(func(v *login.Via) { v.Station, v.Source = "", netip.MustParseAddrPort("198.51.100.1:1812") }), "reject another_sign_in_in_progress"}}, 1},
		{"but not once the call is over: it may be another device", []logintest.Answer{{After: 70 * time.Second}, {After: 70 * time.Second}}, []request{{0, 0, from(func(v *login.Via) { v.Station = "" }), "reject not_answered_in_time"}, {80 * time.Second, 0, from(func(v *login.Via) { v.Station = "" }), "reject not_answered_in_time"}}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				w.Records.Delay = time.Millisecond // so that nodes meet between reading and writing
				calls := withCalls(w, c.answers...)
				second := w.NewFlow(w.Config)
				nodes := []*login.Flow{w.Flow, second}
				var wg sync.WaitGroup
				for _, r := range c.requests {
					wg.Go(func() {
						time.Sleep(r.at)
						s, err := nodes[r.node].Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: r.via})
						if got := outcome(login.Await(t.Context(), s, err)); got != r.want {
							t.Errorf("request after %v at node %d: got %s, want %s", r.at, r.node, got, r.want)
						}
					})
				}
				wg.Wait()
				if n := len(calls.Rung()); n != c.rung {
					t.Errorf("rang %d times, want %d", n, c.rung)
				}
				for _, n := range nodes {
					if err := n.Close(); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}

func TestANodeThatDiesWhileItRingsCostsNoSecondCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		calls := withCalls(w, late)
		dead, err := w.Flow.Begin(t.Context(), alice(mute))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.Records.Fail = context.DeadlineExceeded // it writes nothing any more
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := outcome(login.Await(t.Context(), dead, nil)); !strings.HasPrefix(got, "error") {
			t.Errorf("who waited got %s", got)
		}
		w.Records.Fail = nil
		restarted := w.NewFlow(w.Config)
		s, err := restarted.Begin(t.Context(), alice(from(func(v *login.Via) { v.CanAsk, v.Patience = true, 25*time.Second })))
		if got := outcome(login.Await(t.Context(), s, err)); !strings.HasPrefix(got, "ask Still calling") {
			t.Errorf("while the claim lives: %s", got)
		}
		s, err = restarted.Begin(t.Context(), alice(from(func(v *login.Via) { v.CanAsk, v.Patience = true, 0 })))
		if got := outcome(login.Await(t.Context(), s, err)); !strings.HasPrefix(got, "ask Nobody answered. Enter the code from your authenticator app") {
			t.Errorf("when it has ended: %s", got)
		}
		if n := len(calls.Rung()); n != 1 {
			t.Errorf("rang %d times", n)
		}
		if err := restarted.Close(); err != nil {
			t.Error(err)
		}
	})
}

func alice(v login.Via) login.Attempt {
	return login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: v}
}

// TestS47NobodyIsAdmittedByTheOwnersKey has somebody with the password sign in
// while the owner's telephone rings.
func TestS47NobodyIsAdmittedByTheOwnersKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		withCalls(w, late)
		owner, err := w.Flow.Begin(t.Context(), alice(mute))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		thief, err := w.Begin(t.Context(), alice(from(func(v *login.Via) { v.Station = "192.0.2.66" })))
		if got := outcome(thief, err); got != "reject another_sign_in_in_progress" {
			t.Errorf("the thief got %s", got)
		}
		if e := w.Last(); !e.Alarm {
			t.Errorf("no alarm: %+v", e)
		}
		s, err := login.Await(t.Context(), owner, nil)
		accept, ok := s.(login.Accept)
		if !ok || !accept.Valid() {
			t.Fatalf("the owner got %s", outcome(s, err))
		}
		if !strings.Contains(accept.Notice(), "refused meanwhile") {
			t.Errorf("the owner was told %q", accept.Notice())
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestS06CallingUntilSheGivesIn bounds how often somebody who has the password
// can make her telephone ring.
func TestS06CallingUntilSheGivesIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Factors: []string{"call"}})
		calls := withCalls(w)
		for range 20 {
			s, err := w.Begin(t.Context(), alice(mute))
			if _, rejected := s.(login.Reject); !rejected {
				t.Fatal(outcome(s, err))
			}
			time.Sleep(16 * time.Second)
		}
		if n := len(calls.Rung()); n != 3 {
			t.Errorf("rang %d times, want 3", n)
		}
		if r := w.Last().Reason; r != login.ReasonTooManyCalls {
			t.Errorf("refused for %s", r)
		}
		asked := func() bool {
			l, err := login.Standing(t.Context(), w.Config.Records, "id-alice", login.Lockout{}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			return l.Asked
		}
		if !asked() {
			t.Error("the service desk is not told")
		}
		time.Sleep(time.Hour)
		if asked() {
			t.Error("the service desk is told after an hour still")
		}
		if s, err := w.Begin(t.Context(), alice(mute)); outcome(s, err) == "reject asked_too_often" {
			t.Error("an hour without a call does not make an end of it")
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestDigitsToBeKeyedAreShownWhileItRings is number matching.
func TestDigitsToBeKeyedAreShownWhileItRings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Call: login.CallMatch})
		calls := withCalls(w, late)
		via := from(func(v *login.Via) { v.CanAsk, v.Patience = true, 25*time.Second })
		began := time.Now()
		s, err := w.Begin(t.Context(), alice(via))
		ask, ok := s.(login.Ask)
		if !ok {
			t.Fatal(outcome(s, err))
		}
		match := calls.Rung()[0].Match
		if len(match) != 2 || !strings.Contains(ask.Text, "Key "+match+" and #") {
			t.Errorf("asked %q, to be keyed %q", ask.Text, match)
		}
		if time.Since(began) > time.Second {
			t.Errorf("shown after %v", time.Since(began))
		}
		again, err := w.Begin(t.Context(), alice(via))
		if got := outcome(again, err); !strings.Contains(got, "Key "+match+" and #") {
			t.Errorf("a second request of the sign-in: %s", got)
		}
		enter := login.Attempt{User: "alice", Secret: login.Cleartext(""), Via: via}
		s, err = w.Resume(t.Context(), enter, ask.Ticket)
		if ask, ok = s.(login.Ask); !ok || !strings.Contains(ask.Text, match) {
			t.Fatal(outcome(s, err))
		}
		s, err = w.Resume(t.Context(), enter, ask.Ticket)
		if got := outcome(s, err); got != "accept" {
			t.Error(got)
		}
		if n := len(calls.Rung()); n != 1 {
			t.Errorf("rang %d times", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestAMessageIsSentOnceForOneSignIn: a concentrator that turns to the second
// node gets the question again, not another message.
func TestAMessageIsSentOnceForOneSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Factors: []string{"sms"}})
		second := w.NewFlow(w.Config)
		via := from(func(v *login.Via) { v.CanAsk = true })
		s, err := w.Begin(t.Context(), alice(via))
		first, ok := s.(login.Ask)
		if !ok {
			t.Fatal(outcome(s, err))
		}
		time.Sleep(10 * time.Second)
		s, err = second.Begin(t.Context(), alice(via))
		s, err = login.Await(t.Context(), s, err)
		other, ok := s.(login.Ask)
		if !ok || len(w.SMS.Sent) != 1 {
			t.Fatalf("%s; %d messages", outcome(s, err), len(w.SMS.Sent))
		}
		answer := login.Attempt{User: "alice", Secret: login.Cleartext("500001"), Via: via}
		s, err = second.Resume(t.Context(), answer, other.Ticket)
		if got := outcome(s, err); got != "accept" {
			t.Errorf("the second question: %s", got)
		}
		s, err = w.Resume(t.Context(), answer, first.Ticket)
		if got := outcome(s, err); got != "reject state_used_before" {
			t.Errorf("the first question, answered by the second: %s", got)
		}
		time.Sleep(20 * time.Second)
		if _, err = w.Begin(t.Context(), alice(via)); err != nil || len(w.SMS.Sent) != 2 {
			t.Errorf("a new sign-in: %v; %d messages", err, len(w.SMS.Sent))
		}
	})
}

// TestThousandsOfHeldSignIns is the second node's part of a concentrator's
// fail-over, a thousand times.
func TestThousandsOfHeldSignIns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		calls := withCalls(w)
		calls.For, calls.NoAnswer = nil, time.Minute
		calls.Hints = []string{"••42"}
		second := w.NewFlow(w.Config)
		const people = 1000
		var wg sync.WaitGroup
		results := make([]string, 2*people)
		for i := range people {
			name := fmt.Sprint("user", i)
			w.Directory.Add(login.Account{ID: name, Name: name}, "secret")
			for n, node := range []*login.Flow{w.Flow, second} {
				wg.Go(func() {
					time.Sleep(time.Duration(i)*time.Millisecond + time.Duration(n)*20*time.Second)
					via := mute
					via.Station = fmt.Sprint("10.0.", i/250, ".", i%250)
					via.Patience = 90 * time.Second
					s, err := node.Begin(t.Context(), login.Attempt{User: name, Secret: login.Cleartext("secret"), Via: via})
					results[2*i+n] = outcome(login.Await(t.Context(), s, err))
				})
			}
		}
		wg.Wait()
		for i, r := range results {
			if r != "reject not_answered" {
				t.Fatalf("user%d: %s", i/2, r)
			}
		}
		if n := len(calls.Rung()); n != people {
			t.Errorf("rang %d times for %d people", n, people)
		}
	})
}

// TestALostAcceptIsGivenAgain: a client that asks again, with another packet,
// because the answer was lost.
func TestALostAcceptIsGivenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		calls := withCalls(w, yes)
		for _, step := range []struct {
			wait time.Duration
			via  login.Via
			want string
		}{
			{0, mute, "accept"},
			{time.Second, mute, "accept"},
			{time.Second, mute, "accept"},
			{0, from(func(v *login.Via) { v.Station, v.Patience = "192.0.2.66", 90*time.Second }), "reject not_answered"},
			{4 * time.Second, from(func(v *login.Via) { v.Patience = 90 * time.Second }), "reject not_answered"},
		} {
			time.Sleep(step.wait)
			s, err := w.Begin(t.Context(), alice(step.via))
			if got := outcome(s, err); got != step.want {
				t.Errorf("after %v: got %s, want %s", step.wait, got, step.want)
			}
		}
		if n := len(calls.Rung()); n < 2 {
			t.Errorf("rang %d times: another device was let in too", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestWhatReachedNobodyCountsAsNoCall: an exchange that is down must not use up
// the calls of an hour.
func TestWhatReachedNobodyCountsAsNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Factors: []string{"call"}})
		down := logintest.Answer{After: time.Second, Err: fmt.Errorf("%w: exchange down", login.ErrNotAsked)}
		withCalls(w, append(slices.Repeat([]logintest.Answer{down}, 20), yes)...)
		for range 10 {
			s, err := w.Begin(t.Context(), alice(mute))
			if got := outcome(s, err); got != "reject no_method_works" {
				t.Fatal(got)
			}
		}
		s, err := w.Begin(t.Context(), alice(mute))
		if got := outcome(s, err); got != "accept" {
			t.Errorf("when it is back: %s", got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}
