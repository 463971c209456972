package reply

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/login"
)

// maxReported bounds the problems told of one login.
const maxReported = 5

// For returns the attributes for an account that logs in by a client, as
// octets for an Access-Accept, at most [MaxOctets]. They are valid and
// complete in themselves even when the error is not nil: it then tells what
// had to be left out, because the directory holds something that cannot be
// sent or more than fits. The caller should log it; it may still send.
func (r *Rules) For(client string, a login.Account) (avps []byte, err error) {
	var problems []error
	person := newPerson(a)
	set := make(map[key]bool)
	omitted := 0
	for _, rule := range r.rules {
		if !rule.matches(client, person) {
			continue
		}
		var filled []key
		for _, attribute := range rule.attributes {
			if set[attribute.key] && !rule.add {
				continue
			}
			values, errs := attribute.expand(person)
			problems = append(problems, errs...)
			for _, octets := range values {
				if len(avps)+len(octets) > MaxOctets {
					omitted++
					continue
				}
				avps = append(avps, octets...)
			}
			// What this rule decided and could not be sent is not for a later,
			// broader rule to decide.
			if len(values) > 0 || len(errs) > 0 {
				filled = append(filled, attribute.key)
			}
		}
		for _, k := range filled {
			set[k] = true
		}
	}
	if len(problems) > maxReported {
		problems = append(problems[:maxReported:maxReported], fmt.Errorf("and %d more", len(problems)-maxReported))
	}
	if omitted > 0 {
		problems = append(problems, fmt.Errorf("%d attributes did not fit into %d octets", omitted, MaxOctets))
	}
	return avps, errors.Join(problems...)
}

func (a attribute) expand(p *person) (avps [][]byte, problems []error) {
	for _, v := range a.values {
		if v.template == nil {
			avps = append(avps, v.octets)
			continue
		}
		more, errs := v.template.expand(p.account, p.commonNames())
		avps, problems = append(avps, more...), append(problems, errs...)
	}
	return avps, problems
}

func (r rule) matches(client string, p *person) bool {
	if len(r.clients) > 0 && !slices.Contains(r.clients, client) {
		return false
	}
	if len(r.users) > 0 && !slices.ContainsFunc(r.users, func(name string) bool { return strings.EqualFold(name, p.account.Name) }) {
		return false
	}
	return len(r.groups) == 0 || slices.ContainsFunc(r.groups, p.In)
}

// A person is an account whose groups are read once for all rules, and only
// when a rule asks.
type person struct {
	*login.Membership
	account login.Account
	cns     []string
	read    bool
}

func newPerson(a login.Account) *person {
	return &person{Membership: login.NewMembership(a), account: a}
}

// commonNames lists the cn of each group, each once, in the directory's order.
func (p *person) commonNames() []string {
	if p.read {
		return p.cns
	}
	p.read = true
	seen := make(map[string]bool)
	for _, group := range p.account.Groups {
		if cn := login.CommonName(group); cn != "" && !seen[cn] {
			seen[cn] = true
			p.cns = append(p.cns, cn)
		}
	}
	return p.cns
}
