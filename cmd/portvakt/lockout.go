package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/ldapauth"
	"github.com/portvakt/portvakt/login"
)

// minLockout is the least number of wrong passwords that sign-ins can stay below.
const minLockout = 3

// lockout is how the directory locks accounts, read now; nothing when it does
// not answer, as the daemon would have it then.
func (s *system) lockout(ctx context.Context) login.Lockout {
	if s.ldap == nil {
		return login.Lockout{}
	}
	if _, err := s.ldap.ReadLockout(ctx); err != nil {
		return login.Lockout{}
	}
	return s.ldap.Lockout()
}

// watchLockout has the directory's policy followed, where there is one.
func (s *system) watchLockout() {
	if s.ldap != nil {
		s.ldap.WatchLockout()
	}
}

// lockout says where sign-ins stop so that the directory locks nobody because
// of them.
func (t *table) lockout(p ldapauth.LockoutPolicy, err error) {
	strangers, all, window := p.Below()
	from := "read from the directory"
	if p.Configured {
		from = "ldap.lockout_threshold"
	}
	switch {
	case err != nil:
		t.add("lockout", "unknown", nil, fmt.Sprintf("could not be read, sign-ins stop after %d wrong passwords from one place in %s: %v", strangers, minutes(window), oneLine(err)))
	case p.After == 0 && len(p.From) == 0:
		t.add("lockout", "unknown", nil, fmt.Sprintf("no policy can be read: sign-ins stop after %d wrong passwords from one place in %s; if the directory locks after fewer, set ldap.lockout_threshold", strangers, minutes(window)))
	case p.After == 0:
		t.add("lockout", from, nil, p.String())
	case p.After < minLockout:
		t.add("lockout", from, nil, fmt.Sprintf("%s, which cannot be stayed below: raise it to %d or more", p, minLockout))
	default:
		t.add("lockout", from, nil, fmt.Sprintf("%s: sign-ins stop after %d, %d from places not known, for %s", p, all, strangers, minutes(window)))
	}
}

func minutes(d time.Duration) string { return strings.TrimSuffix(d.String(), "0s") }

// oneLine is an error for a table.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
