package login_test

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

var vpn = login.Via{Client: "vpn", Station: "198.51.100.7", CanAsk: true}

func ask(t *testing.T, w *logintest.World, user, password string, v login.Via) login.Ticket {
	t.Helper()
	s, err := w.Begin(t.Context(), login.Attempt{User: user, Secret: login.Cleartext(password), Via: v})
	q, ok := s.(login.Ask)
	if !ok {
		t.Fatalf("got %#v %v, want a question", s, err)
	}
	return q.Ticket
}

func answer(t *testing.T, w *logintest.World, user string, ticket login.Ticket, v login.Via, code string) (login.Step, login.Reason) {
	t.Helper()
	s, err := w.Resume(t.Context(), login.Attempt{User: user, Secret: login.Cleartext(code), Via: v}, ticket)
	if err != nil {
		t.Fatal(err)
	}
	if r, ok := s.(login.Reject); ok {
		return s, r.Reason
	}
	return s, ""
}

// S-02: many parallel answers with one valid code, on one ticket and on many.
func TestS02OnlyOneOfParallelAnswersIsAccepted(t *testing.T) {
	for _, tickets := range []int{1, 30} {
		t.Run(fmt.Sprintf("%d tickets", tickets), func(t *testing.T) {
			w := logintest.NewWorld(t)
			var ticket []login.Ticket
			for range tickets {
				ticket = append(ticket, ask(t, w, "alice", "secret", vpn))
			}
			var accepted atomic.Int64
			var wg sync.WaitGroup
			for i := range 50 {
				wg.Go(func() {
					s, err := w.Resume(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("111111"), Via: vpn}, ticket[i%tickets])
					if err != nil {
						t.Error(err)
					}
					if _, ok := s.(login.Accept); ok {
						accepted.Add(1)
					}
				})
			}
			wg.Wait()
			if got := accepted.Load(); got != 1 {
				t.Errorf("got %d accepted, want exactly 1", got)
			}
		})
	}
}

// S-03: the account's counter goes on across dialogues and restarts, and past
// the limit the right code fails too.
func TestS03GuessingCodesStopsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		wrong := 0
		for wrong < 5 {
			ticket := ask(t, w, "alice", "secret", vpn)
			for range 3 {
				s, _ := answer(t, w, "alice", ticket, vpn, "000000")
				wrong++
				q, more := s.(login.Ask)
				if !more {
					break
				}
				ticket = q.Ticket
			}
			w.Flow = w.NewFlow(w.Config) // a restart forgives nothing
		}
		s, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: vpn})
		if r, ok := s.(login.Reject); !ok || r.Reason != login.ReasonLocked {
			t.Fatalf("after %d wrong codes: got %#v %v, want locked", wrong, s, err)
		}
		time.Sleep(31 * time.Second)
		ticket := ask(t, w, "alice", "secret", vpn)
		if s, _ := answer(t, w, "alice", ticket, vpn, "111111"); s == nil {
			t.Fatal("no step")
		} else if _, ok := s.(login.Accept); !ok {
			t.Errorf("after the wait: got %#v, want accept", s)
		}
	})
}

// S-03: a ticket given before the limit was reached is no way around it.
func TestS03ALimitHoldsForQuestionsAlreadyAsked(t *testing.T) {
	w := logintest.NewWorld(t)
	kept := ask(t, w, "alice", "secret", vpn)
	for range 5 {
		ticket := ask(t, w, "alice", "secret", vpn)
		answer(t, w, "alice", ticket, vpn, "000000")
	}
	if _, r := answer(t, w, "alice", kept, vpn, "111111"); r != login.ReasonLocked {
		t.Errorf("got %q, want locked", r)
	}
}

// S-04: one password tried on many accounts from one station.
func TestS04SprayingIsLimitedBySource(t *testing.T) {
	w := logintest.NewWorld(t)
	for i := range 100 {
		w.Directory.Add(login.Account{ID: fmt.Sprint("id", i), Name: fmt.Sprintf("user%d", i)}, "good")
	}
	known := ask(t, w, "alice", "secret", vpn)
	if s, _ := answer(t, w, "alice", known, vpn, "111111"); !s.(login.Accept).Valid() {
		t.Fatal("no login to begin with")
	}
	before := w.Directory.Binds.Load()
	limited := 0
	for i := range 100 {
		s, err := w.Begin(t.Context(), login.Attempt{User: fmt.Sprintf("user%d", i), Secret: login.Cleartext("Winter2026"), Via: vpn})
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := s.(login.Reject); ok && r.Reason == login.ReasonSourceLimited {
			limited++
		}
	}
	if limited != 70 {
		t.Errorf("got %d of 100 limited, want 70", limited)
	}
	if got := w.Directory.Binds.Load() - before; got != 30 {
		t.Errorf("got %d binds, want 30", got)
	}
	// Nobody is locked: each account has one failure at most, those who have
	// signed in from the station before go on, and so do other stations.
	ask(t, w, "alice", "secret", vpn)
	other := vpn
	other.Station = "203.0.113.9"
	s, err := w.Begin(t.Context(), login.Attempt{User: "user99", Secret: login.Cleartext("good"), Via: other})
	if r, ok := s.(login.Reject); !ok || r.Reason != login.ReasonNotEnrolled {
		t.Errorf("another station: got %#v %v, want not_enrolled, which comes behind the right password", s, err)
	}
}

// S-05: an attacker elsewhere can neither lock a person out where she is known
// nor use up the directory's own failures.
func TestS05AnAttackerCannotLockAPersonOut(t *testing.T) {
	w := logintest.NewWorld(t)
	ticket := ask(t, w, "alice", "secret", vpn)
	if s, _ := answer(t, w, "alice", ticket, vpn, "111111"); !s.(login.Accept).Valid() {
		t.Fatal("no login to begin with")
	}
	before := w.Directory.Binds.Load()
	attacker := login.Via{Client: "vpn", Station: "203.0.113.66", CanAsk: true}
	for range 50 {
		if _, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("guess"), Via: attacker}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.Directory.Binds.Load() - before; got != 4 {
		t.Errorf("the attacker cost the directory %d failures, want 4", got)
	}
	if len(w.SMS.Sent) != 0 {
		t.Errorf("messages were sent without the password: %v", w.SMS.Sent)
	}
	ask(t, w, "alice", "secret", vpn)
	// From a third place even the right password waits: strangers share one budget.
	s, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret"), Via: login.Via{Client: "wifi", CanAsk: true}})
	if r, ok := s.(login.Reject); !ok || r.Reason != login.ReasonLocked {
		t.Errorf("got %#v %v, want locked", s, err)
	}
}

var ref = regexp.MustCompile(`\[[0-9A-Z]{4}-[0-9A-Z]{4}\]$`)

// S-09: what refusals say does not tell accounts from names that nobody has.
func TestS09RefusalsSayTheSame(t *testing.T) {
	w := logintest.NewWorld(t)
	w.Directory.Add(login.Account{ID: "id-nina", Name: "nina", Language: "nb"}, "secret")
	w.Directory.Add(login.Account{ID: "id-dis", Name: "disabled"}, "secret")
	w.Directory.Refuse("disabled", login.ReasonDisabled)
	texts := map[string][]string{}
	for _, c := range [][2]string{{"nobody", "x"}, {"alice", "wrong"}, {"nina", "wrong"}, {"nina", "secret"}, {"disabled", "secret"}, {"bob", "hunter2"}, {"", "x"}} {
		s, err := w.Begin(t.Context(), login.Attempt{User: c[0], Secret: login.Cleartext(c[1]), Via: vpn})
		if err != nil {
			t.Fatal(err)
		}
		text := s.(login.Reject).Text
		if !ref.MatchString(text) {
			t.Errorf("%v: %q has no reference", c, text)
		}
		text = ref.ReplaceAllString(text, "[ref]")
		texts[text] = append(texts[text], c[0])
	}
	ticket := ask(t, w, "alice", "secret", vpn)
	for range 3 {
		s, _ := answer(t, w, "alice", ticket, vpn, "000000")
		if q, ok := s.(login.Ask); ok {
			ticket = q.Ticket
			continue
		}
		text := ref.ReplaceAllString(s.(login.Reject).Text, "[ref]")
		texts[text] = append(texts[text], "wrong code")
	}
	if len(texts) != 1 {
		t.Errorf("got different texts: %v", texts)
	}
}

// S-10: an unknown name costs the directory what a wrong password costs.
func TestS10AnUnknownNameDoesTheSameWork(t *testing.T) {
	w := logintest.NewWorld(t)
	for _, user := range []string{"alice", "mallory"} {
		lookups, binds := w.Directory.Lookups.Load(), w.Directory.Binds.Load()
		if _, err := w.Begin(t.Context(), login.Attempt{User: user, Secret: login.Cleartext("wrong"), Via: vpn}); err != nil {
			t.Fatal(err)
		}
		if l, b := w.Directory.Lookups.Load()-lookups, w.Directory.Binds.Load()-binds; l != 1 || b != 1 {
			t.Errorf("%s: got %d lookups and %d binds, want 1 and 1", user, l, b)
		}
	}
}

// S-12: a ticket that was changed in any way opens for nobody.
func TestS12AChangedTicketIsRefused(t *testing.T) {
	w := logintest.NewWorld(t)
	good := ask(t, w, "alice", "secret", vpn)
	try := func(what string, ticket login.Ticket, v login.Via) {
		t.Helper()
		if s, r := answer(t, w, "alice", ticket, v, "111111"); r != login.ReasonBadTicket {
			t.Errorf("%s: got %#v, want bad_state", what, s)
		}
	}
	for i := range len(good) * 8 {
		bad := append(login.Ticket(nil), good...)
		bad[i/8] ^= 1 << (i % 8)
		try(fmt.Sprintf("bit %d", i), bad, vpn)
	}
	for n := range good {
		try(fmt.Sprintf("cut at %d", n), good[:n], vpn)
	}
	try("longer", append(append(login.Ticket(nil), good...), 0), vpn)
	try("longest", make(login.Ticket, 4096), vpn)
	try("another client", good, login.Via{Client: "wifi", Station: vpn.Station, CanAsk: true})
	other := logintest.NewWorld(t)
	other.Tickets = logintest.NewSealer("another key")
	other.Flow = w.NewFlow(other.Config)
	if _, r := answer(t, other, "alice", good, vpn, "111111"); r != login.ReasonBadTicket {
		t.Errorf("another key: got %q, want bad_state", r)
	}
	if s, _ := answer(t, w, "alice", good, vpn, "111111"); !s.(login.Accept).Valid() {
		t.Error("the good ticket was used up by bad ones")
	}
}

// S-13: a ticket belongs to the user it was given to.
func TestS13ATicketOfAnotherUserIsRefused(t *testing.T) {
	w := logintest.NewWorld(t)
	ticket := ask(t, w, "alice", "secret", vpn)
	before := w.Directory.Lookups.Load()
	if _, r := answer(t, w, "bob", ticket, vpn, "111111"); r != login.ReasonBadTicket {
		t.Errorf("got %q, want bad_state", r)
	}
	if w.Directory.Lookups.Load() != before {
		t.Error("the directory was asked about a user whose ticket it is not")
	}
}

// S-14: a ticket is used up by its answer, also across a restart.
func TestS14ATicketIsGoodForOneAnswer(t *testing.T) {
	w := logintest.NewWorld(t)
	ticket := ask(t, w, "alice", "secret", vpn)
	if s, _ := answer(t, w, "alice", ticket, vpn, "111111"); !s.(login.Accept).Valid() {
		t.Fatal("the first answer failed")
	}
	if _, r := answer(t, w, "alice", ticket, vpn, "111112"); r != login.ReasonSpentTicket {
		t.Errorf("after success: got %q, want state_used_before", r)
	}
	w.Flow = w.NewFlow(w.Config)
	if _, r := answer(t, w, "alice", ticket, vpn, "111112"); r != login.ReasonSpentTicket {
		t.Errorf("after a restart: got %q, want state_used_before", r)
	}
	ticket = ask(t, w, "alice", "secret", vpn)
	answer(t, w, "alice", ticket, vpn, "000000")
	if _, r := answer(t, w, "alice", ticket, vpn, "111112"); r != login.ReasonSpentTicket {
		t.Errorf("after a wrong answer: got %q, want state_used_before", r)
	}
}

// S-14: nor does the service desk make a ticket good again that unlocks the account.
func TestS14UnlockingFreesNoTicket(t *testing.T) {
	w := logintest.NewWorld(t)
	ticket := ask(t, w, "alice", "secret", vpn)
	if s, _ := answer(t, w, "alice", ticket, vpn, "111111"); !s.(login.Accept).Valid() {
		t.Fatal("the first answer failed")
	}
	if err := login.Unlock(t.Context(), w.Records, "id-alice"); err != nil {
		t.Fatal(err)
	}
	if _, r := answer(t, w, "alice", ticket, vpn, "111112"); r != login.ReasonSpentTicket {
		t.Errorf("got %q, want state_used_before", r)
	}
}

// S-14: at a known place the list of used tickets is never full, and forgetting
// one never makes it usable again.
func TestS14ForgottenTicketsStayUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := logintest.NewWorld(t)
		if s, _ := answer(t, w, "alice", ask(t, w, "alice", "secret", vpn), vpn, "111111"); !s.(login.Accept).Valid() {
			t.Fatal("no login to begin with")
		}
		first := ask(t, w, "alice", "secret", vpn)
		if _, r := answer(t, w, "alice", first, vpn, "2"); r != "" {
			t.Fatal(r)
		}
		for range 100 {
			time.Sleep(time.Second)
			ticket := ask(t, w, "alice", "secret", vpn)
			if _, r := answer(t, w, "alice", ticket, vpn, "2"); r != "" {
				t.Fatalf("a full list keeps her out: %s", r)
			}
		}
		if _, r := answer(t, w, "alice", first, vpn, "111112"); r != login.ReasonSpentTicket {
			t.Errorf("got %q, want state_used_before", r)
		}
	})
}

// S-15: an answer that is the password again is a wrong code, and counts.
func TestS15TheQuestionCannotBeSkipped(t *testing.T) {
	w := logintest.NewWorld(t)
	ticket := ask(t, w, "alice", "secret", vpn)
	for i, typed := range []string{"secret", "", "secret"} {
		s, r := answer(t, w, "alice", ticket, vpn, typed)
		if q, ok := s.(login.Ask); ok && i < 2 {
			ticket = q.Ticket
		} else if r != login.ReasonTooManyTries {
			t.Errorf("answer %d: got %#v", i+1, s)
		}
	}
}

// S-46: with each dependency down in turn nothing is accepted.
func TestS46NothingFailsOpen(t *testing.T) {
	w := logintest.NewWorld(t, login.RuleConfig{SecondFactor: "enrolled"})
	w.Enrollments.Fail = errors.New("store is down")
	s, err := w.Begin(t.Context(), login.Attempt{User: "bob", Secret: login.Cleartext("hunter2"), Via: vpn})
	if err == nil {
		t.Errorf("an unreadable enrollment was taken for none: %#v", s)
	}
}

// S-36: the octets of an old request again are a new login; what they carry
// has been used.
func TestS36AReplayedAppendedCodeIsRefused(t *testing.T) {
	w := logintest.NewWorld(t)
	v := login.Via{Client: "vpn", Append: login.AppendComma}
	for i, want := range []string{"accept", "code_used_before"} {
		s, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: login.Cleartext("secret,111111"), Via: v})
		if err != nil {
			t.Fatal(err)
		}
		got := "accept"
		if r, ok := s.(login.Reject); ok {
			got = string(r.Reason)
		}
		if got != want {
			t.Errorf("time %d: got %s, want %s", i+1, got, want)
		}
	}
}
