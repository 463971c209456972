package winbind

import (
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/login"
)

// decided are the texts with which Samba tells that the answer is about the
// person: the words of Windows for an NTSTATUS, those of Samba before 4.5, and
// the names of both. What is not among them is about the way to the controller
// and decides nothing.
var decided = []struct {
	text, name string
	reason     login.Reason
}{
	{"the value provided as the current password is not correct", "WRONG_PASSWORD", login.ReasonBadPassword},
	{"wrong password", "WRONG_PASSWORD", login.ReasonBadPassword},
	{"the attempted logon is invalid", "LOGON_FAILURE", login.ReasonBadPassword},
	{"the specified account does not exist", "NO_SUCH_USER", login.ReasonUnknownUser},
	{"no such user", "NO_SUCH_USER", login.ReasonUnknownUser},
	{"password has expired", "PASSWORD_EXPIRED", login.ReasonPasswordExpired},
	{"password expired", "PASSWORD_EXPIRED", login.ReasonPasswordExpired},
	{"password must be changed", "PASSWORD_MUST_CHANGE", login.ReasonMustChange},
	{"must change password", "PASSWORD_MUST_CHANGE", login.ReasonMustChange},
	{"currently disabled", "ACCOUNT_DISABLED", login.ReasonDisabled},
	{"account disabled", "ACCOUNT_DISABLED", login.ReasonDisabled},
	{"user account has expired", "ACCOUNT_EXPIRED", login.ReasonAccountExpired},
	{"account expired", "ACCOUNT_EXPIRED", login.ReasonAccountExpired},
	{"automatically locked", "ACCOUNT_LOCKED_OUT", login.ReasonLockedDirectory},
	{"account locked out", "ACCOUNT_LOCKED_OUT", login.ReasonLockedDirectory},
	{"time restrictions", "INVALID_LOGON_HOURS", login.ReasonHours},
	{"invalid logon hours", "INVALID_LOGON_HOURS", login.ReasonHours},
	{"source workstation", "INVALID_WORKSTATION", login.ReasonWorkstation},
	{"invalid workstation", "INVALID_WORKSTATION", login.ReasonWorkstation},
	{"some user account restriction", "ACCOUNT_RESTRICTION", login.ReasonWorkstation},
	{"account restriction", "ACCOUNT_RESTRICTION", login.ReasonWorkstation},
	// Last, since it is in front of the others too in some words of Windows.
	{"logon failure", "LOGON_FAILURE", login.ReasonBadPassword},
}

// verdict says what a no decides.
func verdict(why string) error {
	low := strings.ToLower(why)
	for _, d := range decided {
		if strings.Contains(low, d.text) || strings.Contains(why, "NT_STATUS_"+d.name) {
			return &login.Refusal{Reason: d.reason, Detail: "NT_STATUS_" + d.name}
		}
	}
	return fmt.Errorf("winbind: %q: no decision about the person", why)
}
