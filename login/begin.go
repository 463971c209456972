package login

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest login name (RFC 2865, section 5.1).
const maxName = 253

// Begin takes a name and a password, with a code appended where the client
// does that. The error is "could not decide" and nothing is counted then.
func (f *Flow) Begin(ctx context.Context, a Attempt) (Step, error) {
	t := f.start(ctx, a)
	defer t.leave()
	s, err := f.begin(t)
	return f.finish(t, s, err)
}

func (f *Flow) begin(t *attempt) (Step, error) {
	if !validName(t.User) {
		return f.reject(t, ReasonBadRequest)
	}
	password, behind := split(t.Secret, t.Via.Append)
	if password.Is("") {
		// Directories take a bind without a password for an anonymous one and
		// say yes (RFC 4513, section 5.1.2); an entry may have the hash of one.
		return f.reject(t, ReasonEmptyPassword)
	}
	if text, ok := password.Reveal(); ok && !utf8.ValidString(text) {
		return f.reject(t, ReasonBadEncoding)
	}
	t.typed = true
	if s, err := f.repeated(t); s != nil {
		return s, err
	}
	account, err := f.lookup(t, f.AccountAge)
	if err != nil {
		return f.nobody(t, password, err)
	}
	if account.ID == "" || len(account.ID) > maxAccountID {
		return nil, errors.New("the directory gave an account no id, or too long a one: check ldap.attributes.id")
	}
	t.event.AccountID, t.event.User = account.ID, account.Name
	g, err := f.inTurn(t, account.ID)
	if err != nil {
		return nil, err
	}
	nobodyYet := f.names.counts(account, g)
	if nobodyYet { // it may be a password, typed into the wrong field
		t.event.AccountID, t.event.User = "", t.User
	}
	if !g.knows(t.station, t.began) {
		if limited, err := f.limited(t); err != nil || limited {
			return f.overLimit(t, err)
		}
	}
	if g, err = f.inStrangersTurn(t, account.ID, g); err != nil {
		return nil, err
	}
	switch {
	case g.blocked(t.began):
		return f.reject(t, ReasonBlocked)
	case g.locked(t.station, t.began, f.budget()), nobodyYet && f.names.locked(account.ID, t.began):
		return f.reject(t, ReasonLocked)
	}
	if nt, ok := t.Secret.(NTChange); ok {
		return f.changeByProof(t, account, nt, g)
	}
	err = f.verify(t, account, password)
	if t.expired = expiredOnly(err); err != nil && t.expired == nil {
		return f.wrongPassword(t, account, g, err)
	}
	t.event.AccountID, t.event.User = account.ID, account.Name
	if err := t.keep(account); err != nil {
		return nil, err
	}
	behind.password = password
	return f.authorize(t, account, g, behind)
}

// nobody refuses a name that no account or several have, after the same work
// as a wrong password (attack: finding out names by time).
func (f *Flow) nobody(t *attempt, password Secret, err error) (Step, error) {
	if Refused(err) == "" {
		return nil, err
	}
	if limited, err := f.limited(t); err != nil || limited {
		return f.overLimit(t, err)
	}
	f.sources.failed(t.Via, t.station, t.began)
	if _, change := t.Secret.(NTChange); change {
		return f.refuse(t, err) // as where there is no permit: nothing is verified
	}
	if verr := f.verify(t, Account{}, password); verr != nil && Refused(verr) == "" {
		return nil, verr
	}
	return f.refuse(t, err)
}

func (f *Flow) wrongPassword(t *attempt, account Account, g loaded, err error) (Step, error) {
	reason := Refused(err)
	if reason == "" {
		return nil, err
	}
	if reason == ReasonBadPassword {
		f.sources.failed(t.Via, t.station, t.began)
		if f.names.counts(account, g) {
			f.names.wrongPassword(account.ID, t.began)
			return f.refuse(t, err)
		}
		if _, gerr := f.guards.updateLoaded(t.ctx, account.ID, g, func(g *guard) bool {
			g.wrongPassword(t.station, t.began, f.budget())
			return true
		}); gerr != nil {
			return nil, gerr
		}
	}
	return f.refuse(t, err)
}

// authorize goes on behind the right password.
func (f *Flow) authorize(t *attempt, account Account, g loaded, behind appendix) (Step, error) {
	d := f.Policy.For(account, t.Via, t.began)
	t.event.Rule = d.Rule
	if t.expired != nil && !d.ChangesExpired() {
		return f.refuse(t, t.expired)
	}
	if d.Second == SecondDeny {
		return f.reject(t, ReasonPolicyDeny)
	}
	u, err := f.user(t, account)
	if err != nil {
		return nil, err
	}
	q := &question{attempt: t.id, account: account.ID}
	if d.Second == SecondNone {
		f.foresee(t, u, d)
		if s, err := f.suggest(t, u, d); s != nil || err != nil {
			return s, err
		}
		return f.accept(t, u, d, q.proof(), nil, g)
	}
	methods := f.methods(u, d)
	if t.expired != nil {
		if s, err := f.owe(t, d, methods, q, behind.password); s != nil || err != nil {
			return s, err
		}
	}
	if d.Remember > 0 && t.Via.Station == "" {
		t.event.Detail = "nothing is remembered: the client tells no Calling-Station-Id"
	}
	if d.remembers(t.Via) && t.expired == nil {
		if q.password = checkOf(u.Account, behind.password); q.password == 0 {
			t.event.Detail = "nothing is remembered: what checked the proof does not tell whether the password has changed"
		}
		if earlier, err := f.remembered(t, u, d, methods, q.password); err != nil || earlier != nil {
			return f.known(t, u, d, q.proof(), earlier, g, err)
		}
	}
	switch {
	case len(methods) == 0 && (d.Second == SecondEnrolled || d.Unenrolled == UnenrolledAllow):
		d.Reason = ReasonUnenrolledPass
		return f.accept(t, u, d, q.proof(), nil, g)
	case len(methods) == 0 && d.Unenrolled == UnenrolledEnroll:
		return f.enroll(t, u, d, q)
	case len(methods) == 0:
		t.event.Detail = cmp.Or(t.event.Detail, f.excluded(u, d))
		return f.reject(t, ReasonNotEnrolled)
	case behind.code != nil:
		return f.appended(t, u, d, methods, behind.code, g, q)
	}
	if t.expired == nil {
		if waived, err := f.emergency(t, u, methods, g); err != nil || waived != nil {
			return f.known(t, u, d, q.proof(), waived, g, err)
		}
	}
	w := &waiter{t: t, user: u, d: d.shared(), methods: methods, order: offered(methods), password: q.password, g: &g}
	if q.change != changeNone {
		w.q = q
	}
	if behind.pick != "" {
		i := picked(w.order, behind.pick)
		if i < 0 {
			return f.reject(t, ReasonMethodNotAllowed)
		}
		w.order, w.picked, w.chosen = startAt(w.order, i), true, true
	}
	if !w.canAsk() && !slices.ContainsFunc(w.order, func(m Method) bool { return f.approves(m, d) }) {
		if t.expired != nil {
			return f.refuse(t, t.expired)
		}
		return f.reject(t, ReasonCannotAsk)
	}
	return f.ask(w)
}

// appended checks a code that came behind the password.
func (f *Flow) appended(t *attempt, u User, d Decision, methods []Method, code Secret, g loaded, own *question) (Step, error) {
	q, err := f.sent(t, u, g)
	if err != nil {
		return nil, err
	}
	second, err := f.prove(t, u, methods, q, code)
	if err == nil && q != nil && second.method == factorOf(q.method) {
		if spent, err := f.spend(t, q, g); err != nil || !spent {
			return f.unspent(t, err)
		}
	}
	if err != nil {
		if Refused(err) == ReasonWrongCode {
			if _, gerr := f.countCode(t, u); gerr != nil {
				return nil, gerr
			}
		}
		return f.refuse(t, err)
	}
	return f.proven(t, u, d, methods, own, second, g)
}

// known lets in where a second factor was proven lately, or is waived.
func (f *Flow) known(t *attempt, u User, d Decision, p passwordProof, earlier *factorProof, g loaded, err error) (Step, error) {
	if err != nil {
		return nil, err
	}
	return f.accept(t, u, d, p, earlier, g)
}

// accept makes the station known and admits. By an emergency no place becomes
// known: whoever has a password would be no stranger there afterwards.
func (f *Flow) accept(t *attempt, u User, d Decision, p passwordProof, second *factorProof, g loaded) (Step, error) {
	code := second.fresh()
	if waived := second != nil && second.waived; !waived && !g.settled(t.station, t.began, code) {
		if err := f.guards.update(t.ctx, u.Account.ID, func(g *guard) {
			g.success(t.station, t.began, code)
		}); err != nil {
			return nil, err
		}
	}
	notice := ""
	switch {
	case t.notice != "":
		notice = t.notice
	case d.Remind:
		key := "remind"
		if f.equipped(u, d) {
			key = "remind_ready"
		} else {
			f.remind(t, u, d)
		}
		notice = f.Texts.Text(u.Language, key, "Date", d.From.Format(time.DateOnly), "Days", daysTo(d.From, t.began))
	}
	a, err := admit(u.Account, d, p, second, notice)
	if err != nil {
		return nil, err
	}
	a.kept, a.grant = t.kept, t.grant
	f.forgetGrant(t, u.Account.ID)
	if second != nil {
		t.event.Method = second.method
	}
	return a, nil
}

func (f *Flow) user(t *attempt, account Account) (User, error) {
	e, err := f.Enrollments.Enrollment(t.ctx, account.ID)
	if err != nil {
		return User{}, err
	}
	u := User{
		Account: account, Enrollment: e, Client: t.Via.Client,
		Language: f.Texts.Match(e.Language, account.Language),
	}
	return u, f.settle(t, &u)
}

// validName keeps out of the directory, the log and the store what is no name:
// control characters, NUL, invalid UTF-8.
func validName(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) &&
		strings.IndexFunc(name, unicode.IsControl) < 0 && strings.TrimSpace(name) != ""
}
