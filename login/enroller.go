package login

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
)

// An Enroller is a [Prompter] that a person can enroll by herself, where she
// logs in and once her password was right.
type Enroller interface {
	Prompter
	// Enrollable are the ways she could enroll now: an app, her telephones in
	// the directory. While a rule lets people enroll, those among her Methods
	// count only once they were confirmed. A Standing one needs no message. It
	// does no I/O.
	Enrollable(u User) []Method
	// Propose gets one ready to be confirmed: a code is sent, a secret is made.
	// The memo comes back with Enroll, and is nowhere but in the sealed ticket
	// meanwhile; at most [MaxMemo] octets. before is the memo of the same method
	// when it was proposed a moment ago, else nil. Errors are as those of
	// Prompt.
	Propose(ctx context.Context, u User, m Method, before []byte) (memo []byte, err error)
	// Show is what the person types into her app, from the memo; empty for
	// nothing.
	Show(memo []byte) string
	// Enroll decides whether the answer confirms the method, as Check does, and
	// returns what is to be kept when it does.
	Enroll(ctx context.Context, u User, m Method, memo []byte, answer Secret) (Credential, error)
}

// confirmed are the methods of a factor that count under a decision: where
// people enroll by themselves, not what only stands in the directory.
func confirmed(p Factor, u User, d Decision) []Method {
	ms := p.Methods(u)
	e, ok := p.(Enroller)
	if !ok || d.Unenrolled != UnenrolledEnroll {
		return ms
	}
	open := e.Enrollable(u)
	return slices.DeleteFunc(ms, func(m Method) bool {
		return slices.ContainsFunc(open, func(o Method) bool { return o.ID == m.ID })
	})
}

// enrollable are the ways the user can enroll under a decision, at most
// [maxOffered]: the first of each factor, and then the others.
func (f *Flow) enrollable(u User, d Decision) []Method {
	type place struct {
		m  Method
		at int
	}
	var all []place
	names := d.Factors
	if len(names) == 0 {
		for _, p := range f.Factors {
			names = append(names, p.Name())
		}
	}
	for _, name := range names {
		if p, ok := f.factor(name).(Enroller); ok && d.enrollable(name) {
			for i, m := range p.Enrollable(u) {
				all = append(all, place{m, i})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b place) int { return cmp.Compare(a.at, b.at) })
	var ms []Method
	for _, p := range all[:min(len(all), maxOffered)] {
		ms = append(ms, p.m)
	}
	return ms
}

// offers are what somebody may enroll here and now. The error is a [*Refusal]
// when it is nothing.
func (f *Flow) offers(v Via, u User, d Decision, of topic) ([]Method, error) {
	inside := func(n netip.Prefix) bool { return n.Contains(v.Address.Unmap()) }
	ms := slices.DeleteFunc(f.enrollable(u, d), func(m Method) bool { return m.Standing && v.room() < keyRoom })
	switch from := d.Enroll.EnrollFrom; {
	case !v.CanAsk:
		return nil, &Refusal{Reason: ReasonNotEnrolled, Detail: "the client cannot show the questions of an enrollment"}
	case len(from) > 0 && !v.Address.IsValid():
		return nil, &Refusal{Reason: ReasonEnrollElsewhere, Detail: "the client did not tell the device's address"}
	case len(from) > 0 && !slices.ContainsFunc(from, inside):
		return nil, &Refusal{Reason: ReasonEnrollElsewhere, Detail: "the device's address is not in enroll_from"}
	case len(ms) == 0:
		return nil, &Refusal{Reason: ReasonNotEnrolled, Detail: "she has nothing that can be enrolled in the dialogue"}
	case len(u.Enrollment.Credentials) > 0 || of == topicReached:
		return ms, nil
	}
	return f.telephonesFirst(u, ms)
}

// telephonesFirst leaves of the offers to somebody who has enrolled nothing those
// that prove who she is. An app is anybody's who has her password; whoever has a
// telephone shows first that it is hers, also where the rule takes none (attack:
// enrolling an app for those whose telephones were their second factor until a
// rule was changed).
func (f *Flow) telephonesFirst(u User, offers []Method) ([]Method, error) {
	standing := func(m Method) bool { return m.Standing }
	reach := slices.DeleteFunc(slices.Clone(offers), standing)
	if len(reach) == 0 {
		everything := Decision{Unenrolled: UnenrolledEnroll}
		reach = slices.DeleteFunc(f.enrollable(u, everything), standing)
	}
	switch {
	case len(reach) > 0:
		return reach, nil
	case u.Changed:
		return nil, &Refusal{Reason: ReasonNotEnrolled, Detail: "her telephone number has changed or gone in the directory, so she is offered no app: portvakt user show; make sure who she is, then portvakt phone trust or user enroll"}
	}
	return offers, nil
}
