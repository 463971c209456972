package ldapauth

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/login"
)

var _ login.Stater = (*Directory)(nil)

// bindAttributes are why a directory of a kind refuses binds with the right
// password, as far as it says so in the entry. Attributes that only other
// programs heed are not among them: who could sign in must not be kept out by
// what she is asked beside her password.
func bindAttributes(kind string) []string {
	switch kind {
	case KindAD:
		return []string{attrControl, attrComputed, attrExpires}
	case Kind389DS:
		return []string{"nsAccountLock", "accountUnlockTime"}
	}
	return []string{"pwdAccountLockedTime"}
}

// Attributes of Active Directory, and their flags (MS-ADTS, section 2.2.16).
const (
	attrControl  = "userAccountControl"
	attrComputed = "msDS-User-Account-Control-Computed"
	attrExpires  = "accountExpires"

	flagDisabled = 0x2
	flagLocked   = 0x10
)

// State reads what an account's own entry says of it, at the time of the call;
// see [login.Stater].
func (d *Directory) State(ctx context.Context, a login.Account) error {
	attrs := selection(bindAttributes(d.cfg.Kind)...)
	var verdict error
	err := d.try(ctx, func(s *server, deadline time.Time) error {
		c, err := s.searches.get(ctx, deadline)
		if err != nil {
			return err
		}
		defer s.searches.put(c)
		verdict, err = readState(ctx, deadline, c, a.DN, attrs)
		return err
	})
	if err != nil {
		return fmt.Errorf("read state of account: %w", err)
	}
	return verdict
}

func readState(ctx context.Context, deadline time.Time, c *conn, dn string, attrs []byte) (verdict, err error) {
	state := accountState{now: time.Now()}
	found, err := readEntry(ctx, deadline, c, dn, attrs, func(name, value []byte) error {
		return state.noteBind(string(name), value)
	})
	switch {
	case err != nil:
		return nil, err
	case !found:
		return refuse(login.ReasonUnknownUser, "entry is gone"), nil
	}
	return state.refusal, nil
}

// readEntry calls each for the values of one entry. found is false when there is
// none, or the service account may not read it.
func readEntry(ctx context.Context, deadline time.Time, c *conn, dn string, attrs []byte, each func(name, value []byte) error) (found bool, err error) {
	res, err := c.search(ctx, deadline, &query{
		base: dn, scope: scopeBase, sizeLimit: 1, timeLimit: seconds(deadline),
		filter: []asked{{filter: &anyEntry}}, attrs: attrs,
	}, func(e entry) error {
		found = true
		return e.each(each)
	})
	switch {
	case err != nil:
		return false, exchangeError(err)
	case res.code == ldap.LDAPResultNoSuchObject:
		return false, nil
	case res.code != ldap.LDAPResultSuccess:
		return false, resultFailure(res)
	}
	return found, nil
}

// noteBind takes one value of bindAttributes.
func (s *accountState) noteBind(attribute string, value []byte) error {
	text := string(value)
	switch {
	case strings.EqualFold(attribute, attrControl), strings.EqualFold(attribute, attrComputed):
		flags, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return &entryError{fmt.Errorf("%s is no number", attribute)}
		}
		switch {
		case flags&flagDisabled != 0:
			s.refuse(login.ReasonDisabled, attribute)
		case flags&flagLocked != 0 && strings.EqualFold(attribute, attrComputed):
			s.refuse(login.ReasonLockedDirectory, attribute)
		}
		return nil
	case strings.EqualFold(attribute, attrExpires):
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return &entryError{fmt.Errorf("%s is no time", attribute)}
		}
		if never := at == 0 || at == 1<<63-1; !never && s.now.After(filetime(at)) {
			s.refuse(login.ReasonAccountExpired, attribute)
		}
		return nil
	}
	return s.note(attribute, value)
}
