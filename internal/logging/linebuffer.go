package logging

import (
	"io"
	"sync"
	"time"
)

const (
	maxWaiting = 1 << 20 // octets that wait for the writer; more are dropped
	flushAt    = maxWaiting / 4
	flushEvery = 100 * time.Millisecond
	closeWait  = 2 * time.Second // for a writer that has stopped taking lines
)

// A lineBuffer takes whole lines and writes them together a moment later, in
// the order they came. Write never waits for the writer behind it: a pipe
// that nobody empties costs lines, which are counted, and no sign-in.
//
// What was logged in the last 100 ms is lost with a process that is killed.
type lineBuffer struct {
	out     io.Writer
	dropped func(lines int)

	mu     sync.Mutex
	lines  []byte
	spare  []byte
	lost   int
	closed bool

	first chan struct{} // the buffer is not empty any more
	full  chan struct{} // it should not wait longer
	quit  chan struct{}
	ended chan struct{} // by run
}

var _ io.WriteCloser = (*lineBuffer)(nil)

// newLineBuffer begins to write to out. The function is told, before the next
// lines are written, how many could not be kept.
func newLineBuffer(out io.Writer, dropped func(lines int)) *lineBuffer {
	b := &lineBuffer{
		out: out, dropped: dropped,
		first: make(chan struct{}, 1), full: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
	}
	go b.run() // Close waits for it
	return b
}

// Write keeps one line. It never fails.
func (b *lineBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed || len(b.lines)+len(line) > maxWaiting:
		b.lost++
		return len(line), nil
	case len(b.lines) == 0:
		wake(b.first)
	case len(b.lines) >= flushAt:
		wake(b.full)
	}
	b.lines = append(b.lines, line...)
	return len(line), nil
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (b *lineBuffer) run() {
	defer close(b.ended)
	for {
		select {
		case <-b.first:
		case <-b.quit:
			b.flush()
			return
		}
		soon := time.NewTimer(flushEvery)
		select {
		case <-soon.C:
		case <-b.full:
		case <-b.quit:
		}
		soon.Stop()
		b.flush()
	}
}

func (b *lineBuffer) flush() {
	b.mu.Lock()
	lines, lost := b.lines, b.lost
	b.lines, b.spare, b.lost = b.spare[:0], nil, 0
	b.mu.Unlock()
	if len(lines) > 0 {
		_, _ = b.out.Write(lines) // there is no other place to tell
	}
	if lost > 0 {
		b.dropped(lost)
	}
	b.mu.Lock()
	b.spare = lines
	b.mu.Unlock()
}

// Close writes what waits and ends the buffer. It gives up on a writer that
// takes nothing for 2 seconds.
func (b *lineBuffer) Close() error {
	b.mu.Lock()
	closed := b.closed
	b.closed = true
	b.mu.Unlock()
	if closed {
		return nil
	}
	close(b.quit)
	select {
	case <-b.ended:
	case <-time.After(closeWait):
	}
	return nil
}
