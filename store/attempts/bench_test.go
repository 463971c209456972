package attempts

import (
	"log/slog"
	"testing"

	"github.com/portvakt/portvakt/store/mem"
)

// What an event costs the goroutine that writes, beside logins.
func BenchmarkTake(b *testing.B) {
	r := NewRecorder(mem.New(), DefaultConfig(), slog.New(slog.DiscardHandler))
	e := happened("7GQ2-MX4D", "alice", "accept")
	b.ReportAllocs()
	for b.Loop() {
		r.take(b.Context(), &e)
	}
}

// What it costs the login.
func BenchmarkRecord(b *testing.B) {
	r := NewRecorder(mem.New(), DefaultConfig(), slog.New(slog.DiscardHandler))
	e := happened("7GQ2-MX4D", "alice", "accept")
	b.ReportAllocs()
	for b.Loop() {
		r.Record(e)
		if len(r.queue.events) == wakeAt {
			r.queue.take()
		}
	}
}
