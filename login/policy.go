package login

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// DefaultRule decides when no rule matches: a second factor is required, and
// nobody without one gets in.
const DefaultRule = "(no rule matched)"

// A Policy decides who needs what. It is immutable and does no I/O.
type Policy struct{ rules []rule }

// A rule is a RuleConfig made ready.
type rule struct {
	RuleConfig
	place    string   // for problems
	groups   []string // normal names
	stations []stationPattern
	hours    []span
	zone     *time.Location
	inForce  *Decision // behind its date
}

// A Decision is what a Policy says of one login, and which rule said it.
type Decision struct {
	Rule       string
	Second     string
	Factors    []string
	Unenrolled string
	// Enroll is as in RuleConfig, for UnenrolledEnroll.
	Enroll EnrollConfig
	Call   string
	// ExpiredPassword is as in RuleConfig.
	ExpiredPassword string
	// Remember, RememberMax and ForgetOnLogout are as in RuleConfig.
	Remember, RememberMax time.Duration
	ForgetOnLogout        bool
	// Reason is ReasonNoSecondFactor or ReasonBeforeDate when Second is
	// SecondNone.
	Reason Reason
	// Remind is whether the person should be told that a second factor will
	// be required from From on.
	Remind bool
	// Suggest is whether she is offered to enroll now, before it is.
	Suggest bool
	From    time.Time
	// RemindBy and RemindEvery are as in RuleConfig.
	RemindBy    []string
	RemindEvery time.Duration
	// Later is what Second will be from From on, when that is still to come.
	Later string

	kept *Decision // the same one, where its rule keeps it
}

// shared returns the decision to be kept by those who wait: one for thousands
// where that can be.
func (d Decision) shared() *Decision {
	if d.kept != nil {
		return d.kept
	}
	alone := d // else every decision would be made for keeping
	return &alone
}

// NewPolicy makes a Policy of the rules in their order. It returns every
// problem of every rule.
func NewPolicy(rules []RuleConfig) (*Policy, error) {
	var errs []error
	p := &Policy{rules: make([]rule, len(rules))}
	for i, r := range rules {
		p.rules[i].place = fmt.Sprintf("rule %q", r.Name)
		if r.Name == "" {
			r.Name = fmt.Sprintf("rule %d", i+1)
			p.rules[i].place = r.Name
		}
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.rules[i].place, err))
		}
		if r.SecondFactor == "" {
			r.SecondFactor = SecondRequired
		}
		if r.Unenrolled == "" {
			r.Unenrolled = UnenrolledDeny
		}
		if r.ExpiredPassword == "" {
			r.ExpiredPassword = ExpiredDeny
		}
		if r.Before == "" {
			r.Before = BeforeOff
		}
		if r.Dormant == 0 {
			r.Dormant = DefaultDormant
		}
		r.RemindEvery = cmp.Or(r.RemindEvery, defaultRemindEvery)
		p.rules[i].RuleConfig = r
		p.rules[i].prepare()
		p.rules[i].inForce = r.inForce()
	}
	return p, errors.Join(append(errs, p.Alike(), p.Dead())...)
}

// prepare reads what Validate has checked; what is wrong is among the problems.
func (r *rule) prepare() {
	for _, g := range r.Groups {
		if name, err := NormalDN(g); err == nil {
			r.groups = append(r.groups, name)
		}
	}
	for _, s := range r.Stations {
		if p, err := parseStation(s); err == nil {
			r.stations = append(r.stations, p)
		}
	}
	if r.Hours != "" {
		r.hours, _ = parseHours(r.Hours)
		r.zone, _ = loadZone(r.Zone)
	}
}

// For decides one login.
func (p *Policy) For(a Account, v Via, at time.Time) Decision {
	m := NewMembership(a)
	for i := range p.rules {
		r := &p.rules[i]
		if r.mismatch(m, v, at) == "" {
			return r.decide(at)
		}
	}
	return unruled
}

// unruled is the decision where no rule matches.
var unruled = func() Decision {
	kept := &Decision{Rule: DefaultRule, Second: SecondRequired, Unenrolled: UnenrolledDeny}
	d := *kept
	d.kept = kept
	return d
}()

func (r *RuleConfig) early(at time.Time) bool { return !r.From.IsZero() && at.Before(r.From) }

func (r *rule) decide(at time.Time) Decision {
	d := *r.inForce
	d.kept = r.inForce
	if r.early(at) && r.SecondFactor != SecondDeny {
		d.Later, d.Second, d.Reason, d.kept = r.SecondFactor, SecondNone, ReasonBeforeDate, nil
		d.Suggest = r.Before == BeforeEnroll
		d.Remind = r.Before == BeforeRemind || d.Suggest
		d.RemindBy, d.RemindEvery = r.RemindBy, r.RemindEvery
	}
	return d
}

// inForce is the decision of the rule behind its date.
func (r *RuleConfig) inForce() *Decision {
	d := &Decision{
		Rule: r.Name, Second: r.SecondFactor, Factors: r.Factors, Unenrolled: r.Unenrolled, Enroll: r.EnrollConfig, Call: r.Call,
		ExpiredPassword: r.ExpiredPassword, Remember: r.Remember, RememberMax: r.RememberMax, ForgetOnLogout: r.ForgetOnLogout,
		From: r.From,
	}
	if r.SecondFactor == SecondNone {
		d.Reason = ReasonNoSecondFactor
	}
	return d
}

// A Trace is one line of an explanation: a rule, and why it did not decide.
type Trace struct {
	Rule   string
	Passed string // why it did not decide; "" for the one that did
}

// Explain lists the rules looked at, up to the one that decides.
func (p *Policy) Explain(a Account, v Via, at time.Time) (Decision, []Trace) {
	var trace []Trace
	m := NewMembership(a)
	for i := range p.rules {
		r := &p.rules[i]
		why := r.mismatch(m, v, at)
		trace = append(trace, Trace{Rule: r.Name, Passed: why})
		if why == "" {
			return r.decide(at), trace
		}
	}
	return p.For(a, v, at), append(trace, Trace{Rule: DefaultRule})
}

// ForgetsOnLogout reports whether a rule has devices forgotten at the end of a
// session.
func (p *Policy) ForgetsOnLogout() bool {
	return slices.ContainsFunc(p.rules, func(r rule) bool { return r.ForgetOnLogout })
}
