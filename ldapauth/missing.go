package ldapauth

import (
	"context"
	"fmt"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// Missing are those of the entries that the directory does not have, or does
// not show to the service account. Groups are compared as the directory writes
// them in people's entries, so a misspelt one fails nowhere: nobody is in it.
func (d *Directory) Missing(ctx context.Context, dns []string) (missing []string, err error) {
	err = d.try(ctx, func(s *server, deadline time.Time) error {
		c, err := s.searches.get(ctx, deadline)
		if err != nil {
			return err
		}
		defer s.searches.put(c)
		missing = nil
		for _, dn := range dns {
			there, err := shows(ctx, deadline, c, dn)
			if err != nil {
				return err
			}
			if !there {
				missing = append(missing, dn)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for groups: %w", err)
	}
	return missing, nil
}

// shows reports whether there is an entry that can be seen. What the directory
// does not want to tell (a referral, no right to ask) is no "no".
func shows(ctx context.Context, deadline time.Time, c *conn, dn string) (there bool, err error) {
	res, err := c.search(ctx, deadline, &query{
		base: dn, scope: scopeBase, sizeLimit: 1, timeLimit: seconds(deadline),
		filter: []asked{{filter: &anyEntry}}, attrs: selection("objectClass"),
	}, func(entry) error {
		there = true
		return nil
	})
	if err != nil {
		return false, exchangeError(err)
	}
	return there || res.code != ldap.LDAPResultSuccess && res.code != ldap.LDAPResultNoSuchObject, nil
}
