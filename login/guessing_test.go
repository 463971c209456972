package login_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// S-05: many wrong passwords at the same moment cost the directory no more than
// the same number one after the other.
func TestS05ParallelGuessesCostTheDirectoryNoMore(t *testing.T) {
	for _, row := range []struct {
		name    string
		station func(i int) string
	}{
		{"from many places", func(i int) string { return fmt.Sprint("203.0.113.", i) }},
		{"from the place she signs in from", func(int) string { return vpn.Station }},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				if s, _ := answer(t, w, "alice", ask(t, w, "alice", "secret", vpn), vpn, "111111"); !s.(login.Accept).Valid() {
					t.Fatal("no login to begin with")
				}
				before := w.Directory.Binds.Load()
				w.Directory.Delay = 100 * time.Millisecond
				var wg sync.WaitGroup
				for i := range 100 {
					wg.Go(func() {
						v := login.Via{Client: "vpn", Station: row.station(i), CanAsk: true}
						if _, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("guess"), Via: v}); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if got := w.Directory.Binds.Load() - before; got != 4 {
					t.Errorf("100 guesses at once cost the directory %d failures, want 4", got)
				}
			})
		})
	}
}

// counted is a factor that counts the answers it looked at.
type counted struct {
	*logintest.Factor
	checks atomic.Int64
}

func (c *counted) Check(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) error {
	c.checks.Add(1)
	return c.Factor.Check(ctx, u, m, memo, answer)
}

// S-03: tickets kept in stock and answered all at once are no more guesses than
// the same number one after the other.
func TestS03ParallelAnswersAreNoMoreGuesses(t *testing.T) {
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprintf("known place %v", known), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				app := &counted{Factor: w.TOTP}
				w.Factors = []login.Factor{app}
				w.Flow = w.NewFlow(w.Config)
				if known {
					if s, _ := answer(t, w, "alice", ask(t, w, "alice", "secret", vpn), vpn, "111111"); !s.(login.Accept).Valid() {
						t.Fatal("no login to begin with")
					}
				}
				before := app.checks.Load()
				var tickets []login.Ticket
				for range 30 {
					tickets = append(tickets, ask(t, w, "alice", "secret", vpn))
				}
				w.Records.Delay = 10 * time.Millisecond
				var wg sync.WaitGroup
				for i, ticket := range tickets {
					wg.Go(func() { answer(t, w, "alice", ticket, vpn, fmt.Sprintf("%06d", i)) })
				}
				wg.Wait()
				if got := app.checks.Load() - before; got != 5 {
					t.Errorf("of 30 codes at once %d were looked at, want 5", got)
				}
			})
		})
	}
}

// S-04: one password tried on many accounts at the same moment.
func TestS04ParallelSprayingIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		w.Directory.Delay = 100 * time.Millisecond
		for i := range 500 {
			w.Directory.Add(login.Account{ID: fmt.Sprint("id", i), Name: fmt.Sprintf("user%d", i)}, "good")
		}
		var wg sync.WaitGroup
		for i := range 500 {
			wg.Go(func() {
				if _, err := w.Begin(t.Context(), login.Attempt{User: fmt.Sprintf("user%d", i), Secret: login.Cleartext("Winter2026"), Via: vpn}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		// Those in hand when the limit is reached are still tried.
		if got := w.Directory.Binds.Load(); got > 60 {
			t.Errorf("500 accounts tried at once cost %d binds, want 60 at most", got)
		}
	})
}

// S-05: who has the password and no code cannot make the questions of a person
// at her usual place void, by answering his own.
func TestS05AFullListOfTicketsKeepsNobodyOut(t *testing.T) {
	w := logintest.NewWorld(t)
	first := ask(t, w, "alice", "secret", vpn)
	if s, _ := answer(t, w, "alice", first, vpn, "111111"); !s.(login.Accept).Valid() {
		t.Fatal("no login to begin with")
	}
	hers := ask(t, w, "alice", "secret", vpn)
	attacker := login.Via{Client: "vpn", Station: "203.0.113.66", CanAsk: true}
	for range 100 {
		answer(t, w, "alice", ask(t, w, "alice", "secret", attacker), attacker, "1")
	}
	if s, r := answer(t, w, "alice", hers, vpn, "111112"); r != "" {
		t.Errorf("her question was made void: %#v", s)
	}
	if _, r := answer(t, w, "alice", first, vpn, "111113"); r != login.ReasonSpentTicket {
		t.Errorf("an answered ticket: got %q, want state_used_before", r)
	}
}

// S-05: wrong passwords of others do not end a dialogue whose password was
// right.
func TestS05WrongPasswordsEndNoDialogue(t *testing.T) {
	w := logintest.NewWorld(t)
	ticket := ask(t, w, "alice", "secret", vpn)
	for range 10 {
		if _, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("guess"), Via: login.Via{Client: "vpn", CanAsk: true}}); err != nil {
			t.Fatal(err)
		}
	}
	if s, r := answer(t, w, "alice", ticket, vpn, "111111"); r != "" {
		t.Errorf("the right code: got %#v, want accept", s)
	}
}

// S-03: a login that needs no code forgives no wrong codes: who has the
// password could sign in somewhere with it alone and guess on.
func TestS03OnlyACodeForgivesWrongCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t, login.RuleConfig{Clients: []string{"printer"}, SecondFactor: login.SecondNone, Users: []string{"alice", "bob"}})
		for range 150 {
			time.Sleep(2 * time.Hour)
			s, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: vpn})
			q, ok := s.(login.Ask)
			if err != nil || !ok {
				if s.(login.Reject).Reason != login.ReasonLocked {
					t.Fatalf("got %#v %v, want locked", s, err)
				}
				return
			}
			answer(t, w, "alice", q.Ticket, vpn, "000000")
			if _, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: login.Via{Client: "printer"}}); err != nil {
				t.Fatal(err)
			}
		}
		t.Error("150 wrong codes in a row and the account is not locked")
	})
}

// S-03: while one factor cannot decide, guesses at another one still count.
func TestS03GuessesBesideABrokenFactorCount(t *testing.T) {
	w := logintest.NewWorld(t)
	w.TOTP.CheckErr = errors.New("clock was set")
	w.Recovery.For = nil
	app := &counted{Factor: w.Recovery}
	w.Factors = []login.Factor{w.TOTP, app}
	w.Flow = w.NewFlow(w.Config)
	for range 20 {
		s, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: vpn})
		if err != nil {
			t.Fatal(err)
		}
		q, ok := s.(login.Ask)
		if !ok {
			break
		}
		if s, err := w.Resume(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("000000"), Via: vpn}, q.Ticket); err == nil {
			t.Errorf("got %#v, want no decision", s)
		}
	}
	if got := app.checks.Load(); got != 5 {
		t.Errorf("%d codes were looked at, want 5", got)
	}
}

// S-30: a name that nobody has may be a password. What is logged of it must not
// let a reader of the log try passwords until one fits.
func TestS30AVeiledNameCannotBeSearchedFor(t *testing.T) {
	veiled := func() string {
		w := logintest.NewWorld(t)
		if _, err := w.Begin(t.Context(), login.Attempt{User: "Winter2026", Secret: login.Cleartext("x"), Via: vpn}); err != nil {
			t.Fatal(err)
		}
		first := w.Last().User
		if _, err := w.Begin(t.Context(), login.Attempt{User: "Winter2026", Secret: login.Cleartext("x"), Via: vpn}); err != nil {
			t.Fatal(err)
		}
		if first != w.Last().User {
			t.Error("equal names are not recognised")
		}
		return first
	}
	if one, other := veiled(), veiled(); one == other {
		t.Errorf("two servers log %q: it can be computed from the name alone", one)
	}
}

// The service desk is told when a lock ends: a second before it holds, then it
// does not.
func TestWhenALockEnds(t *testing.T) {
	for _, row := range []struct {
		name      string
		code      bool
		directory login.Lockout
	}{
		{"wrong passwords", false, login.Lockout{}},
		{"wrong passwords, which the directory counts for an hour", false, login.Lockout{After: 6, Window: time.Hour}},
		{"wrong codes", true, login.Lockout{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewWorld(t)
				standing := func() login.Lock {
					t.Helper()
					l, err := login.Standing(t.Context(), w.Records, "id-alice", row.directory, time.Now())
					if err != nil {
						t.Fatal(err)
					}
					return l
				}
				guess := func() {
					t.Helper()
					if row.code {
						answer(t, w, "alice", ask(t, w, "alice", "secret", vpn), vpn, "000000")
					} else if _, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("guess"), Via: vpn}); err != nil {
						t.Fatal(err)
					}
				}
				for range 100 {
					if standing().Strangers {
						break
					}
					guess()
				}
				l := standing()
				if !l.Strangers || !l.Until.After(time.Now()) {
					t.Fatalf("after a hundred guesses: %+v", l)
				}
				time.Sleep(time.Until(l.Until) - time.Second)
				if !standing().Strangers {
					t.Errorf("it ended before %v", l.Until)
				}
				time.Sleep(time.Second)
				if l := standing(); l.Strangers || !l.Until.IsZero() {
					t.Errorf("it goes on behind its end: %+v", l)
				}
			})
		})
	}
}
