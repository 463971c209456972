package ldapauth

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
)

// stateAttributes tell that an account may not be used though its password is
// right. They are read where a stored hash decides and no bind asks the
// directory: those of Samba 3, of FreeIPA and 389 Directory Server, and of
// draft-behera-ldap-password-policy-10.
var stateAttributes = []string{
	"sambaAcctFlags", "sambaKickoffTime", "sambaPwdLastSet",
	"nsAccountLock", "krbPrincipalExpiration", "krbPasswordExpiration", "passwordExpirationTime", "accountUnlockTime",
	"pwdReset", "pwdAccountLockedTime", "pwdEndTime",
}

// An accountState is what an entry says of itself at a time.
type accountState struct {
	now     time.Time
	refusal error // the first of them
}

// note takes one value. One that cannot be understood is an error: it may mean
// that the account is locked.
func (s *accountState) note(attribute string, value []byte) error {
	v := string(value)
	switch strings.ToLower(attribute) {
	case "sambaacctflags": // "[UX         ]"
		switch {
		case strings.ContainsRune(v, 'D'):
			s.refuse(login.ReasonDisabled, attribute)
		case strings.ContainsRune(v, 'L'):
			s.refuse(login.ReasonLockedDirectory, attribute)
		}
	case "sambakickofftime":
		return s.unix(attribute, v, login.ReasonAccountExpired)
	case "sambapwdlastset":
		if v == "0" {
			s.refuse(login.ReasonMustChange, attribute)
		}
	case "nsaccountlock":
		s.boolean(attribute, v, login.ReasonDisabled)
	case "pwdreset":
		s.boolean(attribute, v, login.ReasonMustChange)
	case "pwdaccountlockedtime":
		// How long it lasts stands in a policy; it goes away with a bind.
		s.refuse(login.ReasonLockedDirectory, attribute)
	case "krbprincipalexpiration", "pwdendtime":
		return s.time(attribute, v, login.ReasonAccountExpired)
	case "krbpasswordexpiration", "passwordexpirationtime":
		return s.time(attribute, v, login.ReasonPasswordExpired)
	case "accountunlocktime":
		at, err := generalized(attribute, v)
		// The beginning of time means for good.
		if err == nil && (at.After(s.now) || at.Unix() == 0) {
			s.refuse(login.ReasonLockedDirectory, attribute)
		}
		return err
	}
	return nil
}

func (s *accountState) refuse(r login.Reason, attribute string) {
	if s.refusal == nil {
		s.refusal = refuse(r, attribute)
	}
}

func (s *accountState) boolean(attribute, v string, r login.Reason) {
	if !strings.EqualFold(v, "FALSE") {
		s.refuse(r, attribute)
	}
}

// unix is for times in seconds, of which 0 means never.
func (s *accountState) unix(attribute, v string, r login.Reason) error {
	at, err := strconv.ParseInt(v, 10, 64)
	if err != nil {
		return &entryError{fmt.Errorf("%s is no time", attribute)}
	}
	if at != 0 && s.now.Unix() >= at {
		s.refuse(r, attribute)
	}
	return nil
}

func (s *accountState) time(attribute, v string, r login.Reason) error {
	at, err := generalized(attribute, v)
	if err == nil && !s.now.Before(at) {
		s.refuse(r, attribute)
	}
	return err
}
