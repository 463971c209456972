package ldapauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/login"
)

// Bounds of walking up nested groups.
const (
	maxDepth     = 10
	groupsATime  = 32 // groups whose parents one search looks for
	timeLimitPad = time.Second
)

var errDepth = &entryError{fmt.Errorf("ldapauth: groups nested deeper than %d levels", maxDepth)}

// A groupFinder finds the groups that a person's entry does not name. A group
// left out could be the one that a rule needs, so every limit is an error and
// nothing is cut off.
type groupFinder struct {
	base     string
	nested   bool
	filter   *template // of group_filter; nil: none
	byName   bool      // filter has {user}
	chain    *template // Active Directory's own walk; nil: none
	attr     string
	attrs    []byte
	controls []string
}

// matchChain is LDAP_MATCHING_RULE_IN_CHAIN (MS-ADTS, section 3.1.1.3.4.4.3).
const matchChain = "(member:1.2.840.113556.1.4.1941:={dn})"

// newGroupFinder compiles the group search of a resolved configuration; nil
// when entries name all groups themselves.
func newGroupFinder(c Config) (*groupFinder, error) {
	g := &groupFinder{
		base: c.GroupBase, nested: c.Nested, attr: c.Attributes.Groups,
		attrs: selection(c.Attributes.Groups), controls: searchControls(c.Kind),
	}
	if c.GroupFilter != "" {
		place := placeDN
		if g.byName = strings.Contains(c.GroupFilter, placeUser); g.byName {
			place = placeUser
		}
		t, err := compileTemplate(c.GroupFilter, place)
		switch {
		case err != nil:
			return nil, err
		case !t.holds() || g.byName && strings.Contains(c.GroupFilter, placeDN):
			return nil, fmt.Errorf("%q must have one of {dn} and {user}: write for example (member={dn})", c.GroupFilter)
		}
		g.filter = &t
	}
	if c.Nested && c.Kind == KindAD {
		t, err := compileTemplate(matchChain, placeDN)
		if err != nil {
			return nil, err
		}
		g.chain = &t
	}
	if g.filter == nil && !g.nested {
		return nil, nil //nolint:nilnil // nothing to find is not an error
	}
	return g, nil
}

// searchControls keeps Active Directory from answering every search with
// references to its other partitions.
func searchControls(kind string) []string {
	if kind == KindAD {
		return []string{oidDomainScope}
	}
	return nil
}

// A walk is one person's groups being found.
type walk struct {
	*groupFinder
	c        *conn
	deadline time.Time
	groups   []string
	seen     map[string]bool
	fresh    []string // found and not yet looked into
}

// complete adds to a.Groups what the entry does not name.
func (g *groupFinder) complete(ctx context.Context, deadline time.Time, c *conn, a *login.Account) error {
	w := &walk{groupFinder: g, c: c, deadline: deadline, seen: map[string]bool{}}
	for _, dn := range a.Groups {
		if err := w.add(dn); err != nil {
			return err
		}
	}
	if g.chain != nil {
		if err := w.find(ctx, []asked{{g.chain, a.DN}}); err != nil {
			return err
		}
	}
	if g.filter != nil {
		value := a.DN
		if g.byName {
			value = a.Name
		}
		if value != "" {
			if err := w.find(ctx, []asked{{g.filter, value}}); err != nil {
				return err
			}
		}
	}
	if g.nested && g.chain == nil {
		if err := w.up(ctx); err != nil {
			return err
		}
	}
	a.Groups = w.groups
	return nil
}

// up walks from the groups found to those they are in, level by level.
func (w *walk) up(ctx context.Context) error {
	for depth := 1; len(w.fresh) > 0; depth++ {
		if depth > maxDepth {
			return errDepth
		}
		level := w.fresh
		w.fresh = nil
		for len(level) > 0 {
			n := 1
			var err error
			if w.filter != nil && !w.byName {
				n = min(groupsATime, len(level))
				all := make([]asked, n)
				for i, dn := range level[:n] {
					all[i] = asked{w.filter, dn}
				}
				err = w.find(ctx, all)
			} else {
				err = w.read(ctx, level[0])
			}
			if err != nil {
				return err
			}
			level = level[n:]
		}
	}
	return nil
}

// find adds the groups that match.
func (w *walk) find(ctx context.Context, filter []asked) error {
	res, err := w.c.search(ctx, w.deadline, &query{
		base: w.base, scope: scopeSubtree, sizeLimit: maxGroups + 1, timeLimit: seconds(w.deadline),
		filter: filter, attrs: []byte(noAttributes), controls: w.controls,
	}, func(e entry) error { return w.addOctets(e.dn) })
	if err == nil && res.code != ldap.LDAPResultSuccess {
		return fmt.Errorf("search groups: %w", resultFailure(res))
	}
	return exchangeError(err)
}

// read adds the groups that a group's own entry names. An entry that is not
// there names none: references in directories may dangle.
func (w *walk) read(ctx context.Context, dn string) error {
	res, err := w.c.search(ctx, w.deadline, &query{
		base: dn, scope: scopeBase, sizeLimit: 1, timeLimit: seconds(w.deadline),
		filter: []asked{{filter: &anyEntry}}, attrs: w.attrs, controls: w.controls,
	}, func(e entry) error {
		return e.each(func(name, value []byte) error {
			if !groupsAttribute(string(name), w.attr) {
				return nil
			}
			return w.addOctets(value)
		})
	})
	if err == nil && res.code != ldap.LDAPResultSuccess && res.code != ldap.LDAPResultNoSuchObject {
		return fmt.Errorf("read group: %w", resultFailure(res))
	}
	return exchangeError(err)
}

func (w *walk) addOctets(dn []byte) error {
	if len(dn) == 0 || len(dn) > maxDN || !utf8.Valid(dn) {
		return &entryError{errors.New("group without a usable distinguished name")}
	}
	return w.add(string(dn))
}

func (w *walk) add(dn string) error {
	key := strings.ToLower(dn)
	if w.seen[key] {
		return nil
	}
	if len(w.groups) == maxGroups {
		return errManyGroups
	}
	w.seen[key] = true
	w.groups = append(w.groups, dn)
	w.fresh = append(w.fresh, dn)
	return nil
}

// seconds is the time limit of a search that we wait for until deadline: the
// server need not go on after that.
func seconds(deadline time.Time) int32 {
	return max(1, int32((time.Until(deadline)+timeLimitPad)/time.Second)) //nolint:gosec // at most a minute
}
