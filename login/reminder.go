package login

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// A Notifier is a Factor that can also tell a person something she need not
// answer.
type Notifier interface {
	Factor
	// Notify sends a message to the first of her telephones or mailboxes, and
	// returns when it has been handed over, or cannot be. A [*Refusal] means
	// that it may not be now (a cap, no address), and nothing was sent. It keeps
	// enough of its caps free for codes.
	Notify(ctx context.Context, u User, n Notice) error
}

// A Notice is what a Notifier sends. Subject is for what has one.
type Notice struct{ Subject, Text string }

const (
	defaultRemindEvery = 7 * 24 * time.Hour
	minRemindEvery     = 24 * time.Hour
	maxRemindEvery     = 90 * 24 * time.Hour
	// remindAgain is when somebody is tried again to whom nothing could be sent.
	remindAgain = time.Hour
	// maxReminders are sent at one time; who comes meanwhile is reminded at
	// another sign-in.
	maxReminders = 32
	remindWithin = time.Minute
)

// ReminderKey is the key of the record of when an account may be reminded again.
func ReminderKey(accountID string) string { return "reminded/" + accountID }

const reminderVersion = 1

func encodeReminder(again time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{reminderVersion}, uint64(again.Unix())) //nolint:gosec // the bits of the time, read back below
}

// decodeReminder returns the zero time for what cannot be read: it is written
// anew then.
func decodeReminder(b []byte) time.Time {
	if len(b) != 9 || b[0] != reminderVersion {
		return time.Time{}
	}
	return time.Unix(readTime(b[1:]), 0)
}

// equipped says whether somebody has anything that the rule will ask for.
func (f *Flow) equipped(u User, d Decision) bool {
	return slices.ContainsFunc(f.methods(u, d), func(m Method) bool { return !m.Quiet })
}

// remind sends somebody who has nothing that the rule will ask for a message,
// when the rule says so and she has had none lately. Her sign-in does not wait
// for it and does not fail by it.
func (f *Flow) remind(t *attempt, u User, d Decision) {
	if len(d.RemindBy) == 0 {
		return
	}
	select {
	case f.reminders <- struct{}{}:
	default:
		return
	}
	r := &reminder{flow: f, user: u, d: d, via: t.Via}
	f.asking.Add(1) // what it sends by is not closed meanwhile
	if !f.errands.background(chore{do: r.run}) {
		f.asking.Done()
		<-f.reminders
	}
}

// A reminder is one message on its way.
type reminder struct {
	flow *Flow
	user User
	d    Decision
	via  Via
}

func (r *reminder) run(ctx context.Context) {
	f := r.flow
	defer f.asking.Done()
	defer func() { <-f.reminders }()
	defer func() {
		if v := recover(); v != nil { // its value may hold a number
			r.tell("", ReasonUnavailable, fmt.Sprintf("panic with a %T\n%s", v, debug.Stack()))
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, remindWithin)
	defer cancel()
	now := time.Now()
	due, rev, err := r.due(ctx, now)
	if err != nil || !due {
		r.failed(err)
		return
	}
	// Before anything is sent: a message that is sent again at each sign-in,
	// since the store cannot be written, would cost without end.
	err = f.Records.Swap(ctx, ReminderKey(r.user.Account.ID), rev, encodeReminder(now.Add(r.d.RemindEvery)))
	if err != nil {
		if !errors.Is(err, ErrConflict) { // else another server sends it
			r.failed(err)
		}
		return
	}
	if !r.send(ctx) {
		r.failed(r.again(ctx, now.Add(remindAgain)))
	}
}

// due reports whether she may be reminded. A time that is too far in the future
// was told by a wrong clock.
func (r *reminder) due(ctx context.Context, now time.Time) (bool, uint64, error) {
	v, err := read(ctx, r.flow.Records, ReminderKey(r.user.Account.ID), "reminder")
	if err != nil || v.Rev == 0 {
		return err == nil, 0, err
	}
	again := decodeReminder(v.Data)
	return !now.Before(again) || again.Sub(now) > maxRemindEvery, v.Rev, nil
}

// again lets her be reminded earlier: nothing was sent.
func (r *reminder) again(ctx context.Context, at time.Time) error {
	key := ReminderKey(r.user.Account.ID)
	v, err := r.flow.Records.Get(ctx, key)
	if err == nil {
		err = r.flow.Records.Swap(ctx, key, v.Rev, encodeReminder(at))
	}
	return err
}

// send sends by the first way that works, and reports whether anything may have
// been sent.
func (r *reminder) send(ctx context.Context) bool {
	tx := func(key string) string {
		return r.flow.Texts.Text(r.user.Language, key, "Date", r.d.From.Format(time.DateOnly), "Service", r.user.Client)
	}
	n := Notice{Subject: tx("remind_subject"), Text: tx("remind_message")}
	for _, name := range r.d.RemindBy {
		by, ok := r.flow.factor(name).(Notifier)
		if !ok {
			continue
		}
		err := by.Notify(ctx, r.user, n)
		reason := Refused(err)
		switch {
		case err == nil:
			r.tell(name, ReasonOK, "")
			return true
		case reason == "":
			r.tell(name, ReasonUnavailable, err.Error())
			return true // nobody knows whether it was sent
		default:
			r.tell(name, reason, err.Error())
		}
	}
	return false
}

func (r *reminder) failed(err error) {
	if err != nil {
		r.tell("", ReasonUnavailable, err.Error())
	}
}

// tell tells the log of what became of it, as an attempt of its own.
func (r *reminder) tell(method string, reason Reason, detail string) {
	f := r.flow
	if f.Audit == nil {
		return
	}
	var id [5]byte
	rand.Read(id[:])
	f.Audit(Event{
		Time: time.Now(), Attempt: reference(id), Outcome: "reminded", Reason: reason, Detail: detail, Method: method,
		User: r.user.Account.Name, AccountID: r.user.Account.ID, Client: r.via.Client, Station: r.via.Station, Rule: r.d.Rule,
	})
}
