package attempts

import (
	"sync"

	"github.com/portvakt/portvakt/login"
)

const (
	// maxQueue bounds the events that wait to be written.
	maxQueue = 8192
	// wakeAt is how many events do not wait for the next flush.
	wakeAt = maxQueue / 8
)

// A queue holds events until all of them are taken at once: to wake a goroutine
// for each would cost a login more than the event does.
type queue struct {
	many   chan struct{} // holds one when wakeAt wait
	mu     sync.Mutex
	events []login.Event
	taken  []login.Event // the room for the next ones
}

func newQueue() *queue { return &queue{many: make(chan struct{}, 1)} }

// put adds an event; false when there is no room.
func (q *queue) put(e login.Event) bool {
	q.mu.Lock()
	n := len(q.events)
	if n < maxQueue {
		q.events = append(q.events, e)
	}
	q.mu.Unlock()
	if n+1 == wakeAt {
		select {
		case q.many <- struct{}{}:
		default:
		}
	}
	return n < maxQueue
}

// take returns all there are. They are good until the next take.
func (q *queue) take() []login.Event {
	clear(q.taken) // what they hold is garbage
	q.mu.Lock()
	defer q.mu.Unlock()
	q.taken, q.events = q.events, q.taken[:0]
	return q.taken
}
