package ldapauth

import (
	"slices"
	"strings"
	"time"
)

// createdAttributes tell when an entry was made: RFC 4512, section 3.4.2, and
// Active Directory (MS-ADA3, attribute whenCreated).
var createdAttributes = []string{"createTimestamp", "whenCreated"}

// An activity is what an entry tells of when it was used.
type activity struct{ used, created time.Time }

// note takes one value; one that is no time says nothing.
func (a *activity) note(lastLogon []string, attribute string, value []byte) {
	is := func(name string) bool { return strings.EqualFold(name, attribute) }
	to := &a.used
	switch {
	case slices.ContainsFunc(lastLogon, is):
	case slices.ContainsFunc(createdAttributes, is):
		to = &a.created
	default:
		return
	}
	if at := instant(string(value)); at.After(*to) {
		*to = at
	}
}

// last is when it was used last, or made when it never was.
func (a *activity) last() time.Time {
	if a.used.IsZero() {
		return a.created
	}
	return a.used
}
