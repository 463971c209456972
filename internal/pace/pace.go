package pace

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// How much garbage may gather before the next collection: a fixed room less a
// quarter of what is live, or that quarter when it is more. A percentage of what is
// live alone would collect all the time when that is little, and waste memory when
// it is much.
const (
	garbageRoom = 88 << 20
	liveShare   = 4 // of what is live, one part in
	// memoryLimit makes the collector work harder when memory gets short.
	memoryLimit = 1 << 30
	// paceStep is how many percent the pace may be off: to change it stops
	// everything for a moment.
	paceStep = 10
)

// Run paces the garbage collector until the context ends.
func Run(ctx context.Context) { newMemory().run(ctx) }

// A memory paces the garbage collector after each of its cycles.
type memory struct {
	cycle   chan struct{} // a cycle has ended
	samples []metrics.Sample
	percent int
}

func newMemory() *memory {
	return &memory{cycle: make(chan struct{}, 1), samples: []metrics.Sample{
		{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/stack:bytes"}, {Name: "/gc/scan/globals:bytes"},
	}}
}

// run paces until the context ends.
func (m *memory) run(ctx context.Context) {
	debug.SetMemoryLimit(memoryLimit)
	for {
		m.pace()
		m.watch()
		select {
		case <-m.cycle:
		case <-ctx.Done():
			return
		}
	}
}

// watch has the end of the next cycle told: nobody refers to what it makes, so
// that the cycle finds it dead.
func (m *memory) watch() {
	runtime.AddCleanup(&struct{ _ *memory }{}, wake, m.cycle)
}

// pace sets how much the heap may grow.
func (m *memory) pace() {
	metrics.Read(m.samples)
	live := m.samples[0].Value.Uint64()
	roots := m.samples[1].Value.Uint64() + m.samples[2].Value.Uint64()
	percent := percentFor(live, roots)
	if step := m.percent * paceStep / 100; percent < m.percent-step || percent > m.percent+step {
		m.percent = percent
		debug.SetGCPercent(percent)
	}
}

// leastLive keeps the percentage of a heap with nothing in it finite.
const leastLive = 1 << 20

// percentFor is the GOGC that leaves the room for garbage: the runtime lets the
// heap grow to what is live, and that percentage of what is live and of the
// roots on top.
func percentFor(live, roots uint64) int {
	share := live / liveShare
	room := max(garbageRoom-min(share, garbageRoom), share)
	return int(room * 100 / max(live+roots, leastLive)) //nolint:gosec // at most 8800
}

// wake tells that a cycle has ended, once however many have.
func wake(cycle chan struct{}) {
	select {
	case cycle <- struct{}{}:
	default:
	}
}
