package voice

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/fault"
	"github.com/portvakt/portvakt/login"
)

var (
	errStopped = errors.New("the call was ended by us")
	errNoLine  = fmt.Errorf("%w: no line was free in time: raise max_calls, or let people use codes", login.ErrNotAsked)
)

// lines bound how many calls there are at one time. Those that wait for a line
// are records, not goroutines: a storm of sign-ins may leave thousands.
type lines struct {
	queue time.Duration
	log   *slog.Logger

	mu      sync.Mutex
	free    int
	waiting *list.List // of *job, the oldest first
	running sync.WaitGroup
}

// A job is one call: waiting, running, or over.
type job struct {
	run  func(ctx context.Context)
	fail func(err error) // when it never runs, or has panicked

	place  *list.Element // while it waits
	timer  *time.Timer
	cancel context.CancelFunc // while it runs
}

func newLines(most int, queue time.Duration, log *slog.Logger) *lines {
	return &lines{queue: queue, log: log, free: most, waiting: list.New()}
}

// start gives the job a line, now or when one is free.
func (l *lines) start(j *job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.free > 0 {
		l.free--
		l.begin(j)
		return
	}
	j.place = l.waiting.PushBack(j)
	j.timer = time.AfterFunc(l.queue, func() { l.drop(j, errNoLine) })
}

// begin runs a job that has a line. The lock is held.
func (l *lines) begin(j *job) {
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	l.running.Go(func() {
		defer l.next()
		defer cancel()
		if err := fault.Guard(l.log, func() { j.run(ctx) }); err != nil {
			j.fail(err)
		}
	})
}

// next gives the line of a job that is over to the one that waits longest.
func (l *lines) next() {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.waiting.Front()
	if first == nil {
		l.free++
		return
	}
	j, ok := l.waiting.Remove(first).(*job)
	if !ok {
		return
	}
	j.place = nil
	j.timer.Stop()
	l.begin(j)
}

// drop ends a job that still waits.
func (l *lines) drop(j *job, err error) {
	l.mu.Lock()
	if j.place == nil {
		l.mu.Unlock()
		return
	}
	l.waiting.Remove(j.place)
	j.place = nil
	j.timer.Stop()
	l.running.Go(func() { j.fail(err) })
	l.mu.Unlock()
}

// stop ends a job, whatever it does.
func (l *lines) stop(j *job) {
	l.drop(j, errStopped)
	l.mu.Lock()
	cancel := j.cancel
	l.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// close waits for all jobs.
func (l *lines) close() { l.running.Wait() }
