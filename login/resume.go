package login

import (
	"context"
	"errors"
	"strings"
	"time"
)

// Resume takes the answer to a question. The ticket must have been given to
// the same user at the same client; it is used up by the answer, whatever it
// is.
func (f *Flow) Resume(ctx context.Context, a Attempt, ticket Ticket) (Step, error) {
	t := f.start(ctx, a)
	defer t.leave()
	s, err := f.resume(t, ticket)
	return f.finish(t, s, err)
}

func (f *Flow) resume(t *attempt, ticket Ticket) (Step, error) {
	q, err := openTicket(f.Tickets, ticket, t.User, t.Via.Client)
	if err != nil {
		return f.reject(t, ReasonBadTicket)
	}
	t.id, t.kept = q.attempt, q.kept
	t.event.AccountID = q.account
	switch {
	case q.expired(t.began):
		return f.reject(t, ReasonExpiredTicket)
	case !f.answers.begin(q.nonce):
		return f.reject(t, ReasonSpentTicket)
	}
	defer f.answers.end(q.nonce)
	account, err := f.lookup(t, accountAgeAsked)
	if err != nil {
		return f.refuse(t, err)
	}
	if account.ID != q.account {
		return f.reject(t, ReasonBadTicket)
	}
	t.event.User = account.Name
	if there, err := f.recallGrant(t, q); err != nil || !there {
		return f.without(t, err)
	}
	g, err := f.inTurn(t, account.ID)
	if err != nil {
		return nil, err
	}
	if g, err = f.inStrangersTurn(t, account.ID, g); err != nil {
		return nil, err
	}
	switch {
	case g.blocked(t.began):
		return f.reject(t, ReasonBlocked)
	case g.codesLocked(t.station, t.began):
		return f.reject(t, ReasonLocked)
	}
	// The rules are asked again: they may have changed since the question.
	d := f.Policy.For(account, t.Via, t.began)
	t.event.Rule = d.Rule
	if d.Second == SecondDeny {
		return f.reject(t, ReasonPolicyDeny)
	}
	u, err := f.user(t, account)
	if err != nil {
		return nil, err
	}
	return f.topic(q.topic)(t, u, d, q, g)
}

// answer decides what was typed: a choice of another method, or a code.
func (f *Flow) answer(t *attempt, u User, d Decision, q *question, g loaded) (Step, error) {
	methods := f.methods(u, d)
	switch {
	case q.change == changeNone:
	case !d.ChangesExpired():
		return f.reject(t, ReasonPasswordExpired)
	case q.change != changeFirst && q.change != changeAgain:
	case !stillProves(factorOf(q.method), methods):
		return f.reject(t, ReasonMethodNotAllowed)
	default:
		return f.newPassword(t, u, d, methods, q, g)
	}
	menu := offered(methods)
	if choice, ok := choose(t.Secret, menu); ok {
		if spent, err := f.spend(t, q, g); err != nil || !spent {
			return f.unspent(t, err)
		}
		next := q.fresh(t.began)
		next.issued = q.issued // what was sent is no younger for it
		if next.rounds > maxRounds {
			return f.reject(t, ReasonTooManyTries)
		}
		if choice < 0 || q.menu != menuSum(menu) {
			return f.again(t, u, menu, next, "unknown_choice")
		}
		if err := f.leaveErrand(t, q); err != nil {
			return nil, err
		}
		return f.ask(&waiter{t: t, user: u, d: d.shared(), methods: methods, order: startAt(menu, choice), q: next, g: &g, chosen: true})
	}
	if q.approval && !codeLike(t.Secret) {
		return f.pressed(t, u, d, methods, q, g)
	}

	// Two durable facts are written at the same time, so that they share one
	// commit: the ticket is spent, and the factor's code is used.
	pending, spent, err := f.startSpending(t, q, g)
	if err != nil || !spent {
		return f.unspent(t, err)
	}
	second, err := f.prove(t, u, methods, q, t.Secret)
	if spendErr := settled(t.ctx, pending); spendErr != nil {
		return nil, spendErr
	}
	if err != nil {
		return f.wrongCode(t, u, d, methods, q, g, err)
	}
	if err := f.leaveErrand(t, q); err != nil {
		return nil, err
	}
	return f.proven(t, u, d, methods, q, second, g)
}

// pressed goes on when the person says that she has answered elsewhere.
func (f *Flow) pressed(t *attempt, u User, d Decision, methods []Method, q *question, g loaded) (Step, error) {
	if spent, err := f.spend(t, q, g); err != nil || !spent {
		return f.unspent(t, err)
	}
	next := q.fresh(t.began)
	if next.rounds > maxRounds {
		return f.reject(t, ReasonTooManyTries)
	}
	t.leave()
	return f.wait(&waiter{t: t, user: u, d: d.shared(), methods: methods, order: offered(methods), q: next, g: &g, pressed: true})
}

// leaveErrand ends what is being asked elsewhere for a question: the person has
// taken another way. An approval that was given, or is given later on another
// node, admits nobody any more.
func (f *Flow) leaveErrand(t *attempt, q *question) error {
	id, _ := q.claim()
	if !q.approval || f.errands.leave(q.account, id) {
		return nil
	}
	return rewrite(t.ctx, f.Records, ClaimKey(q.account), claimRecord, func(v Value) ([]byte, error) {
		c := claimIn(v)
		if c.id != id || c.used || c.state != claimAsking && c.state != claimApproved {
			return nil, errUnchanged
		}
		c.end(claimLeft, time.Now())
		return c.encode(), nil
	})
}

// codeLike reports whether an answer is a try at a code, where all that was
// asked for is to go on. Of a proof only the empty text can be told.
func codeLike(s Secret) bool {
	if text, ok := s.Reveal(); ok {
		return plausibleCode(strings.TrimSpace(text))
	}
	return !s.Is("")
}

func (f *Flow) spend(t *attempt, q *question, g loaded) (bool, error) {
	pending, spent, err := f.startSpending(t, q, g)
	if err == nil {
		err = settled(t.ctx, pending)
	}
	return spent && err == nil, err
}

func (f *Flow) startSpending(t *attempt, q *question, g loaded) (Pending, bool, error) {
	return f.guards.startLoaded(t.ctx, q.account, g, func(g *guard) bool { return g.spend(q.nonce, q.issued, t.station, t.began) })
}

func (f *Flow) unspent(t *attempt, err error) (Step, error) {
	if err != nil {
		return nil, err
	}
	return f.reject(t, ReasonSpentTicket)
}

// wrongCode counts a wrong answer and asks again while the dialogue and the
// account have tries left.
func (f *Flow) wrongCode(t *attempt, u User, d Decision, methods []Method, q *question, g loaded, err error) (Step, error) {
	reason := Refused(err)
	if reason == "" {
		return nil, err
	}
	locked := false
	// A code used twice is no guess, nor is the plain "enter" of somebody to
	// whom nothing has come.
	guess := reason != ReasonUsedCode && (reason != ReasonNotDelivered || !nothing(t.Secret))
	if guess {
		var gerr error
		if locked, gerr = f.countCode(t, u); gerr != nil {
			return nil, gerr
		}
	}
	next := q.fresh(t.began)
	if guess || reason == ReasonUsedCode {
		next.tries++
	}
	switch {
	case locked:
		return f.reject(t, ReasonLocked)
	case next.tries >= maxTries || next.rounds > maxRounds:
		return f.reject(t, ReasonTooManyTries)
	}
	t.event.Reason = reason
	menu := offered(methods)
	if rest := elsewhere(menu, q.method); reason == ReasonNotDelivered && len(rest) > 0 {
		return f.ask(&waiter{t: t, user: u, d: d.shared(), methods: methods, order: rest, q: next, g: &g, chosen: true, say: "not_delivered"})
	}
	// A code that was sent stays valid as long as it was: a wrong answer does
	// not make it younger.
	next.issued = q.issued
	say := "wrong_code"
	switch reason {
	case ReasonUsedCode:
		say = "used_code"
	case ReasonNotDelivered:
		say = "not_delivered"
	default:
	}
	return f.again(t, u, menu, next, say)
}

// nothing reports whether the answer is a plain "enter".
func nothing(answer Secret) bool {
	text, ok := answer.Reveal()
	return ok && strings.TrimSpace(text) == "" || answer.Is("")
}

// countCode counts a wrong code and reports whether the account is locked now.
func (f *Flow) countCode(t *attempt, u User) (locked bool, err error) {
	err = f.guards.update(t.ctx, u.Account.ID, func(g *guard) {
		g.wrongCode(t.station, t.began)
		locked = g.codesLocked(t.station, t.began)
	})
	return locked, err
}

// prove tries the answer against the method asked, and then against every
// standing method: a person types the code she has. q is nil when the code came
// behind the password. The error is a Refusal when the answer proves nothing.
// When some methods say no and another cannot decide, nothing is decided, and
// the guess at the first ones counts all the same: a token whose record is
// damaged would else be a way to try any number of the person's other codes.
func (f *Flow) prove(t *attempt, u User, methods []Method, q *question, answer Secret) (*factorProof, error) {
	var failed error
	var refusal *Refusal
	guessed := false
	try := func(m Method, memo []byte) bool {
		p, ok := f.factor(m.Factor).(Prompter)
		if !ok {
			return false
		}
		err := p.Check(t.ctx, u, m, memo, answer)
		if err == nil {
			return true
		}
		var r *Refusal
		if !errors.As(err, &r) {
			failed = err
			return false
		}
		guessed = guessed || r.Reason == ReasonWrongCode || r.Reason == ReasonNotDelivered
		if r.Reason == ReasonUsedCode || r.Reason == ReasonNotDelivered && refusal == nil {
			refusal = r
		}
		return false
	}
	asked := ""
	if q != nil && !q.approval {
		asked = q.method
		for _, m := range methods {
			if m.ID == asked && try(m, q.memo) {
				return &factorProof{account: u.Account.ID, method: m.Factor}, nil
			}
		}
	}
	for _, m := range methods {
		if m.Standing && m.ID != asked && try(m, nil) {
			return &factorProof{account: u.Account.ID, method: m.Factor}, nil
		}
	}
	if failed != nil && guessed {
		_, err := f.countCode(t, u)
		return nil, errors.Join(failed, err)
	}
	switch {
	case failed != nil:
		return nil, failed
	case refusal == nil:
		refusal = &Refusal{Reason: ReasonWrongCode}
	}
	return nil, refusal
}
