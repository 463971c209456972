package conf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
)

// names checks what rules say of other sections, each at its place.
func (f *File) names() error {
	var errs []error
	var clients, groups []string
	for _, c := range f.Clients {
		clients, groups = append(clients, c.Name), append(groups, c.Name, groupOf(c))
	}
	unknown := func(where string, names, known []string, problem func(name string) string) {
		for _, name := range names {
			if !slices.Contains(known, name) {
				errs = append(errs, fmt.Errorf("%s: %s", where, problem(name)))
			}
		}
	}
	noClient := func(name string) string {
		return fmt.Sprintf("there is no [[client]] named %q: the names are %s", name, strings.Join(clients, ", "))
	}
	for i, r := range f.Rules {
		at := func(key string) string { return fmt.Sprintf("rule number %d: %s", i+1, key) }
		unknown(at("clients"), r.Clients, clients, noClient)
		unknown(at("client_groups"), r.ClientGroups, groups, func(name string) string {
			return fmt.Sprintf("no [[client]] has the group %q: write group = %q in those it is for", name, name)
		})
		unknown(at("factors"), r.Factors, FactorNames(), func(name string) string {
			return fmt.Sprintf("there is no factor %q: the factors of this version are %s", name, strings.Join(FactorNames(), ", "))
		})
		unknown(at("enroll_factors"), r.Enrollable, EnrollableNames(), func(name string) string {
			return fmt.Sprintf("%q cannot be enrolled in the dialogue: those that people enroll by themselves are %s", name, strings.Join(EnrollableNames(), ", "))
		})
		if r.ForgetOnLogout && len(f.Server.Accounting) == 0 {
			errs = append(errs, errors.New(at("forget_on_logout")+": without accounting no logout is known: set server.accounting, and have the clients account"))
		}
	}
	for i, r := range f.Replies {
		unknown(fmt.Sprintf("reply number %d: clients", i+1), r.Clients, clients, noClient)
	}
	return errors.Join(errs...)
}

func groupOf(c radiusd.ClientConfig) string { return cmp.Or(c.Group, c.Name) }

// Warnings are what works and should be changed, between sections.
func (f *File) Warnings() []string {
	return slices.Concat(f.forgotten(), f.unchanging(), f.strangers())
}

// forgotten finds rules that remember devices where none can be: from the proof
// of a password that another server checks, nobody here can tell whether it has
// been changed.
func (f *File) forgotten() []string {
	var all []string
	if !f.Upstream.Enabled() {
		return all
	}
	for i, r := range f.Rules {
		for _, c := range f.Clients {
			if r.Remember > 0 && isFor(r, c) && !slices.Contains(c.Methods, "pap") {
				all = append(all, fmt.Sprintf("rule number %d: remember: nothing is remembered of client %q: its methods prove the password and do not carry it, and upstream servers do not tell whether it has been changed: allow pap there, or remove this", i+1, c.Name))
			}
		}
	}
	return all
}

// Applies is whether a rule can decide about people at a client.
func Applies(r login.RuleConfig, c radiusd.ClientConfig) bool {
	return len(r.Clients)+len(r.ClientGroups) == 0 || isFor(r, c)
}

// isFor is whether a rule names a client, by itself or by its group.
func isFor(r login.RuleConfig, c radiusd.ClientConfig) bool {
	return slices.Contains(r.Clients, c.Name) || slices.Contains(r.ClientGroups, groupOf(c))
}
