package ldapauth

import (
	"strings"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/login"
)

// changeStates are what the policy control of a refused change says.
var changeStates = map[policyError]login.Reason{
	policyQuality: login.ReasonNewTooWeak,
	policyShort:   login.ReasonNewTooShort,
	policyYoung:   login.ReasonNewTooSoon,
	policyHistory: login.ReasonNewUsed,
	policyLong:    login.ReasonNewRefused,
}

// Windows errors in front of Active Directory's diagnostic messages.
const (
	windowsRestriction = "0000052D" // ERROR_PASSWORD_RESTRICTION
	windowsWrong       = "00000056" // ERROR_INVALID_PASSWORD: the old one
	windowsLocked      = "00000775" // ERROR_ACCOUNT_LOCKED_OUT
)

// restrictions are Samba's words for what was wrong with a new password;
// Windows has one error for all of them and does not say.
var restrictions = []struct {
	text   string
	reason login.Reason
}{
	{"too short", login.ReasonNewTooShort},
	{"complexity", login.ReasonNewTooWeak},
	{"history", login.ReasonNewUsed},
	{"too young", login.ReasonNewTooSoon},
}

// changeVerdict says what the result of a change decides: nil when the password
// is changed, a [*login.Refusal] when it is not, any other error when nothing is
// known.
func (res result) changeVerdict() error {
	if res.code == ldap.LDAPResultSuccess {
		return nil
	}
	if reason, known := changeStates[res.policy.state]; known {
		return refuse(reason, "password policy")
	}
	text := strings.ToUpper(res.diagnostic)
	switch {
	case strings.HasPrefix(text, windowsRestriction):
		for _, r := range restrictions {
			if strings.Contains(res.diagnostic, r.text) {
				return refuse(r.reason, "AD "+windowsRestriction)
			}
		}
		return refuse(login.ReasonNewRefused, "AD "+windowsRestriction)
	case strings.HasPrefix(text, windowsWrong):
		return refuse(login.ReasonBadPassword, "AD "+windowsWrong)
	case strings.HasPrefix(text, windowsLocked):
		return refuse(login.ReasonLockedDirectory, "AD "+windowsLocked)
	}
	switch res.code {
	case ldap.LDAPResultInvalidCredentials:
		return refuse(login.ReasonBadPassword, "the old one")
	case ldap.LDAPResultConstraintViolation:
		return refuse(login.ReasonNewRefused, (&resultError{res}).Error())
	case ldap.LDAPResultInsufficientAccessRights:
		// Somebody must allow it, in the directory: until then it stays expired.
		return refuse(login.ReasonPasswordExpired, "it may not be changed: "+(&resultError{res}).Error())
	case ldap.LDAPResultUnwillingToPerform:
		if strings.Contains(res.diagnostic, "unwilling to verify old password") {
			return refuse(login.ReasonBadPassword, "the old one")
		}
	}
	if res.policy.state == policyNotAllowed {
		return refuse(login.ReasonPasswordExpired, "it may not be changed: password policy")
	}
	return resultFailure(res)
}
