package ldapauth

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Object identifiers of the controls and operations used here.
const (
	oidStartTLS       = "1.3.6.1.4.1.1466.20037"    // RFC 4511, section 4.14
	oidModifyPassword = "1.3.6.1.4.1.4203.1.11.1"   // RFC 3062
	oidPolicy         = "1.3.6.1.4.1.42.2.27.8.5.1" // draft-behera-ldap-password-policy-10, section 6
	oidPwExpired      = "2.16.840.1.113730.3.4.4"   // Netscape password expired
	oidDomainScope    = "1.2.840.113556.1.4.1339"   // MS-ADTS, section 3.1.1.3.4.1.4
)

// A control is asked for with a request; none is ever critical.
func (w *writer) controls(oids ...string) {
	if len(oids) == 0 {
		return
	}
	all := w.begin(tagControls)
	for _, oid := range oids {
		one := w.begin(tagSequence)
		w.text(tagOctets, oid)
		w.end(one)
	}
	w.end(all)
}

// bindRequest is RFC 4511, section 4.2, simple authentication.
func (w *writer) bindRequest(id int32, dn, password string, controls ...string) {
	message := w.begin(tagSequence)
	w.integer(tagInteger, id)
	op := w.begin(opBindRequest)
	w.integer(tagInteger, 3)
	w.text(tagOctets, dn)
	w.text(tagSimple, password)
	w.end(op)
	w.controls(controls...)
	w.end(message)
}

// startTLSRequest is RFC 4511, section 4.14.1.
func (w *writer) startTLSRequest(id int32) {
	message := w.begin(tagSequence)
	w.integer(tagInteger, id)
	op := w.begin(opExtendedRequest)
	w.text(tagRequestName, oidStartTLS)
	w.end(op)
	w.end(message)
}

// unbindRequest is RFC 4511, section 4.3: a polite end.
func (w *writer) unbindRequest(id int32) {
	message := w.begin(tagSequence)
	w.integer(tagInteger, id)
	w.head(opUnbindRequest, 0)
	w.end(message)
}

// A result is an LDAPResult (RFC 4511, section 4.1.9) with the controls that
// matter to a login.
type result struct {
	code       int32
	diagnostic string
	policy     policyState
	// expired is that Netscape's password expired control came along.
	expired bool
}

// maxDiagnostic is how much of a server's own words goes into errors.
const maxDiagnostic = 200

// A resultError is a result that decides nothing about a person.
type resultError struct{ result }

// Error names the code as RFC 4511, appendix A does.
func (e *resultError) Error() string {
	name := ldap.LDAPResultCodeMap[uint16(e.code&0xffff)]
	if name == "" {
		name = "unknown"
	}
	if e.diagnostic == "" {
		return fmt.Sprintf("LDAP result %d (%s)", e.code, name)
	}
	return fmt.Sprintf("LDAP result %d (%s): %q", e.code, name, e.diagnostic)
}

// message takes an LDAPMessage apart (RFC 4511, section 4.1.1).
func (r reader) message() (id int32, op byte, body, controls reader, err error) {
	m, err := r.want(tagSequence)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	number, err := m.want(tagInteger)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	if id, err = number.integer(); err != nil {
		return 0, 0, nil, nil, err
	}
	if op, body, err = m.next(); err != nil {
		return 0, 0, nil, nil, err
	}
	if controls, _, err = m.optional(tagControls); err != nil {
		return 0, 0, nil, nil, err
	}
	return id, op, body, controls, nil
}

// result reads the parts that all responses have, and controls.
func (r reader) result(controls reader) (result, error) {
	var res result
	code, err := r.want(tagEnumerated)
	if err != nil {
		return res, err
	}
	if res.code, err = code.integer(); err != nil {
		return res, err
	}
	if _, err = r.want(tagOctets); err != nil { // matchedDN
		return res, err
	}
	diagnostic, err := r.want(tagOctets)
	if err != nil {
		return res, err
	}
	res.diagnostic = strings.ToValidUTF8(string(diagnostic[:min(len(diagnostic), maxDiagnostic)]), "")
	return res, res.readControls(controls)
}

// An entry is a SearchResultEntry (RFC 4511, section 4.5.2). It lies in the
// connection's buffer and ends with the callback that got it.
type entry struct {
	dn    reader
	attrs reader
}

func (r reader) entry() (e entry, err error) {
	if e.dn, err = r.want(tagOctets); err != nil {
		return e, err
	}
	e.attrs, err = r.want(tagSequence)
	return e, err
}

// each calls fn for each value of each attribute, in the server's order.
func (e entry) each(fn func(name, value []byte) error) error {
	for attrs := e.attrs; !attrs.empty(); {
		attr, err := attrs.want(tagSequence)
		if err != nil {
			return err
		}
		name, err := attr.want(tagOctets)
		if err != nil {
			return err
		}
		values, err := attr.want(tagSet)
		if err != nil {
			return err
		}
		for !values.empty() {
			value, err := values.want(tagOctets)
			if err != nil {
				return err
			}
			if err := fn(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}
