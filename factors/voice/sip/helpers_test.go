package sip

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/login"
)

// Every provider is closed at the end of its test: nothing may be left of them.
func TestMain(m *testing.M) {
	flag.Parse()
	before := runtime.NumGoroutine()
	code := m.Run()
	if fuzzes := flag.Lookup("test.fuzz"); fuzzes.Value.String() != "" {
		os.Exit(code) // which leaves goroutines of its own
	}
	if left := leaked(before); left != "" && code == 0 {
		fmt.Fprintln(os.Stderr, "goroutines are left:\n"+left)
		code = 1
	}
	os.Exit(code)
}

// leaked returns the stacks when there stay more goroutines than before.
func leaked(before int) string {
	for late := time.After(5 * time.Second); ; {
		if runtime.NumGoroutine() <= before {
			return ""
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-late:
			stacks := make([]byte, 1<<20)
			return string(stacks[:runtime.Stack(stacks, true)])
		}
	}
}

const (
	number   = "+4741234567"
	password = "s3cret-of-the-exchange"
)

func to(t testing.TB, raw string) phone.Number {
	t.Helper()
	n, err := phone.Parse(raw, "NO")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// tone is a message that can be told from silence and from other tones.
func tone(hertz float64, lasts time.Duration) prompts.Message {
	pcm := make([]int16, int(lasts.Seconds()*8000))
	for i := range pcm {
		pcm[i] = int16(10000 * math.Sin(2*math.Pi*hertz*float64(i)/8000))
	}
	return prompts.Message{Text: "tone", Audio: pcm}
}

// A person is somebody who is called: what she pressed, and what came of it.
type person struct {
	mu      sync.Mutex
	pressed string
}

func (p *person) keys(key byte) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pressed += string(key)
	switch key {
	case '#':
		return true, nil
	case '0':
		return true, login.ErrFraud
	}
	return false, nil
}

func (p *person) call(t testing.TB) *voice.Call {
	return &voice.Call{
		Reference: "ref-1", To: to(t, number), Language: "nb",
		Prompt: tone(440, 500*time.Millisecond),
		Ending: func(error) prompts.Message { return tone(880, 100*time.Millisecond) },
		Keys:   p.keys,
		Ring:   10 * time.Second, Talk: 10 * time.Second,
	}
}

// provider makes one for an exchange at an address; change may be nil.
func provider(t testing.TB, server string, change func(*Config)) (*Provider, *peer.Output) {
	t.Helper()
	never := false
	cfg := Config{
		Name: "exchange", Server: server, User: "mfa", Password: secret.New(password), Register: &never,
		Local: "127.0.0.1", Timeout: 2 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	var log peer.Output
	p, err := New(cfg, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		for _, secret := range []string{password, "41234567"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log tells %q:\n%s", secret, &log)
			}
		}
	})
	return p, &log
}

// place calls, and returns how it ended as a line: "approved", "busy unrung".
func place(t testing.TB, p *Provider, c *voice.Call) (string, time.Duration) {
	t.Helper()
	began := time.Now()
	err := p.Call(t.Context(), c)
	return line(t, err), time.Since(began)
}

func line(t testing.TB, err error) string {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "41234567") {
		t.Errorf("the error tells the number: %v", err)
	}
	got := voice.Outcome(err)
	if f, ok := errors.AsType[*voice.Failure](err); ok {
		t.Log(f)
		if !f.Rang {
			got += " unrung"
		}
	}
	return got
}

// soon is t's context, ending after d.
func soon(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
