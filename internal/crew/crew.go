package crew

import (
	"sync"
	"sync/atomic"
)

// MaxIdle is how many goroutines wait for another task when theirs is done. It
// does not bound how many there are.
const MaxIdle = 64

// A Crew does tasks of one kind, each at once. Use [New].
type Crew[T any] struct {
	do      func(T)
	tasks   chan T
	idle    atomic.Int32
	running sync.WaitGroup
}

// New makes a crew that does each task by do.
func New[T any](do func(T)) *Crew[T] { return &Crew[T]{do: do, tasks: make(chan T)} }

// Start has a task done in a goroutine of its own: one that is idle, or a new one.
// It must not be called behind Close.
func (c *Crew[T]) Start(task T) {
	select {
	case c.tasks <- task:
	default:
		c.running.Go(func() { c.work(task) })
	}
}

func (c *Crew[T]) work(task T) {
	for ok := true; ok; {
		c.do(task)
		if c.idle.Add(1) > MaxIdle {
			c.idle.Add(-1)
			return
		}
		task, ok = <-c.tasks
		c.idle.Add(-1)
	}
}

// Close has the goroutines end, each when its task is done.
func (c *Crew[T]) Close() { close(c.tasks) }

// Wait returns when all have ended, behind Close.
func (c *Crew[T]) Wait() { c.running.Wait() }
