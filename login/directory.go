package login

import (
	"context"
	"errors"
	"time"
)

// A Directory knows accounts and checks passwords. An error that wraps a
// [*Refusal] means "decided: no"; every other error means "could not decide",
// is never counted against the person, and makes a RADIUS server stay silent.
type Directory interface {
	// Lookup finds the one account that a person means by what she typed. A
	// result may come from a cache when it is not older than maxAge. It wraps
	// a Refusal with [ReasonUnknownUser] for no match and
	// [ReasonAmbiguousUser] for more than one.
	Lookup(ctx context.Context, name string, maxAge time.Duration) (Account, error)
	// Verify checks the password of an account that Lookup returned, asking
	// the directory each time. With the zero Account it does the same work
	// for nobody and refuses, so that unknown names take as long as known
	// ones.
	Verify(ctx context.Context, a Account, password Secret) error
}

// Reason is why a login was decided as it was. It is for logs, metrics and the
// service desk; the person is told the same whatever it is.
type Reason string

// Reasons of refusals and acceptances. The list is closed.
const (
	ReasonOK               Reason = "ok"
	ReasonNoSecondFactor   Reason = "no_second_factor_required"
	ReasonUnenrolledPass   Reason = "unenrolled_allowed"
	ReasonBeforeDate       Reason = "before_date"
	ReasonRemembered       Reason = "remembered_device"
	ReasonEmergency        Reason = "emergency_mode"
	ReasonBadRequest       Reason = "bad_request"
	ReasonUnknownUser      Reason = "unknown_user"
	ReasonAmbiguousUser    Reason = "ambiguous_user"
	ReasonBadPassword      Reason = "bad_password"
	ReasonEmptyPassword    Reason = "empty_password"
	ReasonBadEncoding      Reason = "password_not_utf8"
	ReasonPasswordExpired  Reason = "password_expired"
	ReasonMustChange       Reason = "password_must_change"
	ReasonDisabled         Reason = "account_disabled"
	ReasonAccountExpired   Reason = "account_expired"
	ReasonLockedDirectory  Reason = "locked_by_directory"
	ReasonHours            Reason = "outside_hours"
	ReasonWorkstation      Reason = "workstation_not_allowed"
	ReasonLocked           Reason = "locked"
	ReasonSourceLimited    Reason = "source_limited"
	ReasonPolicyDeny       Reason = "denied_by_rule"
	ReasonNotEnrolled      Reason = "not_enrolled"
	ReasonCannotAsk        Reason = "client_cannot_ask"
	ReasonWrongCode        Reason = "wrong_code"
	ReasonUsedCode         Reason = "code_used_before"
	ReasonNotDelivered     Reason = "not_delivered"
	ReasonTooManyTries     Reason = "too_many_tries"
	ReasonBadTicket        Reason = "bad_state"
	ReasonSpentTicket      Reason = "state_used_before"
	ReasonExpiredTicket    Reason = "question_expired"
	ReasonUnavailable      Reason = "dependency_unavailable"
	ReasonNoMethodWorks    Reason = "no_method_works"
	ReasonMethodNotAllowed Reason = "method_not_allowed"
	ReasonWaiting          Reason = "waiting_for_approval"
	ReasonDenied           Reason = "denied_by_person"
	ReasonFraud            Reason = "fraud_reported"
	ReasonBlocked          Reason = "blocked_by_fraud_report"
	ReasonNoAnswer         Reason = "not_answered"
	ReasonNoAnswerYet      Reason = "not_answered_in_time"
	ReasonInProgress       Reason = "another_sign_in_in_progress"
	ReasonTooManyCalls     Reason = "asked_too_often"
	ReasonCodeSent         Reason = "code_sent"
	ReasonRepeated         Reason = "refused_a_moment_ago"
	ReasonEnrolling        Reason = "enrolling"
	ReasonEnrolledNow      Reason = "enrolled_meanwhile"
	ReasonEnrollWaits      Reason = "enrollment_waits"
	ReasonEnrollElsewhere  Reason = "enroll_not_from_here"
	ReasonDormant          Reason = "dormant_account"

	// Of an expired password that is changed in the dialogue.
	ReasonPasswordChanged Reason = "password_changed"
	ReasonNewRefused      Reason = "new_password_refused"
	ReasonNewTooShort     Reason = "new_password_too_short"
	ReasonNewTooWeak      Reason = "new_password_too_weak"
	ReasonNewUsed         Reason = "new_password_used_before"
	ReasonNewUntypable    Reason = "new_password_untypable"
	ReasonNewTooSoon      Reason = "new_password_too_soon"
	ReasonNewDiffer       Reason = "new_passwords_differ"
)

// A Refusal is a decided "no" of a directory or a factor.
type Refusal struct {
	Reason Reason
	// Detail helps the log ("AD data 532"); never what a person typed.
	Detail string
}

// Error names the reason and its detail.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "refused: " + string(r.Reason)
	}
	return "refused: " + string(r.Reason) + " (" + r.Detail + ")"
}

// Refused returns the reason of a refusal in err's chain, or "" when err is
// not a decision.
func Refused(err error) Reason {
	if r := refusalOf(err); r != nil {
		return r.Reason
	}
	return ""
}

// refusalOf returns the refusal in err's chain, or nil.
func refusalOf(err error) *Refusal {
	r, _ := errors.AsType[*Refusal](err)
	return r
}
