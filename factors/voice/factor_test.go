package voice_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A line is a [voice.Provider] whose calls end as a test says.
type line struct {
	name string
	// keys are pressed after the answer; then err ends the call.
	keys string
	err  error
	wait time.Duration
	// ending is how long it says goodbye.
	ending time.Duration
	// trace is what it knows of a call.
	trace voice.Trace

	mu     sync.Mutex
	calls  []*voice.Call
	live   int
	most   int
	closed bool
	cut    bool // the goodbye
}

func (l *line) Name() string { return l.name }

func (l *line) Call(ctx context.Context, c *voice.Call) error {
	c.Trace = l.trace
	l.mu.Lock()
	l.calls = append(l.calls, c)
	l.live++
	l.most = max(l.most, l.live)
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.live--
		l.mu.Unlock()
	}()
	timer := time.NewTimer(l.wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return &voice.Failure{Why: voice.WhyStopped, Rang: true, Err: ctx.Err()}
	}
	for i := range len(l.keys) {
		decided, answer := c.Keys(l.keys[i])
		if !decided {
			continue
		}
		select {
		case <-time.After(l.ending):
		case <-ctx.Done():
			l.mu.Lock()
			l.cut = true
			l.mu.Unlock()
		}
		return answer
	}
	return l.err
}

func (l *line) Check(context.Context) error { return nil }

func (l *line) Close() error {
	l.closed = true
	return nil
}

func (l *line) call(i int) *voice.Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls[i]
}

func (l *line) called() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.calls)
}

var (
	busy        = &voice.Failure{Why: voice.WhyBusy, Rang: true}
	unreachable = &voice.Failure{Why: voice.WhyUnreachable}
	down        = &voice.Failure{Why: voice.WhyUnavailable, Err: errors.New("connection refused")}
	unclear     = &voice.Failure{Why: voice.WhyUnavailable, Rang: true, Err: errors.New("no answer")}
	noKey       = &voice.Failure{Why: voice.WhyNoKey, Rang: true}
)

var speech = sync.OnceValues(func() (*prompts.Set, error) {
	return prompts.Open(prompts.Config{Organisation: "Example University"}, slog.New(slog.DiscardHandler))
})

// newFactor makes a factor with the providers, and the person it calls.
func newFactor(t *testing.T, change func(*voice.Config), providers ...voice.Provider) (*voice.Factor, login.User) {
	t.Helper()
	return newLoggedFactor(t, slog.New(slog.DiscardHandler), change, providers...)
}

func newLoggedFactor(t *testing.T, log *slog.Logger, change func(*voice.Config), providers ...voice.Provider) (*voice.Factor, login.User) {
	t.Helper()
	set, err := speech()
	if err != nil {
		t.Fatal(err)
	}
	cfg := voice.DefaultConfig()
	cfg.Numbers.Countries = []string{"NO"}
	cfg.Caps.PerUserHour, cfg.Caps.PerNumber10Min = 1000, 1000
	if change != nil {
		change(&cfg)
	}
	key := []byte("0123456789abcdef")
	f, err := voice.New(cfg, voice.Needs{
		Providers: providers, Caps: caps.New(cfg.Caps, caps.Call, new(logintest.Records), key, log), Prompts: set,
		Key: key, PINKeys: [][]byte{pinKey}, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, login.User{
		Account: login.Account{ID: "id-alice", Phones: []string{"+47 412 34 567", "22 85 50 50"}, Language: "nb"}, Client: "vpn",
	}
}

var pinKey = []byte("fedcba9876543210")

// approve calls her first number and returns how it ended.
func approve(f *voice.Factor, a login.Approval) error {
	ended := make(chan error, 1)
	a.Method = f.Methods(a.User)[0]
	f.Approve(a, func(err error) { ended <- err })
	return <-ended
}

// TestS48OnlyKeysOfAPersonApprove: a voicemail box presses none, a pocket
// presses others, and who was called because of somebody else says so.
func TestS48OnlyKeysOfAPersonApprove(t *testing.T) {
	pin, err := voice.NewPIN(pinKey, "2580")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, keys, match string
		pin               bool
		want              error
	}{
		{"the hash approves", "#", "", false, nil},
		{"zero and hash report fraud", "0#", "", false, login.ErrFraud},
		{"another key before it approves nothing", "5#", "", false, noKey},
		{"and then the hash alone does", "5##", "", false, nil},
		{"star begins anew", "5*#", "", false, nil},
		{"no key", "", "", false, noKey},
		{"a digit alone", "1", "", false, noKey},
		{"three wrong tries are a no", "5#6#7#", "", false, login.ErrDenied},
		{"the digits shown", "42#", "42", false, nil},
		{"the hash without them", "#", "42", false, noKey},
		{"other digits", "24#", "42", false, noKey},
		{"more digits", "424#", "42", false, noKey},
		{"the right ones at the second try", "24#42#", "42", false, nil},
		{"fraud is reported without them", "0#", "42", false, login.ErrFraud},
		{"her PIN", "2580#", "", true, nil},
		{"another PIN", "2581#", "", true, noKey},
		{"no PIN", "#", "", true, noKey},
		{"digits and PIN", "422580#", "42", true, nil},
		{"a flood of keys", strings.Repeat("1", 1000) + "#", "", false, noKey},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, u := newFactor(t, nil, &line{name: "exchange", keys: c.keys, err: noKey})
			u.Enrollment.Credentials = []login.Credential{pin}
			if err := approve(f, login.Approval{User: u, Match: c.match, PIN: c.pin}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWrongDigitsAreAnswered(t *testing.T) {
	for match, want := range map[string]string{"": "That was not right", "42": "not the digits on the screen"} {
		l := &line{name: "exchange", keys: "0#"}
		f, u := newFactor(t, nil, l)
		u.Account.Language = "en"
		_ = approve(f, login.Approval{User: u, Match: match})
		if said := l.call(0).Again.Text; !strings.Contains(said, want) {
			t.Errorf("match %q: says %q", match, said)
		}
	}
}

func TestAPINIsAskedForOnlyOfWhoHasOne(t *testing.T) {
	l := &line{name: "exchange", keys: "#"}
	f, u := newFactor(t, nil, l)
	if err := approve(f, login.Approval{User: u, PIN: true}); login.Refused(err) != login.ReasonNotEnrolled || l.called() != 0 {
		t.Errorf("got %v after %d calls", err, l.called())
	}
	for _, pin := range []string{"", "123", "1234", "1111", "9876", "12a4", "1234567890123"} {
		if _, err := voice.NewPIN(pinKey, pin); err == nil {
			t.Errorf("%q is taken as a PIN", pin)
		}
	}
}

// Who reads the store must not see who has the same PIN.
func TestTheSamePINTwiceLooksLikeTwo(t *testing.T) {
	var all []string
	for range 2 {
		c, err := voice.NewPIN(pinKey, "2580")
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(c.Data))
	}
	if all[0] == all[1] {
		t.Errorf("both are %s", all[0])
	}
}

// TestLinesAreBounded has more sign-ins than lines.
func TestLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{name: "exchange", keys: "#", wait: 20 * time.Second}
		f, u := newFactor(t, func(c *voice.Config) { c.MaxCalls, c.Queue = 2, 30*time.Second }, l)
		u.Account.Phones = u.Account.Phones[:1]
		var wg sync.WaitGroup
		var mu sync.Mutex
		ended := map[string]int{}
		for range 6 {
			wg.Go(func() {
				word := "approved"
				if err := approve(f, login.Approval{User: u}); err != nil {
					word = err.Error()
				}
				mu.Lock()
				ended[word]++
				mu.Unlock()
			})
		}
		wg.Wait()
		if l.most != 2 {
			t.Errorf("%d calls at a time, want 2", l.most)
		}
		if ended["approved"] != 4 || len(ended) != 2 {
			t.Errorf("ended as %v, want 4 approved and 2 without a line", ended)
		}
	})
}

func TestStoppingACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{name: "exchange", keys: "#", wait: time.Minute}
		f, u := newFactor(t, func(c *voice.Config) { c.MaxCalls = 1 }, l)
		ended := make(chan error, 2)
		a := login.Approval{User: u, Method: f.Methods(u)[0]}
		ringing := f.Approve(a, func(err error) { ended <- err })
		waiting := f.Approve(a, func(err error) { ended <- err })
		synctest.Wait()
		waiting()
		waiting()
		if err := <-ended; err == nil || l.called() != 1 {
			t.Errorf("the one that waits: %v, %d calls", err, l.called())
		}
		ringing()
		if f, ok := errors.AsType[*voice.Failure](<-ended); !ok || f.Why != voice.WhyStopped {
			t.Errorf("the one that rings: %v", f)
		}
		ringing()
	})
}

// TestS07CallsAreCapped is toll fraud by calls.
func TestS07CallsAreCapped(t *testing.T) {
	l := &line{name: "exchange", keys: "#"}
	f, u := newFactor(t, func(c *voice.Config) { c.Caps.PerUserHour = 3 }, l)
	for range 20 {
		_ = approve(f, login.Approval{User: u})
	}
	if n := l.called(); n != 3 {
		t.Errorf("%d calls, want 3", n)
	}
	u.Account.Phones = []string{"+882 16 1234567", "+1 900 123 4567", "+46 70 123 45 67"}
	if m := f.Methods(u); len(m) != 0 {
		t.Errorf("satellite, premium and foreign numbers may be called: %v", m)
	}
}

func TestACodeIsToldAndTyped(t *testing.T) {
	l := &line{name: "exchange", wait: 5 * time.Second}
	synctest.Test(t, func(t *testing.T) {
		f, u := newFactor(t, nil, l)
		m := f.Methods(u)[0]
		memo, err := f.Prompt(t.Context(), u, m)
		if err != nil {
			t.Fatal(err)
		}
		said := l.call(0).Prompt.Text
		code := digits(said)
		if len(code) != 12 || code[:6] != code[6:] {
			t.Fatalf("said %q", said)
		}
		if err := f.Check(t.Context(), u, m, memo, login.Cleartext("000000")); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("a wrong code: %v", err)
		}
		if err := f.Check(t.Context(), u, m, memo, logintest.Proof(code[:6])); err != nil {
			t.Errorf("the code: %v", err)
		}
		again, err := f.Resend(t.Context(), u, m, memo)
		if err != nil || string(again) != string(memo) || digits(l.call(1).Prompt.Text) != code {
			t.Errorf("called again with another code: %v", err)
		}
		if l.call(0).Keys != nil {
			t.Error("keys of a call that only tells something")
		}
		if err := f.Check(t.Context(), u, m, nil, login.Cleartext(code[:6])); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("without a call: %v", err)
		}
	})
}

// The person herself can enroll what stands in the directory, by a code alone:
// a key says nothing of who types at the other end.
func TestATelephoneIsEnrolledByACode(t *testing.T) {
	l := &line{name: "exchange", wait: 5 * time.Second}
	synctest.Test(t, func(t *testing.T) {
		f, u := newFactor(t, nil, l)
		factortest.RunEnroller(t, factortest.Enrollment{
			Factor: f, User: u, Wrong: "1234567",
			Answer: func(login.Method, []byte) string { return digits(l.call(0).Prompt.Text)[:6] },
		})
	})
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

func TestACallThatFailsAtOnceIsNoQuestion(t *testing.T) {
	f, u := newFactor(t, nil, &line{name: "exchange", err: busy})
	if _, err := f.Prompt(t.Context(), u, f.Methods(u)[0]); err == nil {
		t.Error("a busy telephone was told a code")
	}
}

func TestSheIsSpokenToInHerLanguage(t *testing.T) {
	for wish, want := range map[string]string{"nb": "nb", "nn-NO": "nn", "de-AT": "de", "fi": "fi", "sv, en;q=0.5": "sv", "xx": "en"} {
		l := &line{name: "exchange", keys: "#"}
		f, u := newFactor(t, func(c *voice.Config) { c.Speech.Languages = nil }, l)
		u.Account.Language = wish
		if err := approve(f, login.Approval{User: u}); err != nil {
			t.Fatal(err)
		}
		if got := l.call(0).Language; got != want {
			t.Errorf("%s: %s, want %s", wish, got, want)
		}
		if text := l.call(0).Prompt.Text; !strings.Contains(text, "Example University") {
			t.Errorf("%s: %q does not say who calls", wish, text)
		}
	}
}
