package ldapauth

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/login"
)

// subCodes are Active Directory's reasons: the Windows error in hexadecimal
// behind "data" in the diagnostic message of a refused bind.
var subCodes = map[string]login.Reason{
	"525": login.ReasonUnknownUser,
	"52e": login.ReasonBadPassword,
	"530": login.ReasonHours,
	"531": login.ReasonWorkstation,
	"532": login.ReasonPasswordExpired,
	"533": login.ReasonDisabled,
	"701": login.ReasonAccountExpired,
	"773": login.ReasonMustChange,
	"775": login.ReasonLockedDirectory,
}

// verdict says what the result of a bind decides: nil for yes, a
// [*login.Refusal] for no, any other error when it decides nothing.
func (res result) verdict() error {
	if err := res.policyVerdict(); err != nil {
		return err
	}
	switch res.code {
	case ldap.LDAPResultSuccess:
		if res.expired {
			// 389 Directory Server lets people in to change an expired
			// password, and says so only in a control.
			return refuse(login.ReasonMustChange, "password expired control")
		}
		return nil
	case ldap.LDAPResultInvalidCredentials:
		return res.invalidCredentials()
	case ldap.LDAPResultConstraintViolation:
		if strings.Contains(res.diagnostic, "password retry limit") {
			return refuse(login.ReasonLockedDirectory, "retry limit")
		}
	case ldap.LDAPResultUnwillingToPerform:
		return res.unwilling()
	case ldap.LDAPResultInappropriateAuthentication:
		return refuse(login.ReasonBadPassword, "entry has no password")
	case ldap.LDAPResultNoSuchObject:
		return refuse(login.ReasonUnknownUser, "entry is gone")
	}
	return resultFailure(res)
}

// policyVerdict judges the password policy control. It comes first: a person
// whose password was reset binds with success and only the control says that
// she may do nothing but change it.
func (res result) policyVerdict() error {
	switch res.code {
	case ldap.LDAPResultSuccess, ldap.LDAPResultInvalidCredentials,
		ldap.LDAPResultConstraintViolation, ldap.LDAPResultUnwillingToPerform:
	default:
		return nil
	}
	switch res.policy.state {
	case policyNone:
		return nil
	case policyExpired:
		return refuse(login.ReasonPasswordExpired, "password policy")
	case policyLocked:
		return refuse(login.ReasonLockedDirectory, "password policy")
	case policyMustChange:
		return refuse(login.ReasonMustChange, "password policy")
	default:
		// The other states are about changing a password. One that comes with a
		// bind is not understood, and what is not understood lets nobody in.
		return &resultError{res}
	}
}

func (res result) invalidCredentials() error {
	if res.expired || strings.Contains(res.diagnostic, "password expired") {
		return refuse(login.ReasonPasswordExpired, "password expired control")
	}
	data, found := subCode(res.diagnostic)
	if !found {
		return refuse(login.ReasonBadPassword, "")
	}
	reason, known := subCodes[data]
	if !known {
		reason = login.ReasonBadPassword
	}
	return refuse(reason, "AD data "+data)
}

// unwilling judges result 53, with which 389 Directory Server and FreeIPA's
// lockout refuse accounts.
func (res result) unwilling() error {
	for _, known := range []struct {
		text   string
		reason login.Reason
	}{
		{"Account inactivated", login.ReasonDisabled},
		{"Too many failed logins", login.ReasonLockedDirectory},
		{"Entry permanently locked", login.ReasonLockedDirectory},
		{"Account (Kerberos principal) is expired", login.ReasonAccountExpired},
	} {
		if strings.Contains(res.diagnostic, known.text) {
			return refuse(known.reason, known.text)
		}
	}
	return resultFailure(res)
}

// maxSubCode is the most digits of a Windows error.
const maxSubCode = 8

// subCode finds the number in "…: LdapErr: DSID-…, comment:
// AcceptSecurityContext error, data 52e, v4563".
func subCode(diagnostic string) (string, bool) {
	_, rest, found := strings.Cut(diagnostic, "AcceptSecurityContext error, data ")
	if !found {
		return "", false
	}
	n := 0
	for n < len(rest) && n < maxSubCode && strings.IndexByte("0123456789abcdefABCDEF", rest[n]) >= 0 {
		n++
	}
	return strings.ToLower(rest[:n]), n > 0
}
