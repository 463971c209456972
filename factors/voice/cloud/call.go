package cloud

import (
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

// A dialogue is one call of the service in progress. Its documents are
// numbered, and each can be answered once: by a key, or by the silence after
// it.
type dialogue struct {
	call *voice.Call
	// id is the path of this call: who does not know it cannot post to it.
	id      string
	address string // of the path, as the service calls it

	heard   chan struct{} // closed at the first word of the service
	decided chan struct{} // closed when the person has answered
	over    chan error    // why the call ended, once

	mu       sync.Mutex
	sid      string // the service's name of the call
	step     int    // the newest document
	rang     bool
	answered time.Time // zero until then
	done     bool      // the person has answered: answer
	answer   error
	tired    bool // nobody answered in time, and we hung up
	closed   bool // over has been told
}

func newDialogue(call *voice.Call, base string) *dialogue {
	id := rand.Text()
	return &dialogue{
		call: call, id: id, address: base + "/" + id,
		heard: make(chan struct{}), decided: make(chan struct{}), over: make(chan error, 1),
	}
}

// first is the document that the call begins with; "" when it is too long to
// be told in the request, and is asked for at the address [dialogue.silence]
// answers.
func (d *dialogue) first() (document, address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.step
	doc := d.prompt()
	if len([]rune(doc)) <= maxTwiML {
		return doc, ""
	}
	d.step = next
	return "", d.at(next, "again")
}

// at is the address of what may follow a document.
func (d *dialogue) at(step int, what string) string {
	return fmt.Sprintf("%s/%d/%s", d.address, step, what)
}

// prompt is the next document that says the prompt.
func (d *dialogue) prompt() string {
	c := d.call
	said := say(c.Language, c.Prompt.Text)
	d.step++
	if c.Keys == nil {
		return document(said, pause(tellPause), said, hangup)
	}
	return document(gather(said, d.at(d.step, "key"), d.at(d.step, "again")))
}

// is takes the service's name of the call, and refuses another one.
func (d *dialogue) is(sid string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.sid == "" && callForm.MatchString(sid) {
		d.sid = sid
	}
	return sid != "" && d.sid == sid
}

// hear notes that the service speaks of this call.
func (d *dialogue) hear() {
	select {
	case <-d.heard:
	default:
		close(d.heard)
	}
}

// key takes a key that ended a document, and returns the next one. ok is
// false for a document that is not the newest.
func (d *dialogue) key(step int, digits string) (doc string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if step != d.step || d.done || d.call.Keys == nil {
		return "", false
	}
	d.hear()
	d.pickUp()
	if len(digits) != 1 || !strings.Contains("0123456789*#", digits) {
		return d.again(), true
	}
	decided, answer := d.call.Keys(digits[0])
	if !decided {
		// More keys may follow at once: the prompt would be in their way.
		d.step++
		wrong := ""
		if digits == "#" && d.call.Again.Text != "" {
			wrong = say(d.call.Language, d.call.Again.Text)
		}
		return document(gather(wrong, d.at(d.step, "key"), d.at(d.step, "again"))), true
	}
	d.step++
	d.done, d.answer = true, answer
	close(d.decided)
	ending := ""
	if d.call.Ending != nil {
		ending = say(d.call.Language, d.call.Ending(answer).Text)
	}
	return document(ending, hangup), true
}

// silence takes that no key came, and returns the next document.
func (d *dialogue) silence(step int) (doc string, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if step != d.step || d.done {
		return "", false
	}
	d.hear()
	d.pickUp()
	return d.again(), true
}

// again says the prompt once more, or ends a call that lasts too long.
func (d *dialogue) again() string {
	if time.Since(d.answered) < d.call.Talk {
		return d.prompt()
	}
	d.step++
	d.tired = true
	return document(hangup)
}

func (d *dialogue) pickUp() {
	d.rang = true
	if d.answered.IsZero() {
		d.answered = time.Now()
	}
}

// progress takes a state of the call. Unknown ones change nothing.
func (d *dialogue) progress(state string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hear()
	switch state {
	case "ringing":
		d.rang = true
	case "in-progress":
		d.pickUp()
	case "completed":
		d.end(d.hungUp())
	case "busy":
		// Also who presses "decline" is busy: her telephone has rung.
		d.end(&voice.Failure{Why: voice.WhyBusy, Rang: true})
	case "no-answer":
		d.end(&voice.Failure{Why: voice.WhyNoAnswer, Rang: true})
	case "failed":
		d.end(&voice.Failure{Why: voice.WhyUnreachable, Rang: d.rang})
	case "canceled":
		d.end(&voice.Failure{Why: voice.WhyStopped, Rang: d.rang})
	}
}

// hungUp is what the end of a call that was answered means.
func (d *dialogue) hungUp() error {
	switch {
	case d.call.Keys == nil:
		return nil
	case d.tired, !d.answered.IsZero() && time.Since(d.answered) >= d.call.Talk:
		return &voice.Failure{Why: voice.WhyNoKey, Rang: true}
	default:
		return login.ErrDenied
	}
}

func (d *dialogue) end(err error) {
	if d.closed {
		return
	}
	d.closed = true
	if d.done { // what the person said stands, however the call ended
		err = d.answer
	}
	d.over <- err
}

// state is what is known when the service says no more.
func (d *dialogue) state() (sid string, done bool, answer error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sid, d.done, d.answer
}
