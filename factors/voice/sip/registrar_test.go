package sip

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
)

func TestWhenItRegistersAgain(t *testing.T) {
	t.Parallel()
	lost := errors.New("lost")
	for _, row := range []struct {
		rule  string
		ends  []error // nil is a registration of ten minutes
		after []time.Duration
		lines string // of the log
	}{
		{
			"before it ends",
			[]error{nil, nil, nil},
			[]time.Duration{0, 8 * time.Minute, 8 * time.Minute},
			"registered",
		},
		{
			"soon after it was lost, then less and less often",
			[]error{nil, lost, lost, lost, lost, nil},
			[]time.Duration{0, 8 * time.Minute, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second},
			"registered, not registered, registered",
		},
		{
			"seldom when the password is wrong",
			[]error{errCredentials, statusError(403), nil},
			[]time.Duration{0, 10 * time.Minute, 10 * time.Minute},
			"not registered, not registered, registered",
		},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log peer.Output
				soft, end := context.WithCancel(t.Context())
				p := &Provider{soft: soft, hard: t.Context(), log: slog.New(slog.NewTextHandler(&log, nil)), e: &endpoint{}}
				r := newRegistrar(p)
				var at []time.Duration
				last, left := time.Now(), 0
				r.try = func(context.Context) (*registration, error) {
					at = append(at, time.Since(last))
					last = time.Now()
					err := row.ends[len(at)-1]
					if len(at) == len(row.ends) {
						end()
					}
					return &registration{lasts: 10 * time.Minute}, err
				}
				r.leave = func(at *registration) {
					if at != nil {
						left++
					}
				}
				r.keep()
				if len(at) != len(row.after) || left != 1 {
					t.Fatalf("registered %d times and left %d, want %d and 1", len(at), left, len(row.after))
				}
				for i, want := range row.after {
					if at[i] < want || at[i] > want*5/4 { // machines do not come together
						t.Errorf("attempt %d came after %v, want %v", i, at[i], want)
					}
				}
				if err := r.check(t.Context()); err != nil {
					t.Errorf("in the end: %v", err)
				}
				var lines []string
				for line := range strings.Lines(log.String()) {
					_, line, _ = strings.Cut(line, `msg="`)
					line, _, _ = strings.Cut(line, " at the exchange")
					lines = append(lines, line)
				}
				if got := strings.Join(lines, ", "); got != row.lines {
					t.Errorf("logged %q, want %q", got, row.lines)
				}
			})
		})
	}
}

func TestRegistrationsAsTheExchangeWantsThem(t *testing.T) {
	t.Parallel()
	yes := true
	f := newFake(t)
	p, _ := provider(t, f.server(), func(c *Config) { c.Register, c.Expires, c.From = &yes, time.Minute, "+4722000000" })
	during(t, func() {
		first := f.next("REGISTER")
		f.reply(first, "423 Interval Too Brief", "Min-Expires: 1800\n")
		again := f.next("REGISTER")
		if got := header(again, "Expires"); got != "1800" {
			t.Errorf("asks for %s s, want 1800", got)
		}
		if header(first, "Call-ID") != header(again, "Call-ID") || header(again, "CSeq") != "2 REGISTER" {
			t.Error("one registration has one Call-ID, and numbers that grow")
		}
		if got := header(again, "To"); got != "<sip:mfa@127.0.0.1>" {
			t.Errorf("registers %s", got)
		}
		f.reply(again, "200 OK", "")
	}, func() {
		if err := p.Check(t.Context()); err != nil {
			t.Error(err)
		}
	})
	during(t, func() {
		last := f.next("REGISTER")
		if got := header(last, "Expires"); got != "0" {
			t.Errorf("at the end: Expires %s, want 0", got)
		}
		f.reply(last, "200 OK", "")
	}, func() { _ = p.Close() })
}

func TestGrantedTime(t *testing.T) {
	t.Parallel()
	yes := true
	for _, row := range []struct {
		headers string
		want    time.Duration
	}{
		{"", 10 * time.Minute},
		{"Expires: 120\n", 2 * time.Minute},
		{"Expires: 120\nContact: <sip:mfa@192.0.2.1:5060>;expires=60\n", 2 * time.Minute},
		{"Expires: 99999999999\n", 10 * time.Minute},
		{"Expires: 4294967295\n", maxExpires},
	} {
		f := newFake(t)
		p, _ := provider(t, f.server(), func(c *Config) { c.Register = &yes })
		during(t, func() { f.reply(f.next("REGISTER"), "200 OK", "") }, func() {
			if err := p.Check(t.Context()); err != nil {
				t.Error(err)
			}
		})
		during(t, func() { f.reply(f.next("REGISTER"), "200 OK", row.headers) }, func() {
			at, err := p.reg.register(t.Context())
			if err != nil || at.lasts != row.want {
				t.Errorf("%q: %v, %v, want %v", row.headers, at, err, row.want)
			}
		})
		during(t, func() { f.reply(f.next("REGISTER"), "200 OK", "") }, func() { _ = p.Close() })
	}
}

func TestRefusalsAreToldFromOutages(t *testing.T) {
	t.Parallel()
	got := []bool{}
	for _, err := range []error{errCredentials, errNoPassword, errChallenge, statusError(403), statusError(503), errSilent} {
		got = append(got, refused(err))
	}
	if want := []bool{true, true, true, true, false, false}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
