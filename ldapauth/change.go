package ldapauth

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/login"
)

var _ login.Changer = (*Directory)(nil)

// ChangePassword has the directory replace a person's password, by the old one
// and not by the right to reset it, so that all rules hold; see
// [login.Changer]. It is never asked without TLS.
//
// Active Directory has the attribute unicodePwd, of which the old value is
// deleted and the new one added in one request (MS-ADTS, section
// 3.1.1.3.1.5.2); all others the operation of RFC 3062.
func (d *Directory) ChangePassword(ctx context.Context, a login.Account, old, fresh login.Cleartext) error {
	if a.ID == "" || a.DN == "" {
		return errors.New("ldapauth: account without an identifier or a distinguished name")
	}
	for _, p := range []login.Cleartext{old, fresh} {
		if _, err := cleanPassword(p); err != nil {
			return fmt.Errorf("change password: %w", err)
		}
	}
	if err := typable(string(fresh)); err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	c := change{dn: a.DN, old: string(old), fresh: string(fresh)}
	var outcome error
	err := d.try(ctx, func(s *server, deadline time.Time) error {
		if s.endpoint.tls == modePlain {
			return errClearChange // the configuration refuses it
		}
		conn, err := s.changer(ctx, deadline, &c)
		if err != nil {
			return err
		}
		if conn == nil {
			outcome = c.refused
			return nil
		}
		defer conn.close()
		write := c.modifyPassword
		if d.cfg.Kind == KindAD {
			write = c.modifyUnicodePwd
		}
		res, err := conn.changePassword(ctx, deadline, func(w *writer, id int32) { write(w, id, s.policy) })
		if err != nil {
			// It may have been changed: another server would find the old
			// password wrong, which is not true of what the person typed.
			outcome = fmt.Errorf("%s: the answer did not come, and it may have been changed: %w", s.url, err)
			return nil
		}
		if outcome = res.changeVerdict(); c.right && login.Refused(outcome) == login.ReasonBadPassword {
			outcome = refuse(login.ReasonPasswordExpired, "it may not be changed: the service account needs the rights to check and to write passwords")
		}
		return nil
	})
	if err = errors.Join(err, outcome); err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return nil
}

// typable refuses a new password that could not be typed everywhere. Directories
// compare octets, and at a sign-in it goes to them as the client sends it: a
// letter with a mark that one device sends in two parts and all others in one
// would make it another password. What is taken is as RFC 8265, section 4.2.2,
// would leave it.
func typable(fresh string) error {
	space := func(r rune) bool { return r != ' ' && unicode.Is(unicode.Zs, r) }
	switch {
	case !norm.NFC.IsNormalString(fresh):
		return refuse(login.ReasonNewUntypable, "the client sends letters and their marks apart (not in NFC)")
	case strings.ContainsFunc(fresh, space), strings.ContainsFunc(fresh, invisible):
		return refuse(login.ReasonNewUntypable, "with a space or character that cannot be seen")
	}
	return nil
}

var errClearChange = errors.New("ldapauth: a password is not changed without TLS: use ldaps:// or set starttls = true")

// A change is one of a password.
type change struct {
	dn, old, fresh string
	refused        error // why it is not even tried
	right          bool  // the directory has said that the old one is
}

// changer returns a connection on which the password can be changed, used for
// nothing else; none when the directory refuses the old one. Where a bind says
// yes, it is the person's own: policies let people whose password was reset do
// nothing but change it. Who may not bind at all, since the password has
// expired, is helped by the service account: the old password goes along and is
// checked with the change.
func (s *server) changer(ctx context.Context, deadline time.Time, ch *change) (*conn, error) {
	if len(s.policy) == 0 { // Active Directory refuses each such bind
		return s.dialBound(ctx, deadline)
	}
	c, err := s.dial(ctx, deadline)
	if err != nil {
		return nil, err
	}
	res, err := c.bind(ctx, deadline, ch.dn, ch.old, s.policy...)
	if err != nil {
		c.close()
		return nil, exchangeError(err)
	}
	verdict := res.verdict()
	if res.code == ldap.LDAPResultSuccess && (verdict == nil || expired(verdict)) {
		return c, nil
	}
	c.close()
	switch {
	case expired(verdict):
		ch.right = true
		return s.dialBound(ctx, deadline)
	case login.Refused(verdict) != "":
		ch.refused = verdict
		return nil, nil //nolint:nilnil // it is decided
	}
	return nil, verdict
}

// expired reports whether a refusal is of a right password that must be changed.
func expired(verdict error) bool {
	r := login.Refused(verdict)
	return r == login.ReasonPasswordExpired || r == login.ReasonMustChange
}

// modifyPassword writes the operation of RFC 3062, section 2.
func (ch *change) modifyPassword(w *writer, id int32, controls []string) {
	message := w.begin(tagSequence)
	w.integer(tagInteger, id)
	op := w.begin(opExtendedRequest)
	w.text(tagRequestName, oidModifyPassword)
	value := w.begin(tagRequestValue)
	all := w.begin(tagSequence)
	w.text(tagUserIdentity, ch.dn)
	w.text(tagOldPassword, ch.old)
	w.text(tagNewPassword, ch.fresh)
	w.end(all)
	w.end(value)
	w.end(op)
	w.controls(controls...)
	w.end(message)
}

// modifyUnicodePwd writes a modify request (RFC 4511, section 4.6) that deletes
// the old password and adds the new one: what a person may do herself.
func (ch *change) modifyUnicodePwd(w *writer, id int32, controls []string) {
	message := w.begin(tagSequence)
	w.integer(tagInteger, id)
	op := w.begin(opModifyRequest)
	w.text(tagOctets, ch.dn)
	all := w.begin(tagSequence)
	for _, part := range []struct {
		operation int32
		password  string
	}{{modifyDelete, ch.old}, {modifyAdd, ch.fresh}} {
		one := w.begin(tagSequence)
		w.integer(tagEnumerated, part.operation)
		attribute := w.begin(tagSequence)
		w.text(tagOctets, "unicodePwd")
		values := w.begin(tagSet)
		w.text(tagOctets, quoted(part.password))
		w.end(values)
		w.end(attribute)
		w.end(one)
	}
	w.end(all)
	w.end(op)
	w.controls(controls...)
	w.end(message)
}

// quoted is a password as unicodePwd has it: in quotation marks, in UTF-16 with
// the low octet first.
func quoted(password string) string {
	var b []byte
	for _, unit := range utf16.Encode([]rune(`"` + password + `"`)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return string(b)
}

// changePassword sends what write wrote and waits for the result.
func (c *conn) changePassword(ctx context.Context, deadline time.Time, write func(w *writer, id int32)) (res result, err error) {
	err = c.guard(ctx, deadline, func() error {
		c.id++
		c.out.b = c.out.b[:0]
		write(&c.out, c.id)
		defer func() { clear(c.out.b) }()
		if err := c.wait.send(c.out.b); err != nil {
			return err
		}
		op, body, controls, err := c.receive()
		if err != nil {
			return err
		}
		if op != opExtendedResponse && op != opModifyResponse {
			return errUnexpected
		}
		res, err = body.result(controls)
		return err
	})
	return res, err
}
