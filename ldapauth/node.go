package ldapauth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/login"
)

// Servers of one directory answer differently while a change is on its way from
// one to the next. One server decides about a password, and its no is final: if
// the next one were asked, a password that was changed because it is known would
// be good until the last server has heard of it, and each wrong one would count
// several times towards the directory's lockout.
//
// What is put together from two servers is an account that one has told of and a
// password that another has checked. The name of an entry may by then be another
// person's there.

// confirm makes sure, where another server has told of an account, that this one
// means the same by the entry's name. Else its verdict is about somebody else,
// and is neither a yes nor a wrong password.
func (d *Directory) confirm(ctx context.Context, deadline time.Time, s *server, a login.Account, verdict error) (error, error) {
	if d.told(s, a) {
		return d.saidBy(s, verdict), nil
	}
	c, err := s.searches.get(ctx, deadline)
	if err != nil {
		return nil, err
	}
	defer s.searches.put(c)
	return d.confirmOn(ctx, deadline, s, c, a, verdict)
}

// told reports whether an account, or that there is none, comes from a server.
func (d *Directory) told(s *server, a login.Account) bool { return a.ID == "" || s.index == a.Server }

// confirmOn is confirm where there is a connection to search on.
func (d *Directory) confirmOn(ctx context.Context, deadline time.Time, s *server, c *conn, a login.Account, verdict error) (error, error) {
	if d.told(s, a) {
		return d.saidBy(s, verdict), nil
	}
	id, err := d.idOn(ctx, deadline, c, a.DN)
	switch {
	case err != nil:
		return nil, err
	case id == "":
		verdict = refuse(login.ReasonUnknownUser, "another server has told of this entry, and here it is not there, or the service account may not read it")
	case id != a.ID:
		verdict = refuse(login.ReasonUnknownUser, "the entry that another server has told of is another person's here")
	}
	return d.saidBy(s, verdict), nil
}

// idOn reads who an entry is; "" where there is none.
func (d *Directory) idOn(ctx context.Context, deadline time.Time, c *conn, dn string) (id string, err error) {
	attribute := d.schema.ID
	res, err := c.search(ctx, deadline, &query{
		base: dn, scope: scopeBase, sizeLimit: 1, timeLimit: seconds(deadline),
		filter: []asked{{filter: &anyEntry}}, attrs: selection(attribute),
	}, func(e entry) error {
		return e.each(func(name, value []byte) error {
			if strings.EqualFold(string(name), attribute) {
				id = identifier(attribute, value)
			}
			return nil
		})
	})
	switch {
	case err != nil:
		return "", exchangeError(err)
	case res.code != ldap.LDAPResultSuccess && res.code != ldap.LDAPResultNoSuchObject:
		return "", fmt.Errorf("read %s: %w", attribute, resultFailure(res))
	}
	return id, nil
}

// saidBy names the server in a refusal, where there are several.
func (d *Directory) saidBy(s *server, verdict error) error {
	r, ok := verdict.(*login.Refusal) //nolint:errorlint // as refuse makes it
	if !ok || len(d.servers) < 2 {
		return verdict
	}
	return refuse(r.Reason, strings.TrimPrefix(r.Detail+", said by "+s.url, ", "))
}
