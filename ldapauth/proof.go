package ldapauth

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
)

// A checker decides about the password of an account: verdict is nil for yes
// and a [*login.Refusal] for no; err is that nothing is decided.
type checker func(ctx context.Context, a login.Account) (verdict, err error)

// nobodysName is asked about where nobody has the name that was typed.
const nobodysName = "portvakt-nobody"

// checker finds what can check a secret: a bind needs the password itself.
func (d *Directory) checker(password login.Secret) (checker, error) {
	if _, carried := password.Reveal(); carried {
		text, err := cleanPassword(password)
		if err != nil {
			return nil, err
		}
		return d.byBind(text), nil
	}
	nt, isNT := password.(login.NTProof)
	switch {
	case isNT && d.domain != nil:
		return d.byDomain(nt), nil
	case isNT && d.cfg.Attributes.NTHash != "":
		return d.byAttribute(d.cfg.Attributes.NTHash, func(value []byte) (bool, error) { return matchesHash(nt, value) }), nil
	case isNT:
		return nil, refuse(login.ReasonMethodNotAllowed, "nothing can check MS-CHAPv2: set ldap.attributes.nt_hash or ldap.ntlm_auth, or use PAP")
	case d.cfg.Attributes.Cleartext != "":
		return d.byAttribute(d.cfg.Attributes.Cleartext, func(value []byte) (bool, error) { return matchesText(password, value) }), nil
	}
	return nil, refuse(login.ReasonMethodNotAllowed, "nothing can check CHAP: use PAP; ldap.attributes.cleartext says more")
}

// byDomain has a domain controller decide.
func (d *Directory) byDomain(nt login.NTProof) checker {
	return func(ctx context.Context, a login.Account) (verdict, err error) {
		if a.Name == "" {
			return nil, errors.New("ldapauth: account without a login name: set ldap.attributes.name")
		}
		challenge, response := nt.NTResponse()
		key, err := d.domain.Check(ctx, a.Name, challenge, response)
		switch {
		case login.Refused(err) != "":
			return err, nil
		case err != nil:
			return nil, err
		}
		nt.Proven(key)
		return nil, nil
	}
}

// byAttribute reads an attribute of the account's entry each time, and what
// state the entry is in: there is no bind at which the directory would tell.
func (d *Directory) byAttribute(attribute string, matches func(value []byte) (bool, error)) checker {
	attrs := selection(append([]string{attribute}, stateAttributes...)...)
	return func(ctx context.Context, a login.Account) (verdict, err error) {
		err = d.try(ctx, func(s *server, deadline time.Time) error {
			if s.endpoint.tls == modePlain {
				return errClear // Validate refuses it
			}
			c, err := s.searches.get(ctx, deadline)
			if err != nil {
				return err
			}
			defer s.searches.put(c)
			defer c.wipe()
			verdict, err = readProof(ctx, deadline, c, a.DN, attribute, attrs, matches)
			if err != nil {
				return err
			}
			verdict, err = d.confirmOn(ctx, deadline, s, c, a, verdict)
			return err
		})
		return verdict, err
	}
}

var errClear = errors.New("ldapauth: a password's hash is not read without TLS")

func readProof(ctx context.Context, deadline time.Time, c *conn, dn, attribute string, attrs []byte, matches func([]byte) (bool, error)) (verdict, err error) {
	var values int
	var right bool
	state := accountState{now: time.Now()}
	found, err := readEntry(ctx, deadline, c, dn, attrs, func(name, value []byte) error {
		if !strings.EqualFold(string(name), attribute) {
			return state.note(string(name), value)
		}
		values++
		ok, err := matches(value)
		right = right || ok
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", attribute, err)
	case !found:
		return refuse(login.ReasonUnknownUser, "entry is gone, or the service account may not read it"), nil
	case values == 0:
		return refuse(login.ReasonBadPassword, "entry has no "+attribute+", or the service account may not read it"), nil
	case values > 1:
		return nil, &entryError{fmt.Errorf("entry has %d values of %s", values, attribute)}
	case !right:
		return refuse(login.ReasonBadPassword, ""), nil
	}
	// Only who has the right password is told what keeps her out.
	return state.refusal, nil
}

// hashSize is the octets of an NT hash.
const hashSize = 16

// matchesHash compares a proof with a stored hash, which is 16 octets or their
// hexadecimal digits. What else is there ("NO PASSWORD…") is no hash and
// matches nothing.
func matchesHash(nt login.NTProof, value []byte) (bool, error) {
	var hash [hashSize]byte
	defer clear(hash[:])
	switch len(value) {
	case hashSize:
		copy(hash[:], value)
	case 2 * hashSize:
		if _, err := hex.Decode(hash[:], value); err != nil {
			return false, nil
		}
	default:
		return false, nil
	}
	return nt.Matches(hash), nil
}

// matchesText compares a proof with a stored password. One that is hashed, with
// its scheme in braces in front (RFC 2307, section 5.3), is none.
func matchesText(s login.Secret, value []byte) (bool, error) {
	text := string(value)
	if scheme, rest, found := strings.Cut(text, "}"); found && strings.HasPrefix(scheme, "{") {
		if !strings.EqualFold(scheme, "{CLEARTEXT") {
			return false, &entryError{errors.New("ldap.attributes.cleartext names an attribute with hashed passwords")}
		}
		text = rest
	}
	return text != "" && s.Is(text), nil
}

// wipe forgets what was read.
func (c *conn) wipe() { clear(c.in) }

// TryDomain reports what keeps a domain controller from checking MS-CHAPv2; nil
// also when none is configured.
func (d *Directory) TryDomain(ctx context.Context) error {
	if d.domain == nil {
		return nil
	}
	return d.domain.Try(ctx)
}
