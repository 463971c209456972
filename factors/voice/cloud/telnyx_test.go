package cloud_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/cloud/cloudtest"
	"github.com/portvakt/portvakt/login/logintest"
)

func telnyx(t *testing.T, states ...string) (*cloud.Telnyx, *cloudtest.FakeTelnyx) {
	t.Helper()
	f := cloudtest.StartFakeTelnyx(t, states...)
	log := new(logintest.Log)
	p, err := cloud.New(f.Config(), log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	provider := p.(*cloud.Telnyx)
	provider.PollEvery(time.Millisecond)
	t.Cleanup(func() {
		_ = p.Close()
		leaksNothing(t, log.String())
	})
	return provider, f
}

func TestStatesOfTelnyxDecide(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		states []string
		want   string
	}{
		{"key 1 approves", []string{"pending", "pending", "accepted"}, "approved"},
		{"three other keys", []string{"pending", "invalid"}, "denied"},
		{"no key", []string{"pending", "expired"}, "no_key, rang true"},
		{"nobody answers", []string{"error"}, "no_answer, rang true"},
		{"the service does not answer now and then", []string{"-", "-", "-", "-", "pending", "-", "-", "-", "-", "accepted"}, "approved"},
		{"the service answers no more", []string{"pending", "-"}, "unavailable, rang true"},
		{"a state that is not documented is none", []string{"ACCEPTED", "approved", "", "expired"}, "no_key, rang true"},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			p, f := telnyx(t, row.states...)
			if got := outcome(t, p.Call(t.Context(), approval(t, new(keypad)))); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if len(f.To) != 1 || f.To[0] != "+4741234567" {
				t.Errorf("called %q", f.To)
			}
		})
	}
}

// The service knows one key only. What needs more must go to the next provider
// before anything rings.
func TestTelnyxRefusesWhatItCannotAsk(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*voice.Call){
		"digits to match or a PIN": func(c *voice.Call) { c.OneKey = false },
		"a call that only tells":   func(c *voice.Call) { c.Keys = nil },
		"an extension":             func(c *voice.Call) { c.To = to(t, "+4741234567;ext=12") },
	} {
		p, f := telnyx(t, "accepted")
		c := approval(t, new(keypad))
		change(c)
		err := p.Call(t.Context(), c)
		if got, want := outcome(t, err), "refused, rang false"; got != want || !voice.Unrung(err) {
			t.Errorf("%s: got %s, want %s", what, got, want)
		}
		if len(f.To) != 0 {
			t.Errorf("%s: called %q", what, f.To)
		}
	}
}

// Had package voice told wrongly that one key is enough, an approval that asks
// for more is still none.
func TestTelnyxApprovesNothingThatNeedsMoreKeys(t *testing.T) {
	t.Parallel()
	p, _ := telnyx(t, "accepted")
	c := approval(t, &keypad{match: "42"})
	c.OneKey = true
	if got, want := outcome(t, p.Call(t.Context(), c)), "no_key, rang true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRefusalsOfTelnyx(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		answer func(http.ResponseWriter, *http.Request)
		want   string
	}{
		{"wrong key", status(401, `{"errors": "mark-reply"}`), "refused, rang false"},
		{"a number it does not call", status(422, ""), "refused, rang false"},
		{"too many", status(429, ""), "unavailable, rang false"},
		{"down", status(500, ""), "unavailable, rang false"},
		{"a reply without a name", status(200, `{"data": {"id": "../../x", "status": "accepted"}}`), "unavailable, rang true"},
		{"a reply that is none", status(200, `accepted`), "unavailable, rang true"},
		{"the connection breaks", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "unavailable, rang true"},
	} {
		p, f := telnyx(t, "accepted")
		f.Answer = row.answer
		if got := outcome(t, p.Call(t.Context(), approval(t, new(keypad)))); got != row.want {
			t.Errorf("%s: got %s, want %s", row.what, got, row.want)
		}
	}
}

func status(code int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func TestTelnyxStopsWaiting(t *testing.T) {
	t.Parallel()
	p, f := telnyx(t, "pending")
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- p.Call(ctx, approval(t, new(keypad))) }()
	<-f.Polled
	cancel()
	if got, want := outcome(t, <-ended), "stopped, rang true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	go func() { ended <- p.Call(t.Context(), approval(t, new(keypad))) }()
	<-f.Polled
	_ = p.Close()
	if got, want := outcome(t, <-ended), "stopped, rang true"; got != want {
		t.Errorf("closed: got %s, want %s", got, want)
	}
	if got, want := outcome(t, p.Call(t.Context(), approval(t, new(keypad)))), "stopped, rang false"; got != want {
		t.Errorf("after Close: got %s, want %s", got, want)
	}
}

func TestTelnyxCheck(t *testing.T) {
	t.Parallel()
	p, f := telnyx(t, "pending")
	if err := p.Check(t.Context()); err != nil {
		t.Errorf("with the right key: %v", err)
	}
	cfg := f.Config()
	cfg.Token = secret.New("another")
	other, err := cloud.New(cfg, new(logintest.Log).Logger())
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("with a wrong key: %v", err)
	}
}
