package sms

import (
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/sms/gateway"
)

const maxOpen = 10_000 // questions whose message is looked after

// open are the questions of this node that have not been answered rightly, by
// their memos: a message is sent again only while its question is open.
type open struct {
	mu        sync.Mutex
	questions map[[sha256.Size]byte]question
}

type question struct {
	until time.Time
	lost  bool // no gateway could deliver the code
}

// errAnswered ends the sending of a code that was entered.
var errAnswered = errors.New("the code was entered or is too old")

// begin notes a question. With too many open the new one is not looked after.
func (o *open) begin(memo []byte, until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.questions == nil {
		o.questions = make(map[[sha256.Size]byte]question)
	}
	if len(o.questions) >= maxOpen {
		now := time.Now()
		for k, q := range o.questions {
			if now.After(q.until) {
				delete(o.questions, k)
			}
		}
	}
	if len(o.questions) < maxOpen {
		o.questions[sha256.Sum256(memo)] = question{until: until}
	}
}

// end forgets a question that was answered rightly.
func (o *open) end(memo []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.questions, sha256.Sum256(memo))
}

// still returns an error when the question is not open any more.
func (o *open) still(memo []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if q, ok := o.questions[sha256.Sum256(memo)]; !ok || time.Now().After(q.until) {
		return errAnswered
	}
	return nil
}

// fate notes what became of the question's message. It reports whether that is
// the first news of a loss.
func (o *open) fate(memo []byte, s gateway.State) (lost bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := sha256.Sum256(memo)
	q, ok := o.questions[key]
	if !ok {
		return false
	}
	lost = s == gateway.Failed && !q.lost
	q.lost = s == gateway.Failed
	o.questions[key] = q
	return lost
}

// lost reports whether the question's code will not arrive.
func (o *open) lost(memo []byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.questions[sha256.Sum256(memo)].lost
}
