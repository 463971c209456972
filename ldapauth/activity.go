package ldapauth

import (
	"slices"
	"strconv"
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

// epoch is the seconds from 1601, where Windows counts from, to 1970.
const epoch = 11_644_473_600

// instant reads a GeneralizedTime (RFC 4517, section 3.3.13) or a count of 100
// ns since 1601 (MS-DTYP, section 2.3.3); the zero time for anything else, and
// for the 0 of an account that was never used.
func instant(text string) time.Time {
	if strings.HasSuffix(text, "Z") {
		at, err := generalized("", text)
		if err != nil {
			return time.Time{}
		}
		return at
	}
	ticks, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ticks <= epoch*10_000_000 {
		return time.Time{}
	}
	return time.Unix(ticks/10_000_000-epoch, 0).UTC()
}
