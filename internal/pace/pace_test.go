package pace

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestRoomForGarbage(t *testing.T) {
	t.Parallel()
	const mi = 1 << 20
	for _, row := range []struct {
		live, roots uint64
		want        int
	}{
		{0, 0, 8800},
		{8 * mi, 0, 1075},
		{6 * mi, 2 * mi, 1081},
		{64 * mi, 0, 112},
		{128 * mi, 0, 43},
		{192 * mi, 0, 25},
		{256 * mi, 0, 25},
		{384 * mi, 0, 25},
		{1000 * mi, 0, 25},
	} {
		if got := percentFor(row.live, row.roots); got != row.want {
			t.Errorf("%d MiB live: got %d %%, want %d %%", row.live/mi, got, row.want)
		}
	}
}

func TestThePaceFollowsWhatIsLive(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	ctx, cancel := context.WithCancel(t.Context())
	m, ended := newMemory(), make(chan struct{})
	go func() {
		defer close(ended)
		m.run(ctx)
	}()
	percent := func() uint64 {
		s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	follow := func(what string, good func(p uint64) bool) {
		for range 1000 {
			runtime.GC()
			if good(percent()) {
				return
			}
			runtime.Gosched()
		}
		t.Errorf("%s: %d %%", what, percent())
	}
	follow("next to nothing live", func(p uint64) bool { return p > 300 })
	ballast := make([]byte, 400<<20)
	follow("much live", func(p uint64) bool { return p < 60 })
	runtime.KeepAlive(ballast)
	cancel()
	<-ended
}
