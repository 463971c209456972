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
	t.event.Foresight = s
	switch {
	case d.Later != "":
		t.event.Detail = "from " + d.From.Format("2006-01-02 15:04") + " on"
	case s.Outcome == "ask" && behind.code != nil:
		t.event.Detail = "a code came behind the password, and was not looked at"
	}
	return s.Reason, nil
}

// rehearsePassword has the directory check a password, unless it has refused the
// same one from the same device a moment ago: a device with an old one saved
// would else lock its owner out twice as fast.
func (f *Flow) rehearsePassword(t *attempt, account Account, password Secret) (Reason, error) {
	if s, err := f.repeated(t); s != nil || err != nil {
		return ReasonRepeated, err
	}
	err := f.verify(t, account, password)
	if err == nil {
		return "", nil
	}
	reason, err := f.foretold(t, err)
	if err == nil && f.RefuseRepeats {
		f.storms.remember(t, Reject{Reason: reason})
	}
	return reason, err
}

// foretold is what a refusal of the directory says; other errors pass.
func (f *Flow) foretold(t *attempt, err error) (Reason, error) {
	r, ok := errors.AsType[*Refusal](err)
	if !ok {
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
