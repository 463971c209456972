package login

import (
	"crypto/rand"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// A password that was right and has expired is changed in the dialogue where
// the rule says so: the second factor first, then the new password, typed
// twice. Nothing of it is an Accept before the directory has taken the new one
// and says yes to it: [admit] refuses the proof of an expired password.

// A changeStage is how far the change of an expired password has come.
type changeStage byte

const (
	changeNone  changeStage = iota // the password is as it should be
	changeOwed                     // a second factor is to be proven first
	changeFirst                    // it was: the new password is asked for
	changeAgain                    // and asked for once more
	changeApart                    // it will come in a request of its own
)

// maxNewPasswords ends a dialogue in which none is found that the directory
// takes.
const maxNewPasswords = 5

// expiredOnly is the refusal of a password that is right and may not be used
// any more; nil for everything else.
func expiredOnly(err error) *Refusal {
	if r := refusalOf(err); r != nil && (r.Reason == ReasonPasswordExpired || r.Reason == ReasonMustChange) {
		return r
	}
	return nil
}

// ChangesExpired reports whether people whom the rule is for may change an expired
// password. Who proves no second factor never may: whoever knows a password
// that leaked years ago could set a new one.
func (d *Decision) ChangesExpired() bool {
	return d.ExpiredPassword == ExpiredChange && (d.Second == SecondRequired || d.Second == SecondEnrolled)
}

// changeable is how an expired password can be changed behind one of the methods,
// or why it cannot.
func (f *Flow) changeable(t *attempt, d Decision, methods []Method, password Secret) (changeStage, *Refusal) {
	text, revealed := password.Reveal()
	_, able := f.Directory.(Changer)
	switch apart := f.changesProofs(password); {
	case !d.ChangesExpired() || len(methods) == 0:
		return changeNone, t.expired
	case apart && t.Via.Station == "":
		return changeNone, &Refusal{
			Reason: ReasonCannotAsk,
			Detail: "an expired password is not changed by MS-CHAPv2 where the client tells no Calling-Station-Id",
		}
	case apart:
		return changeApart, nil
	case !able || !revealed || len(text) > maxChangeable:
		return changeNone, t.expired
	}
	return changeOwed, nil
}

// owe begins the change of an expired password, or refuses as the directory did.
func (f *Flow) owe(t *attempt, d Decision, methods []Method, q *question, password Secret) (Step, error) {
	stage, refused := f.changeable(t, d, methods, password)
	if refused != nil {
		return f.refuse(t, refused)
	}
	t.event.Detail, q.change = t.expired.Detail, stage
	if stage == changeApart || !t.Via.CanAsk {
		return nil, nil //nolint:nilnil // the dialogue goes on, and is told at its end
	}
	text, _ := password.Reveal()
	rand.Read(q.key[:])
	return nil, f.keepChange(t.ctx, q, passwords{old: Cleartext(text), until: t.began.Add(changeFor).Unix()}, t.station, t.began)
}

// proof is what the dialogue of the question knows of the password.
func (q *question) proof() passwordProof {
	return passwordProof{account: q.account, expired: q.change != changeNone}
}

// stillProves reports whether a factor that was proven for a change would be
// asked for now: the rule may have changed since, or what proved it was taken off
// the account (attack: a stolen telephone that is reported between the rounds).
// Codes for when nothing else is at hand may have been the last.
func stillProves(factor string, methods []Method) bool {
	return factor == "recovery" || factor == "bypass" || slices.ContainsFunc(methods, func(m Method) bool { return m.Factor == factor })
}

// proven goes on behind a second factor that was proven just now, in the
// dialogue of q.
func (f *Flow) proven(t *attempt, u User, d Decision, methods []Method, q *question, second *factorProof, g loaded) (Step, error) {
	switch {
	case q.change == changeNone:
		if err := f.remember(t, u, d, methods, q); err != nil {
			return nil, err
		}
		return f.accept(t, u, d, q.proof(), second, g)
	case q.change == changeApart:
		return f.permit(t, u, second)
	case !t.Via.CanAsk:
		// Who has proven both may know what keeps her out.
		t.event.Method = second.method
		text := f.Texts.Text(u.Language, "expired_elsewhere") + " [" + reference(t.id) + "]"
		return Reject{Reason: ReasonPasswordExpired, Text: text}, nil
	}
	next := q.fresh(time.Now())
	next.change, next.method, next.memo, next.approval = changeFirst, second.method, nil, false
	next.tries, next.rounds = 0, 0
	t.event.Reason = ReasonPasswordExpired
	return f.askNew(t, u, next, "")
}

// askNew puts the question for a new password, or for the same once more.
func (f *Flow) askNew(t *attempt, u User, q *question, say string) (Step, error) {
	text := f.Texts.Text(u.Language, "new_again")
	if q.change == changeFirst {
		text = f.Texts.Text(u.Language, "new_password")
		if rules := f.rulesText(t, u); rules != "" {
			text += " (" + rules + ")"
		}
	}
	text = f.Texts.Text(u.Language, "plain", "Ask", text)
	if say != "" {
		text = f.Texts.Text(u.Language, say) + " " + text
	}
	return f.put(t, nil, q, text)
}

// rulesText tells the rules of the directory, as far as they can be read: it
// refuses by them anyway.
func (f *Flow) rulesText(t *attempt, u User) string {
	c, ok := f.Directory.(Changer)
	if !ok {
		return ""
	}
	rules, err := c.PasswordRules(t.ctx, u.Account)
	if err != nil {
		t.event.Detail = "the rules for passwords cannot be read: " + err.Error()
		return ""
	}
	var told []string
	for _, rule := range []struct {
		key   string
		count int
	}{{"rule_length", rules.MinLength}, {"rule_classes", rules.Classes}, {"rule_history", rules.History}} {
		if rule.count > 0 {
			told = append(told, f.Texts.Text(u.Language, rule.key, "Count", strconv.Itoa(rule.count)))
		}
	}
	return strings.Join(told, ", ")
}

// newPassword takes the answer to a question for a new password.
func (f *Flow) newPassword(t *attempt, u User, d Decision, methods []Method, q *question, g loaded) (Step, error) {
	if spent, err := f.spend(t, q, g); err != nil || !spent {
		return f.unspent(t, err)
	}
	p, found, err := f.keptPasswords(t.ctx, q, t.began)
	if err != nil {
		return nil, err
	}
	text, revealed := t.Secret.Reveal()
	switch {
	case !found:
		t.event.Detail = "the change has taken too long, or later ones have taken its place"
		return f.reject(t, ReasonExpiredTicket)
	case !revealed:
		return f.reject(t, ReasonCannotAsk)
	}
	next := q.fresh(t.began)
	switch {
	case q.change == changeAgain && !t.Secret.Is(string(p.fresh)):
		return f.anotherNew(t, u, next, &Refusal{Reason: ReasonNewDiffer})
	case q.change == changeAgain:
		return f.change(t, u, d, methods, next, p, g)
	}
	if r := unfit(text, p.old); r != nil {
		return f.anotherNew(t, u, next, r)
	}
	p.fresh = Cleartext(text)
	if err := f.keepChange(t.ctx, q, p, t.station, t.began); err != nil {
		return nil, err
	}
	next.change = changeAgain
	t.event.Reason = ReasonPasswordExpired
	return f.askNew(t, u, next, "")
}

// unfit refuses what need not be shown to any directory.
func unfit(text string, old Cleartext) *Refusal {
	switch {
	case text == "", len(text) > maxChangeable:
		return &Refusal{Reason: ReasonNewRefused, Detail: "empty or too long"}
	case !utf8.ValidString(text), strings.ContainsFunc(text, unicode.IsControl):
		return &Refusal{Reason: ReasonNewRefused, Detail: "not UTF-8, or with control characters"}
	case old.Is(text):
		return &Refusal{Reason: ReasonNewUsed, Detail: "the old one"}
	}
	return nil
}

// anotherNew asks for another new password, a few times.
func (f *Flow) anotherNew(t *attempt, u User, next *question, r *Refusal) (Step, error) {
	t.event.Detail = r.Detail
	if next.tries++; next.tries >= maxNewPasswords {
		if err := f.dropChange(t.ctx, next, t.began); err != nil {
			return nil, err
		}
		return f.reject(t, ReasonTooManyTries)
	}
	next.change = changeFirst
	t.event.Reason = r.Reason
	return f.askNew(t, u, next, newRefused[r.Reason])
}

// change has the directory change the password, and lets in when it says yes to
// the new one.
func (f *Flow) change(t *attempt, u User, d Decision, methods []Method, next *question, p passwords, g loaded) (Step, error) {
	c, ok := f.Directory.(Changer)
	if !ok {
		return f.reject(t, ReasonPasswordExpired)
	}
	began := time.Now()
	err := c.ChangePassword(t.ctx, u.Account, p.old, p.fresh)
	t.event.Directory += time.Since(began)
	switch r := refusalOf(err); {
	case err == nil:
	case r == nil:
		return nil, err
	case newRefused[r.Reason] != "":
		return f.anotherNew(t, u, next, r)
	default:
		if err := f.dropChange(t.ctx, next, t.began); err != nil {
			return nil, err
		}
		return f.refuse(t, err)
	}
	if err := f.changed(t, next); err != nil {
		return nil, err
	}
	if err := f.verify(t, u.Account, p.fresh); err != nil {
		return f.refuse(t, err)
	}
	t.typed = true // what was refused of this password before is forgotten
	next.change, next.password = changeNone, f.checkOfNew(t, u.Account, d, p.fresh)
	second := &factorProof{account: u.Account.ID, method: factorOf(next.method)}
	return f.proven(t, u, d, methods, next, second, g)
}

// checkOfNew is checkOf of a password that was set just now: when, the account
// does not say that was read before. Where it cannot be read the device is asked
// again, and nothing else comes of it: she has proven all.
func (f *Flow) checkOfNew(t *attempt, a Account, d Decision, fresh Secret) uint16 {
	if !d.remembers(t.Via) {
		return 0
	}
	now, err := f.lookup(t, 0)
	if err != nil || now.ID != a.ID {
		t.event.Detail = "nothing is remembered: the account could not be read behind the change of its password"
		return 0
	}
	return checkOf(now, fresh)
}

// changed ends what the old password has begun.
func (f *Flow) changed(t *attempt, q *question) error {
	f.tellChanged(t, q)
	if err := f.dropAll(t.ctx, changes, q.account); err != nil {
		return err
	}
	return ForgetDevices(t.ctx, f.Records, q.account, 0)
}

// tellChanged tells the audit that a password was changed, whatever becomes of
// the sign-in.
func (f *Flow) tellChanged(t *attempt, q *question) {
	if f.Audit == nil {
		return
	}
	e := t.event
	e.Outcome, e.Reason, e.Method = "changed", ReasonPasswordChanged, factorOf(q.method)
	f.Audit(t.told(e))
}
