package main

import (
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
)

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFlow is a login without a transport, a directory and a log: what
// the Flow, TOTP and the store cost. Each of the people logs in once before, so
// that the records exist, and once while it is measured: give it
// -benchtime 60000x.
func BenchmarkFlow(b *testing.B) {
	const users, under = 60000, 64
	if b.N > users {
		b.Skip("there are 60000 people: -benchtime 60000x")
	}
	flow, _, done, err := newFlow(b.Context(), service{users: b.N})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = done() }()
	via := login.Via{Client: "bench", CanAsk: true}
	one := func(n int, step int64) {
		name := nameOf(n)
		s, err := flow.Begin(b.Context(), login.Attempt{User: name, Secret: login.Cleartext(passwordOf(n)), Via: via})
		ask, ok := s.(login.Ask)
		if !ok {
			b.Errorf("password: got %T %v", s, err)
			return
		}
		code := login.Cleartext(codeAt(secretOf(name), step))
		s, err = flow.Resume(b.Context(), login.Attempt{User: name, Secret: code, Via: via}, ask.Ticket)
		if _, ok := s.(login.Accept); !ok && !usedEarly(secretOf(name), step) {
			b.Errorf("code: got %T %v", s, err)
		}
	}
	all := func(step int64) {
		var next atomic.Int64
		var wg sync.WaitGroup
		for range under {
			wg.Go(func() {
				for n := int(next.Add(1)); n <= b.N; n = int(next.Add(1)) {
					one(n-1, step)
				}
			})
		}
		wg.Wait()
	}
	step := stepAt(time.Now())
	all(step)
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime()
	all(step + 1) // a code may come one step early
	b.StopTimer()
	b.ReportMetric(float64((cpuTime()-before).Nanoseconds())/1000/float64(b.N), "cpu-us/op")
}
