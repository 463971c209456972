package login_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/crew"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// maxWaitSize is what one sign-in may cost here that waits for a person who is
// asked elsewhere: 50,000 at once are to cost the whole process 200 MiB at
// most (octets).
const maxWaitSize = 1850

// crowd is a directory of anybody, whom nothing is kept of.
type crowd struct{}

func (crowd) Lookup(_ context.Context, name string, _ time.Duration) (login.Account, error) {
	return login.Account{ID: name, Name: name, Phones: []string{"+4777644000"}}, nil
}

func (crowd) Verify(context.Context, login.Account, login.Secret) error { return nil }

// A switchboard calls anybody and never gets an answer; it keeps of a call what
// it must.
type switchboard struct {
	mu    sync.Mutex
	calls []func(error)
}

func (*switchboard) Name() string { return "call" }

func (*switchboard) Methods(login.User) []login.Method {
	return []login.Method{{ID: "call/1", Factor: "call"}}
}

func (s *switchboard) Approve(_ login.Approval, done func(error)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, done)
	return func() {}
}

func (s *switchboard) ringing() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

func TestAWaitIsSmall(t *testing.T) {
	const many = 20000
	w, calls := logintest.NewWorld(t), &switchboard{}
	c := w.Config
	c.Directory, c.Factors, c.Match, c.Audit = crowd{}, []login.Factor{calls}, false, nil
	w.Flow = w.NewFlow(c)
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	waits := make([]login.Wait, 0, many)
	calls.calls = make([]func(error), 0, many)
	before, goroutines := heap(), runtime.NumGoroutine()
	for i := range many {
		s, err := w.Flow.Begin(t.Context(), login.Attempt{User: fmt.Sprintf("person%05d", i), Secret: login.Cleartext("secret"), Via: login.Via{
			Client: "vpn", Station: "198.51.100.23", Patience: time.Hour, Source: netip.MustParseAddrPort("192.0.2.1:1812"),
		}})
		wait, ok := s.(login.Wait)
		if !ok {
			t.Fatalf("got %v %v, want a wait", s, err)
		}
		waits = append(waits, wait)
	}
	for calls.ringing() < many {
		runtime.Gosched()
	}
	w.Records.Clear() // on disk elsewhere
	each := (heap() - before) / many
	t.Logf("%d octets a wait", each)
	if each > maxWaitSize {
		t.Errorf("%d octets a wait, want at most %d", each, maxWaitSize)
	}
	if more := runtime.NumGoroutine() - goroutines; more > crew.MaxIdle+16 {
		t.Errorf("%d goroutines more", more)
	}
	for _, wait := range waits {
		wait.Leave()
	}
	for _, done := range calls.calls {
		done(nil)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
