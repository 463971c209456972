package attempts

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

const (
	pagePrefix = "attempts/"
	hourFormat = "2006010215" // UTC
	// flushEvery is how soon the service desk sees an event, and how much a
	// crash loses.
	flushEvery = 2 * time.Second
	// writeWithin bounds one write.
	writeWithin = 10 * time.Second
	// tellEvery bounds how often the log tells of what was dropped.
	tellEvery = time.Minute
)

// A Store is what a [Recorder] needs of a [store.KV].
type Store interface {
	login.Records
	Scan(ctx context.Context, prefix string, fn func(key string, v store.Value) error) error
}

// A Recorder keeps events. It is safe for concurrent use; [Recorder.Run] must
// run. A nil one keeps nothing.
type Recorder struct {
	kv      Store
	log     *slog.Logger
	config  atomic.Pointer[Config]
	queue   *queue
	dropped atomic.Uint64

	// Of Run.
	node    string // of this process, in keys
	page    page
	line    []byte // room for one
	packer  packer
	index   index
	reports reports
	told    time.Time // when the log was last told
	counted uint64    // of those dropped, in the log
}

// A page is the one being filled.
type page struct {
	key   string
	rev   uint64
	lines []byte
	hour  int64 // since 1970
	seq   int
	dirty bool
}

// NewRecorder makes a Recorder that keeps events in kv, which should seal them.
func NewRecorder(kv Store, c Config, log *slog.Logger) *Recorder {
	var node [6]byte
	rand.Read(node[:])
	r := &Recorder{kv: kv, log: log, queue: newQueue(), node: hex.EncodeToString(node[:])}
	r.config.Store(&c)
	return r
}

// Use takes another configuration.
func (r *Recorder) Use(c Config) {
	if r != nil {
		r.config.Store(&c)
	}
}

// Record keeps an event. It never waits: one too many is dropped.
func (r *Recorder) Record(e login.Event) {
	if r == nil || e.Foresight == nil && !r.config.Load().Enabled() {
		return
	}
	if !r.queue.put(e) {
		r.dropped.Add(1)
	}
}

// Dropped is how many events were not kept.
func (r *Recorder) Dropped() uint64 {
	if r == nil {
		return 0
	}
	return r.dropped.Load()
}

// Run writes what is recorded until ctx ends, and then what is left.
func (r *Recorder) Run(ctx context.Context) {
	r.begin(ctx)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.queue.many:
			r.takeAll(ctx)
		case <-tick.C:
			r.takeAll(ctx)
			r.flush(ctx)
		case <-ctx.Done():
			r.end(context.WithoutCancel(ctx))
			return
		}
	}
}

// end writes what is there when the daemon has drained.
func (r *Recorder) end(ctx context.Context) {
	r.takeAll(ctx)
	for range maxPending / reportsAtOnce {
		left := len(r.reports.pending)
		r.flush(ctx)
		if now := len(r.reports.pending); now == 0 || now == left {
			return
		}
	}
}

// begin finds out what there is from before.
func (r *Recorder) begin(ctx context.Context) {
	if err := r.index.read(ctx, r.kv, time.Now()); err != nil && ctx.Err() == nil {
		r.failed(ctx, err)
	}
	if err := r.reports.read(ctx, r.kv); err != nil && ctx.Err() == nil {
		r.failed(ctx, err)
	}
}

// takeAll takes the events that wait. It goes on when ctx ends: what was taken
// would be lost.
func (r *Recorder) takeAll(ctx context.Context) {
	ctx = context.WithoutCancel(ctx) // each write has a limit
	events := r.queue.take()
	for i := range events {
		r.take(ctx, &events[i])
	}
}

func (r *Recorder) take(ctx context.Context, e *login.Event) {
	if e.Foresight != nil {
		if !r.reports.add(*e) {
			r.dropped.Add(1)
		}
	}
	if !r.config.Load().Enabled() {
		return
	}
	own := kept(e)
	line, err := own.appendLine(r.line[:0])
	if err != nil {
		r.dropped.Add(1)
		return
	}
	r.line = line
	// Pages are looked for by when their events were told.
	now := time.Now()
	if p := &r.page; p.key == "" || p.hour != hoursSince(now) || len(p.lines)+len(line) > pageSize {
		r.turn(ctx, now)
	}
	r.page.lines = append(r.page.lines, line...)
	r.page.dirty = true
}

func hoursSince(at time.Time) int64 { return at.Unix() / int64(time.Hour/time.Second) }

// turn writes the page and begins the next one.
func (r *Recorder) turn(ctx context.Context, now time.Time) {
	r.write(ctx)
	if r.page.dirty { // the store does not take it, and memory is bounded
		r.lose()
	}
	seq := r.page.seq + 1
	r.page = page{
		key:  fmt.Sprintf("%s%s/%013d-%s-%06d", pagePrefix, now.UTC().Format(hourFormat), now.UnixMilli(), r.node, seq),
		hour: hoursSince(now), seq: seq, lines: r.page.lines[:0],
	}
}

func (r *Recorder) flush(ctx context.Context) {
	r.write(ctx)
	if err := r.reports.flush(ctx, r.kv); err != nil {
		r.failed(ctx, err)
	}
	if now := time.Now(); now.Sub(r.index.readAt) >= rereadEvery {
		if err := r.index.read(ctx, r.kv, now); err != nil {
			r.failed(ctx, err)
		}
	}
	if err := r.index.trim(ctx, r.kv, *r.config.Load(), time.Now()); err != nil {
		r.failed(ctx, err)
	}
	if n := r.dropped.Load(); n > r.counted && time.Since(r.told) >= tellEvery {
		r.log.LogAttrs(ctx, slog.LevelWarn, "attempts dropped: the service desk does not see them, the log does", slog.Uint64(login.KeyCount, n-r.counted))
		r.told, r.counted = time.Now(), n
	}
}

// write writes the page as it is. After an error it is tried again with the
// next flush.
func (r *Recorder) write(ctx context.Context) {
	p := &r.page
	if !p.dirty {
		return
	}
	data, err := r.packer.pack(p.lines)
	if err != nil {
		r.failed(ctx, err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	err = r.kv.Swap(ctx, p.key, p.rev, data)
	written := err == nil
	if err == nil || errors.Is(err, login.ErrConflict) { // an answer got lost: the key is ours alone
		var v login.Value
		if v, err = r.kv.Get(ctx, p.key); errors.Is(err, login.ErrNotFound) {
			err = nil // trimmed
		}
		p.rev = v.Rev
	}
	if err != nil {
		r.failed(ctx, err)
		return
	}
	if p.dirty = !written; written {
		r.index.put(p.key, p.rev, len(data))
	}
}

// lose gives the page up; the next event begins another.
func (r *Recorder) lose() {
	r.dropped.Add(uint64(bytes.Count(r.page.lines, []byte{'\n'}))) //nolint:gosec // a count
	r.page = page{seq: r.page.seq, lines: r.page.lines[:0]}
}

func (r *Recorder) failed(ctx context.Context, err error) {
	if time.Since(r.told) < tellEvery {
		return
	}
	r.told = time.Now()
	r.log.LogAttrs(ctx, slog.LevelWarn, "attempts not written", slog.Any(login.KeyErr, err))
}
