package login

import (
	"cmp"
	"slices"
)

// A Foresight says of somebody whom a rule let in before its date what it would
// have done, for the list that "portvakt report" shows.
type Foresight struct {
	// Outcome is "accept", "ask" or "reject".
	Outcome string
	// Reason is why, for "reject" and "accept".
	Reason Reason
	// Methods are the factors she could have used, each once.
	Methods []string
}

// foresee notes what the rule of a decision would do after its date.
func (f *Flow) foresee(t *attempt, u User, d Decision) {
	if d.Later != "" {
		t.event.Foresight = f.foresight(t, u, d, d.Later)
	}
}

// foresight is what a rule does that asks for a second factor as second says.
func (f *Flow) foresight(t *attempt, u User, d Decision, second string) *Foresight {
	methods := f.methods(u, d)
	s := &Foresight{Outcome: "ask"}
	for _, m := range methods {
		if !slices.Contains(s.Methods, m.Factor) {
			s.Methods = append(s.Methods, m.Factor)
		}
	}
	// A client that cannot ask can still call, or take a code behind the
	// password.
	reached := t.Via.CanAsk || t.Via.Append != AppendOff ||
		slices.ContainsFunc(methods, func(m Method) bool { return f.approves(m, d) })
	switch {
	case second == SecondDeny:
		s.Outcome, s.Reason = "reject", ReasonPolicyDeny
	case second == SecondNone:
		s.Outcome, s.Reason = "accept", ReasonNoSecondFactor
	case len(methods) == 0 && (second == SecondEnrolled || d.Unenrolled == UnenrolledAllow):
		s.Outcome, s.Reason = "accept", ReasonUnenrolledPass
	case len(methods) == 0 && d.Unenrolled == UnenrolledEnroll:
		s.Methods = []string{"enroll"}
		if _, err := f.offers(t.Via, u, d, topicEnroll); err != nil {
			s.Outcome, s.Reason, s.Methods = "reject", Refused(err), nil
		}
	case len(methods) == 0:
		s.Outcome, s.Reason = "reject", ReasonNotEnrolled
	case !reached:
		s.Outcome, s.Reason = "reject", ReasonCannotAsk
	}
	s.Reason = cmp.Or(s.Reason, ReasonOK)
	return s
}
