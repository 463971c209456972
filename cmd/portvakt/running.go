package main

import (
	"sync"

	"github.com/portvakt/portvakt/login"
)

// running is what a reload replaces. It is closed only when nobody uses it any
// more: a login in hand ends under the configuration it began with.
type running struct {
	*system
	flow *login.Flow

	mu      sync.Mutex
	users   int
	retired bool
	idle    chan struct{} // closed when it is retired and nobody uses it
}

func newRunning(s *system, flow *login.Flow) *running {
	return &running{system: s, flow: flow, idle: make(chan struct{})}
}

// enter reports whether it may be used; done must be called then.
func (r *running) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.retired {
		return false
	}
	r.users++
	return true
}

func (r *running) done() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.users--
	r.settle()
}

// retire lets nobody else in and waits for those who are.
func (r *running) retire() {
	r.mu.Lock()
	r.retired = true
	r.settle()
	r.mu.Unlock()
	<-r.idle
}

func (r *running) settle() {
	if r.retired && r.users == 0 {
		close(r.idle)
	}
}

// use returns what is in force. Its done must be called.
func (d *daemon) use() *running {
	for {
		if r := d.current.Load(); r.enter() {
			return r
		}
	}
}
