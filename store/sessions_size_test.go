package store_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/bolt"
	"github.com/portvakt/portvakt/store/mem"
)

// What is known of a session in memory is small, however many there are.
func TestMemoryOfSessions(t *testing.T) {
	const sessions, most = 20_000, 320 // octets of each
	kv := mem.New()
	s := sessionsOn(t, kv, store.DefaultSessionsConfig())
	for n := range sessions {
		record(t, s, told(login.SessionStart, n%1000, named("gw", fmt.Sprintf("5A0F%08x", n), fmt.Sprintf("user%d", n%5000))))
	}
	before := heap()
	again := sessionsOn(t, kv, store.DefaultSessionsConfig())
	each := (int(heap()) - int(before)) / sessions
	if kept, _ := again.Counts(noon); kept != sessions || each > most {
		t.Errorf("%d sessions of %d octets each, want %d of at most %d", kept, each, sessions, most)
	}
	t.Logf("%d octets a session", each)
	runtime.KeepAlive(s)
}

// BenchmarkSessions records interim updates of different sessions, as many at a
// time as package radiusd does.
func BenchmarkSessions(b *testing.B) {
	kv, err := bolt.Open(filepath.Join(b.TempDir(), "portvakt.db"), bolt.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer kv.Close()
	s := sessionsOn(b, kv, store.DefaultSessionsConfig())
	next := make(chan int)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for n := range next {
				record(b, s, told(login.SessionInterim, n/1000, named("gw", fmt.Sprint("s", n%1000), "alice")))
			}
		})
	}
	for n := 0; b.Loop(); n++ {
		next <- n
	}
	close(next)
	wg.Wait()
}

// NAS-Identifier is what a packet says: who may account can say another one
// each time, and what is kept of them goes with the sessions.
func TestMemoryOfDevices(t *testing.T) {
	const devices, most = 20_000, 1 << 20 // octets of all
	s := sessionsOn(t, mem.New(), store.SessionsConfig{Stale: time.Hour, KeepDays: 1, MaxSessions: 16})
	before := heap()
	for n := range devices {
		record(t, s, told(login.SessionStart, 0, named(fmt.Sprintf("%0200d", n), "s1", "alice")))
	}
	grown := int(heap()) - int(before)
	if kept, _ := s.Counts(noon); kept > 16 || grown > most {
		t.Errorf("%d sessions kept, %d octets, want at most 16, and %d", kept, grown, most)
	}
	runtime.KeepAlive(s)
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
