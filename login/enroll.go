package login

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

const (
	// maxText is the room of one Reply-Message (RFC 2865, section 5.18): clients
	// exist that show only the first.
	maxText = 253
	// keyRoom is what the longest question with a key takes, without the
	// choices: a key that is cut off is of no use.
	keyRoom = 240
)

// room is how long a question may be that is read to its end.
func (v Via) room() int {
	if v.Room > 0 && v.Room < maxText {
		return int(v.Room)
	}
	return maxText
}

// enroll begins the enrollment of somebody who needs a second factor and has
// none.
func (f *Flow) enroll(t *attempt, u User, d Decision, q *question) (Step, error) {
	offers, err := f.newcomers(t, u, d, topicEnroll)
	if err != nil {
		return f.unwelcome(t, u, err)
	}
	next := q.fresh(t.began)
	next.topic = topicEnroll
	return f.offer(t, u, d, offers, next, "")
}

// suggest offers an enrollment to somebody who needs a second factor soon and
// has none; a nil Step when there is nothing to offer.
func (f *Flow) suggest(t *attempt, u User, d Decision) (Step, error) {
	if !d.Suggest || len(f.methods(u, d)) > 0 {
		return nil, nil //nolint:nilnil // nothing is no error
	}
	offers, err := f.newcomers(t, u, d, topicEarly)
	if Refused(err) != "" {
		return nil, nil //nolint:nilnil // see above
	}
	if err != nil {
		return nil, err
	}
	next := (&question{attempt: t.id, account: u.Account.ID}).fresh(t.began)
	next.topic = topicEarly
	return f.offer(t, u, d, offers, next, "")
}

// unwelcome refuses an enrollment. Only that she must wait is told: she has done
// her part.
func (f *Flow) unwelcome(t *attempt, u User, err error) (Step, error) {
	var r *Refusal
	if !errors.As(err, &r) || r.Reason != ReasonEnrollWaits {
		return f.refuse(t, err)
	}
	t.event.Detail = r.Detail
	return Reject{Reason: r.Reason, Text: f.Texts.Text(u.Language, "enroll_waits") + " [" + reference(t.id) + "]"}, nil
}

// enrolling takes an answer of an enrollment: a choice of what to enroll, its
// code, or "enter" where she may go on without.
func (f *Flow) enrolling(t *attempt, u User, d Decision, q *question, g loaded) (Step, error) {
	if q.topic == topicEarly && d.Second != SecondNone {
		q.topic = topicEnroll // the date has come meanwhile
	}
	methods := f.methods(u, d)
	if q.topic == topicSecond && (len(methods) == 0 || d.Unenrolled != UnenrolledEnroll) {
		// The rules have changed, or another is for where the answer comes from:
		// what was enrolled may be no proof under it.
		return f.reject(t, ReasonMethodNotAllowed)
	}
	if q.topic != topicSecond && len(methods) > 0 {
		return f.reject(t, ReasonEnrolledNow) // in another dialogue, which may be another's
	}
	if spent, err := f.spend(t, q, g); err != nil || !spent {
		return f.unspent(t, err)
	}
	if q.optional(d) && nothing(t.Secret) {
		return f.enrolled(t, u, d, q, g)
	}
	offers, err := f.newcomers(t, u, d, q.topic)
	if err != nil {
		return f.unwelcome(t, u, err)
	}
	next := q.fresh(t.began)
	switch over := next.rounds > maxRounds; {
	case over && !q.optional(d):
		return f.reject(t, ReasonTooManyTries)
	case over:
		return f.enrolled(t, u, d, q, g)
	}
	choice, chosen := choose(t.Secret, offers)
	switch {
	case chosen && choice >= 0 && q.menu == menuSum(offers):
		return f.propose(t, u, d, offers, choice, next)
	case chosen || q.method == "":
		return f.offer(t, u, d, offers, next, "unknown_choice")
	}
	for _, m := range offers {
		if m.ID == q.method {
			return f.confirm(t, u, d, q, g, m)
		}
	}
	return f.reject(t, ReasonMethodNotAllowed)
}

// propose sends the code of what was chosen, or makes its secret, and asks for
// the first code.
func (f *Flow) propose(t *attempt, u User, d Decision, offers []Method, choice int, next *question) (Step, error) {
	m := offers[choice]
	p, ok := f.factor(m.Factor).(Enroller)
	if !ok {
		return f.reject(t, ReasonMethodNotAllowed)
	}
	var before []byte
	if next.method == m.ID {
		before = next.memo
	}
	t.leave() // a gateway may be slow, and nothing is guessed any more
	memo, err := p.Propose(t.ctx, u, m, before)
	if err != nil {
		t.event.Detail = err.Error()
		next.method, next.memo = "", nil
		return f.offer(t, u, d, offers, next, "not_sent")
	}
	next.method, next.memo = m.ID, memo
	return f.offer(t, u, d, offers, next, "")
}

// confirm takes the first code of what she enrolls, and keeps it. The one who
// is first keeps something: two dialogues of one account cannot both.
func (f *Flow) confirm(t *attempt, u User, d Decision, q *question, g loaded, m Method) (Step, error) {
	p, ok := f.factor(m.Factor).(Enroller)
	if !ok {
		return f.reject(t, ReasonMethodNotAllowed)
	}
	c, err := p.Enroll(t.ctx, u, m, q.memo, t.Secret)
	if err != nil {
		return f.misconfirmed(t, u, d, q, g, m, err)
	}
	if q.topic != topicSecond && !d.enrollable(m.Factor) {
		return f.reached(t, u, d, q)
	}
	if d.Enroll.Approval != "" && q.topic != topicSecond {
		if err := f.await(t, u.Account, d, c); errors.Is(err, ErrConflict) {
			return f.reject(t, ReasonEnrolledNow)
		} else if err != nil {
			return nil, err
		}
		f.tellEnrolled(t, m, ReasonEnrollWaits)
		if q.optional(d) {
			return f.enrolled(t, u, d, q, g)
		}
		return f.unwelcome(t, u, &Refusal{Reason: ReasonEnrollWaits, Detail: "for one of " + d.Enroll.Approval})
	}
	err = f.Enrollments.Add(t.ctx, u.Account, u.Enrollment.Rev, c)
	if errors.Is(err, ErrConflict) {
		return f.reject(t, ReasonEnrolledNow)
	}
	if err != nil {
		return nil, err
	}
	f.tellEnrolled(t, m, ReasonOK)
	if u.Enrollment, err = f.Enrollments.Enrollment(t.ctx, u.Account.ID); err != nil {
		return nil, err
	}
	done := *q
	done.topic = topicSecond
	offers, err := f.offers(t.Via, u, d, topicSecond)
	if q.topic == topicSecond || d.Enroll.Approval != "" || err != nil && Refused(err) != "" {
		return f.enrolled(t, u, d, &done, g)
	}
	if err != nil {
		return nil, err
	}
	return f.offer(t, u, d, offers, done.anew(t.began), "")
}

// reached goes on when somebody has proven that a telephone of hers is hers,
// where the rule takes none: it is not kept.
func (f *Flow) reached(t *attempt, u User, d Decision, q *question) (Step, error) {
	done := *q
	done.topic = topicReached
	offers, err := f.newcomers(t, u, d, done.topic)
	if err != nil {
		return f.unwelcome(t, u, err)
	}
	return f.offer(t, u, d, offers, done.anew(t.began), "")
}

// anew is the question in which something is chosen again.
func (q *question) anew(now time.Time) *question {
	next := q.fresh(now)
	next.method, next.memo, next.tries, next.rounds = "", nil, 0, 0
	return next
}

// misconfirmed counts a first code that was wrong and asks again.
func (f *Flow) misconfirmed(t *attempt, u User, d Decision, q *question, g loaded, m Method, err error) (Step, error) {
	reason := Refused(err)
	if reason == "" {
		return nil, err
	}
	next := q.fresh(t.began)
	next.tries++
	if !m.Standing { // of a secret that she was just shown nothing is guessed
		next.issued = q.issued // a code does not get younger by a wrong answer
		locked, err := f.countCode(t, u)
		if err != nil {
			return nil, err
		}
		if locked {
			return f.reject(t, ReasonLocked)
		}
	}
	switch over := next.tries >= maxTries || next.rounds > maxRounds; {
	case over && !q.optional(d):
		return f.reject(t, ReasonTooManyTries)
	case over: // she may be let in without
		return f.enrolled(t, u, d, q, g)
	}
	offers, err := f.newcomers(t, u, d, q.topic)
	if err != nil {
		return f.unwelcome(t, u, err)
	}
	t.event.Reason = reason
	say := "wrong_code"
	if reason == ReasonNotDelivered {
		say = "not_delivered"
	}
	return f.offer(t, u, d, offers, next, say)
}

// enrolled lets in at the end of an enrollment, or without one where she may.
func (f *Flow) enrolled(t *attempt, u User, d Decision, q *question, g loaded) (Step, error) {
	proof := q.proof()
	if q.early(d) {
		return f.accept(t, u, d, proof, nil, g)
	}
	methods := f.methods(u, d)
	if len(methods) == 0 {
		return f.reject(t, ReasonMethodNotAllowed)
	}
	if err := f.remember(t, u, d, methods, q); err != nil {
		return nil, err
	}
	return f.accept(t, u, d, proof, &factorProof{account: u.Account.ID, method: methods[0].Factor}, g)
}

// offer puts the question of an enrollment.
func (f *Flow) offer(t *attempt, u User, d Decision, offers []Method, q *question, say string) (Step, error) {
	if t.event.Reason == "" {
		t.event.Reason = ReasonEnrolling
	}
	return f.put(t, offers, q, f.enrollText(t, u, d, offers, q, say))
}

// enrollText is the text of a question, which names as many of the offers as
// fit. The others can be chosen all the same.
func (f *Flow) enrollText(t *attempt, u User, d Decision, offers []Method, q *question, say string) string {
	for n := len(offers); ; n-- {
		text := f.enrollTextOf(t, u, d, offers, q, n)
		if say != "" {
			text = f.Texts.Text(u.Language, say) + " " + text
		}
		if len(text) <= t.Via.room() || n == 0 {
			return text
		}
	}
}

func (f *Flow) enrollTextOf(t *attempt, u User, d Decision, offers []Method, q *question, n int) string {
	tx := func(key string, args ...string) string { return f.Texts.Text(u.Language, key, args...) }
	if q.method != "" {
		asked := f.question(u, offers, q, "", n)
		if p, ok := f.factor(factorOf(q.method)).(Enroller); ok {
			if secret := p.Show(q.memo); secret != "" {
				asked = tx("enroll_secret", "Secret", secret) + " " + asked
			}
		}
		return asked
	}
	named := make([]string, n)
	for i, m := range offers[:n] {
		named[i] = f.choice(u, m, strconv.Itoa(i+1))
	}
	choices := strings.Join(named, ", ")
	switch {
	case q.topic == topicSecond:
		return tx("enroll_second", "Choices", choices)
	case q.early(d):
		return tx("enroll_early", "Choices", choices, "Date", d.From.Format(time.DateOnly), "Days", daysTo(d.From, t.began))
	}
	return tx("enroll_first", "Choices", choices)
}

// tellEnrolled tells the audit that somebody has enrolled something.
func (f *Flow) tellEnrolled(t *attempt, m Method, r Reason) {
	end := t.event // of the attempt, which is told by itself
	t.event.Outcome, t.event.Reason, t.event.Method = "enrolled", r, m.Factor
	f.tell(t)
	t.event = end
}
