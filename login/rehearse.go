package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Shadow says what is done with a copy of a sign-in that another server answers.
type Shadow string

const (
	// ShadowOff is for what is no copy.
	ShadowOff Shadow = ""
	// ShadowRule looks the account up, and takes the password for right.
	ShadowRule Shadow = "rule"
	// ShadowPassword has the directory check the password, too, which counts a
	// wrong one a second time.
	ShadowPassword Shadow = "password"
)

// Rehearse finds out what would become of a sign-in, and tells the audit: for a
// copy of one that another server answers. Nobody is let in or asked by it,
// nothing is sent, counted or used up, and nothing is written about the account.
//
// A code behind the password is not looked at, as that would use it up; whether
// the device is remembered is not either. The error is "could not decide".
func (f *Flow) Rehearse(ctx context.Context, a Attempt) error {
	t := f.start(ctx, a)
	t.event.Outcome = "shadow"
	reason, err := f.rehearse(t)
	if err != nil {
		t.event.Outcome, t.event.Reason, t.event.Detail = "error", ReasonUnavailable, err.Error()
		f.tell(t)
		return err
	}
	t.event.Reason = reason
	t.event.Detail = strings.Join(append(outlook(reason, t.event.Foresight), t.event.Detail), "; ")
	t.event.Detail = strings.TrimSuffix(t.event.Detail, "; ")
	f.tell(t)
	return nil
}

// rehearse goes the way of begin, as far as it leaves no trace.
func (f *Flow) rehearse(t *attempt) (Reason, error) {
	password, behind := split(t.Secret, t.Via.Append)
	text, typed := password.Reveal()
	switch {
	case !validName(t.User):
		return ReasonBadRequest, nil
	case password.Is(""):
		return ReasonEmptyPassword, nil
	case typed && !utf8.ValidString(text):
		return ReasonBadEncoding, nil
	}
	account, err := f.lookup(t, f.AccountAge)
	if err != nil {
		return f.foretold(t, err)
	}
	if account.ID == "" || len(account.ID) > maxAccountID {
		return "", errors.New("the directory gave an account no id, or too long a one: check ldap.attributes.id")
	}
	t.event.AccountID, t.event.User = account.ID, account.Name
	g, err := f.guards.load(t.ctx, account.ID)
	switch {
	case err != nil:
		return "", err
	case g.blocked(t.began):
		return ReasonBlocked, nil
	case g.locked(t.station, t.began, f.budget()):
		return ReasonLocked, nil
	}
	if _, change := t.Secret.(NTChange); change {
		// It proves a new password, which is none yet: to have it verified would
		// count as a wrong one. The permit is with the server that answers.
		return ReasonExpiredTicket, nil
	}
	if t.Via.Shadow == ShadowPassword {
		if reason, err := f.rehearsePassword(t, account, password); reason != "" || err != nil {
			return reason, err
		}
	}
	d := f.Policy.For(account, t.Via, t.began)
	t.event.Rule = d.Rule
	u, err := f.user(t, account)
	if err != nil {
		return "", err
	}
	s := f.foresight(t, u, d, cmp.Or(d.Later, d.Second))
	if t.expired != nil {
		if refused := f.rehearseChange(t, u, d, s, password); refused != nil {
			return f.rehearsed(t, refused), nil
		}
	}
	t.event.Foresight = s
	t.event.Detail = strings.Join(t.notes(d, s, behind), "; ")
	return s.Reason, nil
}

// notes are what else is to be known of how a copy would have been decided.
func (t *attempt) notes(d Decision, s *Foresight, behind appendix) (notes []string) {
	note := func(so bool, text string) {
		if so {
			notes = append(notes, text)
		}
	}
	note(t.event.Detail != "", t.event.Detail)
	note(t.expired != nil && t.Via.CanAsk, "the password has expired: then for a new one")
	note(t.expired != nil && !t.Via.CanAsk, "the password has expired: she would be told so then")
	note(d.Later != "", "from "+d.From.Format("2006-01-02 15:04")+" on")
	note(d.Later == "" && s.Outcome == "ask" && behind.code != nil, "a code came behind the password, and was not looked at")
	return notes
}

// rehearsePassword has the directory check a password, unless it has refused the
// same one from the same device a moment ago: a device with an old one saved
// would else lock its owner out twice as fast. The other server has each wrong one
// counted already, so of an account the directory is told of one for as long as it
// counts them, and no more (attack: guessing there, where it stays below the
// directory's limit, to have the copies go over it).
func (f *Flow) rehearsePassword(t *attempt, account Account, password Secret) (Reason, error) {
	if s, err := f.repeated(t); s != nil || err != nil {
		return ReasonRepeated, err
	}
	if !f.copies.reserve(account.ID, f.budget().window, t.began) {
		t.event.Detail = copyUnchecked
		return "", nil
	}
	err := f.verify(t, account, password)
	if Refused(err) != ReasonBadPassword {
		f.copies.release(account.ID)
	}
	t.expired = expiredOnly(err)
	r := refusalOf(err)
	switch {
	case t.expired != nil:
		return "", nil //nolint:nilerr // the rule decides what becomes of it
	case r == nil:
		return "", err
	}
	return f.rehearsed(t, r), nil
}

// copyUnchecked is told of a copy whose password was taken for right.
const copyUnchecked = "the password was not checked, as that of a copy was wrong a moment ago"

// rehearseChange is the refusal of an expired password that would not be changed.
func (f *Flow) rehearseChange(t *attempt, u User, d Decision, s *Foresight, password Secret) *Refusal {
	d.Second = cmp.Or(d.Later, d.Second)
	_, refused := f.changeable(t, d, f.methods(u, d), password)
	if refused == nil && s.Outcome != "ask" {
		return t.expired
	}
	return refused
}

// rehearsed is the reason of a refusal that cost the directory a look at the
// password: the same one need not be looked at again.
func (f *Flow) rehearsed(t *attempt, r *Refusal) Reason {
	t.event.Detail = r.Detail
	if f.RefuseRepeats {
		f.storms.remember(t, Reject{Reason: r.Reason})
	}
	return r.Reason
}

// foretold is what a refusal of the directory says; other errors pass.
func (f *Flow) foretold(t *attempt, err error) (Reason, error) {
	r := refusalOf(err)
	if r == nil {
		return "", err
	}
	t.event.Detail = r.Detail
	return r.Reason, nil
}

// outlook says what would have become of it, for the log and the service desk.
func outlook(reason Reason, s *Foresight) []string {
	switch {
	case s == nil || s.Outcome == "reject":
		return []string{"would be refused"}
	case s.Outcome == "accept":
		return []string{"would be let in"}
	case len(s.Methods) == 0:
		return []string{fmt.Sprintf("would be asked (%s)", reason)}
	}
	return []string{"would be asked by " + strings.Join(s.Methods, ", ")}
}
