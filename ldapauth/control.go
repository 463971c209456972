package ldapauth

// A policyState is what a password policy response control says about the
// account (draft-behera-ldap-password-policy-10, section 6.2).
type policyState struct {
	// state is the error, or policyNone.
	state policyError
	// grace is that the password has expired and this was one of the logins
	// the directory still allows.
	grace bool
}

// policyError is the control's error; values are the draft's plus one, so that
// the zero value means none.
type policyError int32

const (
	policyNone policyError = iota
	policyExpired
	policyLocked
	policyMustChange
	policyNotAllowed
	policyOldMissing
	policyQuality
	policyShort
	policyYoung
	policyHistory
	policyLong // newer drafts
)

// readControls picks out the controls that matter to a login. One that is
// malformed makes the whole response malformed: it may have been the one that
// said no.
func (res *result) readControls(controls reader) error {
	for !controls.empty() {
		control, err := controls.want(tagSequence)
		if err != nil {
			return err
		}
		oid, err := control.want(tagOctets)
		if err != nil {
			return err
		}
		if _, _, err = control.optional(tagBoolean); err != nil {
			return err
		}
		value, _, err := control.optional(tagOctets)
		if err != nil {
			return err
		}
		switch string(oid) {
		case oidPolicy:
			if res.policy, err = value.policy(); err != nil {
				return err
			}
		case oidPwExpired:
			res.expired = true
		}
	}
	return nil
}

// policy reads a PasswordPolicyResponseValue. Some servers leave the value out
// when there is nothing to say.
func (r reader) policy() (policyState, error) {
	var p policyState
	if r.empty() {
		return p, nil
	}
	body, err := r.want(tagSequence)
	if err != nil {
		return p, err
	}
	warning, found, err := body.optional(tagWarning)
	if err != nil {
		return p, err
	}
	if found {
		tag, _, err := warning.next()
		if err != nil {
			return p, err
		}
		p.grace = tag == tagGraceLogins
	}
	state, found, err := body.optional(tagPolicyError)
	if err != nil || !found {
		return p, err
	}
	n, err := state.integer()
	if err != nil {
		return p, err
	}
	p.state = policyError(n) + 1
	return p, nil
}
