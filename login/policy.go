package login

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A RuleConfig is one [[rule]] of the configuration. The first rule that
// matches decides; an empty list matches everything.
type RuleConfig struct {
	// Name is used in logs and by "portvakt explain".
	Name string `mapstructure:"name"`
	// Clients are names of client blocks.
	Clients []string `mapstructure:"clients"`
	// Groups are distinguished names; being in one of them is enough.
	Groups []string `mapstructure:"groups"`
	// Users are login names as the directory spells them, in any case.
	Users []string `mapstructure:"users"`
	// Networks hold the address of the device that logs in; a login whose
	// client does not tell it never matches.
	Networks []netip.Prefix `mapstructure:"networks"`
	// From is when the rule begins to be enforced; before it, Before says what
	// happens.
	From time.Time `mapstructure:"from"`
	// Before is "remind" (let in, say so), "report" (let in, only count) or
	// "off" (as if the rule were not there).
	Before string `mapstructure:"before"`
	// SecondFactor is "required", "enrolled" (only people who have one),
	// "none" or "deny".
	SecondFactor string `mapstructure:"second_factor"`
	// Factors are the factors allowed, in the order of preference when the
	// person has chosen none; empty allows all.
	Factors []string `mapstructure:"factors"`
	// Unenrolled is what happens to people without a second factor: "deny" or
	// "allow".
	Unenrolled string `mapstructure:"unenrolled"`
	// Call is what a call asks for: "approve" (press #), "match" (the two
	// digits shown at the prompt, and #), "pin" (the person's own PIN, and #)
	// or "code" (the call tells a code to be typed). Empty is as [call] says.
	Call string `mapstructure:"call"`
	// Remember is how long a second factor counts on the same device and group
	// of clients since it was last used there; RememberMax how long since it
	// was proven, as long as Remember when it is shorter.
	Remember    time.Duration `mapstructure:"remember"`
	RememberMax time.Duration `mapstructure:"remember_max"`
}

// Values of RuleConfig.SecondFactor, Unenrolled, Call and Before.
const (
	SecondRequired = "required"
	SecondEnrolled = "enrolled"
	SecondNone     = "none"
	SecondDeny     = "deny"

	UnenrolledDeny  = "deny"
	UnenrolledAllow = "allow"

	CallApprove = "approve"
	CallMatch   = "match"
	CallPIN     = "pin"
	CallCode    = "code"

	BeforeOff    = "off"
	BeforeReport = "report"
	BeforeRemind = "remind"
)

// maxRemember is the longest a second factor may count: as long as SP 800-63B,
// section 2.1.3, lets a session last at its lowest level.
const maxRemember = 30 * 24 * time.Hour

// DefaultRule decides when no rule matches: a second factor is required, and
// nobody without one gets in.
const DefaultRule = "(no rule matched)"

// A Policy decides who needs what. It is immutable and does no I/O.
type Policy struct{ rules []rule }

// A rule is a RuleConfig made ready.
type rule struct {
	RuleConfig
	groups []string // normal names
}

// A Decision is what a Policy says of one login, and which rule said it.
type Decision struct {
	Rule       string
	Second     string
	Factors    []string
	Unenrolled string
	Call       string
	// Remember and RememberMax are as in RuleConfig.
	Remember, RememberMax time.Duration
	// Reason is ReasonNoSecondFactor or ReasonBeforeDate when Second is
	// SecondNone.
	Reason Reason
	// Remind is whether the person should be told that a second factor will
	// be required from From on.
	Remind bool
	From   time.Time
}

// Validate returns every problem of the rule.
func (r RuleConfig) Validate() error {
	var errs []error
	oneOf := func(key, value string, allowed ...string) {
		if value != "" && !slices.Contains(allowed, value) {
			errs = append(errs, fmt.Errorf("%s: %q is not known: write one of %s", key, value, strings.Join(allowed, ", ")))
		}
	}
	oneOf("second_factor", r.SecondFactor, SecondRequired, SecondEnrolled, SecondNone, SecondDeny)
	oneOf("unenrolled", r.Unenrolled, UnenrolledDeny, UnenrolledAllow)
	oneOf("before", r.Before, BeforeOff, BeforeReport, BeforeRemind)
	oneOf("call", r.Call, CallApprove, CallMatch, CallPIN, CallCode)
	if r.Remember < 0 || r.Remember > maxRemember || r.RememberMax < 0 || r.RememberMax > maxRemember {
		errs = append(errs, fmt.Errorf("remember: remember and remember_max are 0s to %v", maxRemember))
	}
	if r.RememberMax > 0 && r.RememberMax < r.Remember {
		errs = append(errs, errors.New("remember_max: is shorter than remember, which would then be longer than it says: make it at least as long"))
	}
	if r.Before != "" && r.From.IsZero() {
		errs = append(errs, errors.New("before: has no meaning without from: add the date, or remove before"))
	}
	for _, g := range r.Groups {
		if _, err := NormalDN(g); err != nil {
			errs = append(errs, fmt.Errorf("groups: %q is not a distinguished name: write it in full, as in \"cn=vpn,ou=groups,dc=example,dc=org\"", g))
		}
	}
	if r.SecondFactor == SecondEnrolled && r.Unenrolled != "" {
		errs = append(errs, errors.New("unenrolled: has no meaning with second_factor = \"enrolled\", which lets them in: remove one of the two"))
	}
	if r.Unenrolled == UnenrolledAllow && len(r.Groups) == 0 && len(r.Users) == 0 {
		errs = append(errs, errors.New("unenrolled: \"allow\" without groups or users lets everybody in who enrolls nothing: name the groups it is for"))
	}
	return errors.Join(errs...)
}

// NewPolicy makes a Policy of the rules in their order. It returns every
// problem of every rule.
func NewPolicy(rules []RuleConfig) (*Policy, error) {
	var errs []error
	p := &Policy{rules: make([]rule, len(rules))}
	for i, r := range rules {
		if r.Name == "" {
			r.Name = fmt.Sprintf("rule %d", i+1)
		}
		if err := r.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("rule %q: %w", r.Name, err))
		}
		if r.SecondFactor == "" {
			r.SecondFactor = SecondRequired
		}
		if r.Unenrolled == "" {
			r.Unenrolled = UnenrolledDeny
		}
		if r.Before == "" {
			r.Before = BeforeOff
		}
		p.rules[i].RuleConfig = r
		for _, g := range r.Groups {
			if name, err := NormalDN(g); err == nil { // else among the problems
				p.rules[i].groups = append(p.rules[i].groups, name)
			}
		}
	}
	return p, errors.Join(errs...)
}

// For decides one login.
func (p *Policy) For(a Account, v Via, at time.Time) Decision {
	m := NewMembership(a)
	for i := range p.rules {
		r := &p.rules[i]
		if r.mismatch(m, v) != "" {
			continue
		}
		if r.early(at) && r.Before == BeforeOff {
			continue
		}
		return r.decide(at)
	}
	return Decision{Rule: DefaultRule, Second: SecondRequired, Unenrolled: UnenrolledDeny}
}

func (r *RuleConfig) early(at time.Time) bool { return !r.From.IsZero() && at.Before(r.From) }

func (r *RuleConfig) decide(at time.Time) Decision {
	d := Decision{Rule: r.Name, Second: r.SecondFactor, Factors: r.Factors, Unenrolled: r.Unenrolled, Call: r.Call, Remember: r.Remember, RememberMax: r.RememberMax, From: r.From}
	switch {
	case r.early(at) && r.SecondFactor != SecondDeny:
		d.Second, d.Reason, d.Remind = SecondNone, ReasonBeforeDate, r.Before == BeforeRemind
	case r.SecondFactor == SecondNone:
		d.Reason = ReasonNoSecondFactor
	}
	return d
}

// mismatch says why the rule does not match, or "".
func (r *rule) mismatch(m *Membership, v Via) string {
	switch {
	case len(r.Clients) > 0 && !slices.Contains(r.Clients, v.Client):
		return "the client is not one of its clients"
	case len(r.Users) > 0 && !slices.ContainsFunc(r.Users, func(u string) bool { return strings.EqualFold(u, m.account.Name) }):
		return "the user is not one of its users"
	case len(r.Groups) > 0 && !slices.ContainsFunc(r.groups, m.In):
		return "the user is in none of its groups"
	case len(r.Networks) > 0 && !v.Address.IsValid():
		return "it has networks, and the client did not tell the device's address"
	case len(r.Networks) > 0 && !slices.ContainsFunc(r.Networks, func(n netip.Prefix) bool { return n.Contains(v.Address.Unmap()) }):
		return "the device's address is in none of its networks"
	}
	return ""
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
		why := r.mismatch(m, v)
		if why == "" && r.early(at) && r.Before == BeforeOff {
			why = "it begins on " + r.From.Format(time.RFC3339)
		}
		trace = append(trace, Trace{Rule: r.Name, Passed: why})
		if why == "" {
			return r.decide(at), trace
		}
	}
	return p.For(a, v, at), append(trace, Trace{Rule: DefaultRule})
}

// Clients returns the client names the rules mention, for the check that each
// is configured.
func (p *Policy) Clients() []string {
	var names []string
	for _, r := range p.rules {
		names = append(names, r.Clients...)
	}
	return names
}

// Factors returns the factor names the rules mention.
func (p *Policy) Factors() []string {
	var names []string
	for _, r := range p.rules {
		names = append(names, r.Factors...)
	}
	return names
}
