package reply

import (
	"slices"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// Pass returns what of the attributes that an upstream server has granted an
// account gets at a client: all but those that rules pass to others only.
func (r *Rules) Pass(client string, a login.Account, granted []byte) []byte {
	if len(r.byRule) == 0 {
		return granted
	}
	passed := make(map[dictionary.ID]bool)
	for _, attribute := range r.passed(client, a) {
		passed[attribute.ID()] = true
	}
	withheld := func(v dictionary.Value) bool {
		id := v.Attribute.ID()
		return r.byRule[id] && !passed[id]
	}
	var kept []byte
	for len(granted) >= 2 && granted[1] >= 2 && int(granted[1]) <= len(granted) {
		avp := granted[:granted[1]]
		granted = granted[len(avp):]
		if !slices.ContainsFunc(r.dictionary.Decode(avp), withheld) {
			kept = append(kept, avp...)
		}
	}
	return append(kept, granted...) // what is not whole, for who refuses it
}

// Passed names what rules let through for an account at a client, for people.
func (r *Rules) Passed(client string, a login.Account) (names []string) {
	for _, attribute := range r.passed(client, a) {
		if !slices.Contains(names, attribute.Name) {
			names = append(names, attribute.Name)
		}
	}
	return names
}

func (r *Rules) passed(client string, a login.Account) (all []dictionary.Attribute) {
	person := newPerson(a)
	for _, rule := range r.rules {
		if len(rule.pass) > 0 && rule.matches(client, person) {
			all = append(all, rule.pass...)
		}
	}
	return all
}
