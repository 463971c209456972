package radiusd

import (
	"context"
	"net/netip"
	"runtime"
	"testing"

	"github.com/portvakt/portvakt/internal/crew"
	"github.com/portvakt/portvakt/login"
)

// maxHeldSize is what one held request may cost here: 50,000 at once are to
// cost the whole process 200 MiB at most (octets).
const maxHeldSize = 700

// TestAHeldRequestIsSmall: no packet, buffer or goroutine is kept of it.
func TestAHeldRequestIsSmall(t *testing.T) {
	const many = 20000
	s, l, d := bench(t, flowFunc(func(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
		w, _ := login.NewWait(nil)
		return w, nil
	}))
	cfg := testConfig()
	cfg.MaxRequests, cfg.MaxHeld, cfg.Clients[0].MaxHeld = many, many, many
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, goroutines := heap(), runtime.NumGoroutine()
	for i := range many {
		from := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(2000+i))
		p := d.login("somebody@example.org", "a password", attr(attrCallingStationID, "198.51.100.23"), attr(attrProxyState, "12345678"))
		s.receive(t.Context(), l, p, nil, from)
	}
	(&running{Server: s, t: t}).until("all are held", func(st Stats) bool { return st.Held == many })
	each := (heap() - before) / many
	t.Logf("%d octets a held request", each)
	if each > maxHeldSize {
		t.Errorf("%d octets a held request, want at most %d", each, maxHeldSize)
	}
	if more := runtime.NumGoroutine() - goroutines; more > crew.MaxIdle+16 {
		t.Errorf("%d goroutines more", more)
	}
	s.dismissAll()
	if st := s.Stats(); st.InHand != 0 || st.Kept != 0 {
		t.Errorf("left: %+v", st)
	}
	s.crew.Close()
	s.crew.Wait()
	s.handlers.Wait()
}
