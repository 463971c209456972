package login_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A notifier is a factor that nobody has enrolled, and keeps what it sends.
type notifier struct {
	*logintest.Factor
	took time.Duration
	err  error

	mu   sync.Mutex
	sent []string
}

func newNotifier(name string) *notifier {
	return &notifier{Factor: &logintest.Factor{FactorName: name, For: func(string) bool { return false }}}
}

func (n *notifier) Notify(ctx context.Context, u login.User, m login.Notice) error {
	if n.took > 0 {
		select {
		case <-time.After(n.took):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent = append(n.sent, u.Account.Name+": "+m.Subject+": "+m.Text)
	return n.err
}

func (n *notifier) count() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.sent)
}

// reminding is a world with a rule that reminds, and has ways to do so.
func reminding(t *testing.T, change func(*login.RuleConfig), by ...login.Factor) *logintest.World {
	t.Helper()
	rule := login.RuleConfig{
		Name: "soon", From: time.Now().AddDate(0, 2, 0), Before: login.BeforeRemind, Factors: []string{"totp"},
		RemindBy: []string{"sms", "email"}, RemindEvery: 72 * time.Hour,
	}
	if change != nil {
		change(&rule)
	}
	w := logintest.NewWorld(t, rule)
	w.Factors = append([]login.Factor{w.TOTP}, by...)
	w.Flow = w.NewFlow(w.Config)
	return w
}

func letIn(t *testing.T, w *logintest.World, name, password string) {
	t.Helper()
	s, err := w.Begin(t.Context(), login.Attempt{User: name, Secret: login.Cleartext(password), Via: login.Via{Client: "vpn"}})
	if got := outcome(s, err); got != "accept" {
		t.Fatalf("%s: %s", name, got)
	}
	synctest.Wait()
}

// Who has what the rule will ask for is told of the date, and not to enroll.
func TestWhoHasOneIsNotToldToEnroll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := reminding(t, nil, newNotifier("sms"))
		from := time.Now().AddDate(0, 2, 0).Format(time.DateOnly)
		for user, want := range map[string]string{
			"alice": "You have one already.", // the app
			"bob":   "Please enroll in time.",
		} {
			s, err := w.Begin(t.Context(), login.Attempt{User: user, Secret: login.Cleartext(map[string]string{"alice": "secret", "bob": "hunter2"}[user]), Via: login.Via{Client: "vpn"}})
			a, ok := s.(login.Accept)
			if !ok || !strings.HasPrefix(a.Notice(), "From "+from+" ") || !strings.HasSuffix(a.Notice(), " "+want) {
				t.Errorf("%s: %v, %v, want an Accept with the date and %q", user, s, err, want)
			}
		}
		synctest.Wait()
	})
}

// reminded is what was told last of a reminder: before or after the sign-in.
func reminded(w *logintest.World) (last login.Event) {
	for _, e := range w.Events() {
		if e.Outcome == "reminded" {
			last = e
		}
	}
	return last
}

func TestWhoHasNothingIsRemindedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sms := newNotifier("sms")
		w := reminding(t, nil, sms, newNotifier("email"))
		letIn(t, w, "bob", "hunter2")
		date := time.Now().AddDate(0, 2, 0).Format(time.DateOnly)
		if len(sms.sent) != 1 || sms.sent[0] != "bob: vpn will ask for a second factor: From "+date+", vpn asks for a second factor, and you have none. Please enroll in time." {
			t.Errorf("sent %q", sms.sent)
		}
		if e := reminded(w); e.Outcome != "reminded" || e.Method != "sms" || e.Reason != login.ReasonOK || e.User != "bob" || e.Rule != "soon" {
			t.Errorf("event %+v", e)
		}
		letIn(t, w, "alice", "secret") // has the app
		time.Sleep(71 * time.Hour)
		w.Flow = w.NewFlow(w.Config) // a restart
		letIn(t, w, "bob", "hunter2")
		if n := sms.count(); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
		time.Sleep(time.Hour)
		letIn(t, w, "bob", "hunter2")
		if n := sms.count(); n != 2 {
			t.Errorf("%d messages after three days, want 2", n)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestASignInDoesNotWaitForItsReminder(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(w *logintest.World, sms *notifier)
	}{
		{"a slow gateway", func(_ *logintest.World, sms *notifier) { sms.took = 30 * time.Second }},
		{"one that fails", func(_ *logintest.World, sms *notifier) { sms.err = errors.New("no answer") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sms := newNotifier("sms")
				w := reminding(t, nil, sms)
				c.spoil(w, sms)
				began := time.Now()
				letIn(t, w, "bob", "hunter2")
				if took := time.Since(began); took != 0 {
					t.Errorf("took %v", took)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What cannot be recorded is not sent: it would be sent at each sign-in.
func TestNoReminderWithoutARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sms := newNotifier("sms")
		w := reminding(t, nil, sms)
		letIn(t, w, "bob", "hunter2") // makes the place known
		before := sms.count()
		// A record that cannot be read is written anew, if it can be.
		if err := w.Records.Swap(t.Context(), login.ReminderKey("id-bob"), rev(t, w, login.ReminderKey("id-bob")), []byte("?")); err != nil {
			t.Fatal(err)
		}
		w.Records.FailSwap = errors.New("the disk is full")
		letIn(t, w, "bob", "hunter2")
		if sms.count() != before {
			t.Error("sent without a record")
		}
		if e := reminded(w); e.Outcome != "reminded" || e.Reason != login.ReasonUnavailable || e.Detail != "the disk is full" {
			t.Errorf("event %+v", e)
		}
	})
}

func rev(t *testing.T, w *logintest.World, key string) uint64 {
	t.Helper()
	v, err := w.Records.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return v.Rev
}

func TestTheNextWayIsTakenWhenOneRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sms, email := newNotifier("sms"), newNotifier("email")
		sms.err = &login.Refusal{Reason: login.ReasonSourceLimited, Detail: "half of per_day"}
		w := reminding(t, nil, sms, email)
		letIn(t, w, "bob", "hunter2")
		if sms.count() != 1 || email.count() != 1 {
			t.Errorf("asked sms %d times, email %d", sms.count(), email.count())
		}

		// When all refuse, nothing was sent: she is tried again in an hour.
		email.err = sms.err
		time.Sleep(73 * time.Hour)
		letIn(t, w, "bob", "hunter2")
		time.Sleep(59 * time.Minute)
		letIn(t, w, "bob", "hunter2")
		if email.count() != 2 {
			t.Errorf("email was asked %d times, want 2", email.count())
		}
		time.Sleep(time.Minute)
		email.err = nil
		letIn(t, w, "bob", "hunter2")
		if e := reminded(w); email.count() != 3 || e.Method != "email" || e.Reason != login.ReasonOK {
			t.Errorf("email was asked %d times, event %+v", email.count(), e)
		}
	})
}

// Two servers that let her in at the same moment send one message.
func TestServersRemindOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sms := newNotifier("sms")
		w := reminding(t, nil, sms)
		w.Records.Delay = time.Second
		other := w.NewFlow(w.Config)
		for _, f := range []*login.Flow{w.Flow, other} {
			go func() {
				if _, err := f.Begin(t.Context(), login.Attempt{User: "bob", Secret: login.Cleartext("hunter2"), Via: login.Via{Client: "vpn"}}); err != nil {
					t.Error(err)
				}
			}()
		}
		time.Sleep(time.Minute)
		if n := sms.count(); n != 1 {
			t.Errorf("%d messages, want 1", n)
		}
	})
}

func TestRulesThatDoNotRemindByMessage(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*login.RuleConfig)
	}{
		{"a line in the answer only", func(r *login.RuleConfig) { r.RemindBy, r.RemindEvery = nil, 0 }},
		{"one that is in force", func(r *login.RuleConfig) {
			r.From, r.SecondFactor = time.Now().AddDate(0, 0, -1), login.SecondEnrolled
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sms := newNotifier("sms")
				w := reminding(t, c.change, sms)
				letIn(t, w, "bob", "hunter2")
				if sms.count() != 0 {
					t.Error("reminded")
				}
			})
		})
	}
}

func TestMistakesAboutReminders(t *testing.T) {
	soon := time.Now().AddDate(0, 1, 0)
	for want, r := range map[string]login.RuleConfig{
		"":                           {From: soon, Before: "remind", RemindBy: []string{"email"}},
		`remind_by: "call"`:          {From: soon, Before: "remind", RemindBy: []string{"call"}},
		"remind_by: is only":         {From: soon, Before: "report", RemindBy: []string{"sms"}},
		"remind_every: has no":       {From: soon, Before: "remind", RemindEvery: 48 * time.Hour},
		"remind_every: 1h0m0s is":    {From: soon, Before: "remind", RemindBy: []string{"sms"}, RemindEvery: time.Hour},
		"remind_every: 2184h0m0s is": {From: soon, Before: "remind", RemindBy: []string{"sms"}, RemindEvery: 91 * 24 * time.Hour},
	} {
		err := r.Validate()
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
