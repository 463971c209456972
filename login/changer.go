package login

import "context"

// A Changer is a [Directory] in which a person can change her own password. It
// is asked behind the right password and a second factor only.
type Changer interface {
	Directory
	// PasswordRules tells what the directory wants of a new password of the
	// account, as far as it shows it.
	PasswordRules(ctx context.Context, a Account) (PasswordRules, error)
	// ChangePassword replaces the old password of an account by a new one, as
	// the person herself, so that every rule of the directory holds. A
	// [*Refusal] whose reason is about the new password ([ReasonNewTooShort] and
	// its like) means that another one may be taken, any other Refusal that none
	// will be. After any other error it may have been changed or not.
	ChangePassword(ctx context.Context, a Account, old, fresh Cleartext) error
}

// PasswordRules are what a directory wants of a new password. The zero value
// says nothing.
type PasswordRules struct {
	// MinLength is the fewest characters.
	MinLength int
	// Classes is how many kinds of characters it must have, of capitals, small
	// letters, digits and others.
	Classes int
	// History is how many of the last ones it may not be.
	History int
}

// newRefused are the refusals after which another new password may do, and what
// the person is told.
var newRefused = map[Reason]string{
	ReasonNewRefused:   "new_refused",
	ReasonNewTooShort:  "new_too_short",
	ReasonNewTooWeak:   "new_too_weak",
	ReasonNewUsed:      "new_used",
	ReasonNewUntypable: "new_untypable",
	ReasonNewTooSoon:   "new_too_soon",
	ReasonNewDiffer:    "new_differ",
}
