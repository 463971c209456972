package login

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Dead returns a problem for each rule that can never decide, since one before
// it is for everybody it is for, and always: whoever wrote it believes in a
// decision that nobody makes.
func (p *Policy) Dead() error {
	var errs []error
	for i := range p.rules {
		for j := range i {
			if p.rules[j].covers(&p.rules[i]) {
				errs = append(errs, fmt.Errorf("%s: can never decide, as %s before it is for all that this one is for: move it up, or make the other one narrower",
					p.rules[i].place, p.rules[j].place))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// Alike returns a problem for each rule that has the name of another: decisions
// and reports tell rules by their names.
func (p *Policy) Alike() error {
	var errs []error
	for i := range p.rules {
		for j := range p.rules {
			if r := &p.rules[i]; i != j && p.rules[j].Name == r.Name {
				errs = append(errs, fmt.Errorf("rule number %d: name: is %q, as that of rule number %d, and nobody could tell in the log which of them decided: give each its own",
					i+1, r.Name, j+1))
				break
			}
		}
	}
	return errors.Join(errs...)
}

// covers is whether whatever the other rule matches, r has decided before. What
// cannot be told is no.
func (r *rule) covers(o *rule) bool {
	if !r.From.IsZero() && r.Before == BeforeOff && (o.From.IsZero() || o.From.Before(r.From) || o.Before != BeforeOff) {
		return false
	}
	if !r.Until.IsZero() && (o.Until.IsZero() || r.Until.Before(o.Until)) {
		return false
	}
	if r.Hours != "" && (r.Hours != o.Hours || r.Zone != o.Zone) {
		return false
	}
	return holds(r.Clients, o.Clients, equal) && holds(r.ClientGroups, o.ClientGroups, equal) &&
		holds(r.groups, o.groups, equal) && holds(r.Users, o.Users, strings.EqualFold) &&
		holds(r.stations, o.stations, func(a, b stationPattern) bool { return a == b }) &&
		holds(r.Networks, o.Networks, func(a, b netip.Prefix) bool { return a.Bits() <= b.Bits() && a.Contains(b.Addr()) })
}

func equal(a, b string) bool { return a == b }

// holds is whether each of b is in one of a, of which none means everything.
func holds[T any](a, b []T, in func(a, b T) bool) bool {
	if len(a) == 0 {
		return true
	}
	return len(b) > 0 && !slices.ContainsFunc(b, func(y T) bool {
		return !slices.ContainsFunc(a, func(x T) bool { return in(x, y) })
	})
}
