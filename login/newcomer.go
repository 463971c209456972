package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

const (
	// approveWithin is how long what somebody enrolled waits for its approval;
	// then she enrolls anew.
	approveWithin = 7 * 24 * time.Hour
	// welcomeFor is how long somebody may enroll whom the service desk let.
	welcomeFor = 24 * time.Hour
)

// A Newcomer is what is remembered of somebody's first enrollment: one record,
// read only for people without a second factor.
type Newcomer struct {
	// Dormant is when she was first refused for not having used the account. A
	// sign-in is news to the directory, which would else call her active at
	// the next try (attack: guessing the password of an old account, and
	// enrolling; CISA AA22-074A).
	Dormant time.Time `json:"dormant,omitzero"`
	// Welcome is until when she may enroll all the same.
	Welcome time.Time `json:"welcome,omitzero"`
	// Waiting is what she has enrolled since Since, and is nothing yet: one of
	// the group Approvers must say so.
	Waiting   *Credential `json:"waiting,omitempty"`
	Approvers string      `json:"approvers,omitempty"`
	Since     time.Time   `json:"since,omitzero"`
}

// NewcomerKey is the key of the record of an account's first enrollment;
// deleting it forgets what waits.
func NewcomerKey(accountID string) string { return "newcomer/" + accountID }

// Waits reports whether something waits for an approval.
func (n Newcomer) Waits(now time.Time) bool {
	return n.Waiting != nil && now.Sub(n.Since) < approveWithin
}

// Refused reports whether she may not enroll, as the account was not used.
func (n Newcomer) Refused(now time.Time) bool { return !n.Dormant.IsZero() && !now.Before(n.Welcome) }

// NewcomerOf reads the record of an account; the zero Newcomer when there is
// none. One that cannot be read is an error: it may say no.
func NewcomerOf(ctx context.Context, r Records, accountID string) (n Newcomer, rev uint64, err error) {
	v, err := read(ctx, r, NewcomerKey(accountID), newcomerRecord)
	if err != nil {
		return n, 0, err
	}
	n, err = newcomerOf(v)
	return n, v.Rev, err
}

// newcomerRecord names the record in errors.
const newcomerRecord = "record of first enrollment"

func newcomerOf(v Value) (n Newcomer, err error) {
	if v.Rev != 0 && json.Unmarshal(v.Data, &n) != nil { // the cause may quote the data
		return Newcomer{}, errNewcomer
	}
	return n, nil
}

var errNewcomer = errors.New("login: record of a first enrollment cannot be read: portvakt user forget makes it anew")

// ForgetNewcomer forgets what waits for an approval, but not that an account was
// refused as dormant, which a record that cannot be read may have said.
func ForgetNewcomer(ctx context.Context, r Records, accountID string, now time.Time) error {
	n, rev, err := NewcomerOf(ctx, r, accountID)
	if errors.Is(err, errNewcomer) {
		data, err := json.Marshal(Newcomer{Dormant: now.UTC()})
		if err != nil {
			return err
		}
		return r.Swap(ctx, NewcomerKey(accountID), rev, data)
	}
	if err != nil || n.Waiting == nil {
		return err
	}
	return changeNewcomer(ctx, r, accountID, func(n *Newcomer) error {
		n.Waiting, n.Approvers, n.Since = nil, "", time.Time{}
		return nil
	})
}

// changeNewcomer changes the record durably. change may run several times.
func changeNewcomer(ctx context.Context, r Records, accountID string, change func(*Newcomer) error) error {
	return rewrite(ctx, r, NewcomerKey(accountID), newcomerRecord, func(v Value) ([]byte, error) {
		n, err := newcomerOf(v)
		if err != nil {
			return nil, err
		}
		if err := change(&n); err != nil || n == (Newcomer{}) {
			return nil, err
		}
		return json.Marshal(n)
	})
}

// newcomers are the offers in an enrollment of somebody without a second factor.
// A refusal is remembered.
func (f *Flow) newcomers(t *attempt, u User, d Decision, of topic) ([]Method, error) {
	return f.newcomersAt(t.ctx, t.Via, u, d, of, t.began, true)
}

func (f *Flow) newcomersAt(ctx context.Context, v Via, u User, d Decision, of topic, at time.Time, write bool) ([]Method, error) {
	offers, err := f.offers(v, u, d, of)
	if err != nil || of == topicSecond { // who has proven one is no newcomer any more
		return offers, err
	}
	if len(u.Enrollment.Credentials) > 0 {
		// She had a telephone, and it is gone from the directory. Another one
		// there has cooled; an app would be anybody's (attack: deleting her
		// number to be taken for her, without a second factor).
		offers = slices.DeleteFunc(offers, func(m Method) bool { return m.Standing })
		if len(offers) == 0 {
			return nil, &Refusal{Reason: ReasonNotEnrolled, Detail: "what she has enrolled counts no more: portvakt user show; make sure who she is, then portvakt user forget"}
		}
	}
	n, _, err := NewcomerOf(ctx, f.Records, u.Account.ID)
	if err != nil {
		return nil, err
	}
	if n.Waits(at) {
		return nil, &Refusal{Reason: ReasonEnrollWaits, Detail: "since " + n.Since.Format(time.RFC3339)}
	}
	if err := f.unused(ctx, u.Account, d, n, at, write); err != nil {
		return nil, err
	}
	return offers, nil
}

// unused refuses an account that was not used for so long that its owner may
// not be who signs in.
func (f *Flow) unused(ctx context.Context, a Account, d Decision, n Newcomer, now time.Time, write bool) error {
	limit := time.Duration(d.Enroll.Dormant) * 24 * time.Hour
	switch {
	case limit <= 0 || now.Before(n.Welcome):
		return nil
	case n.Refused(now):
		return &Refusal{Reason: ReasonDormant, Detail: "since " + n.Dormant.UTC().Format(time.DateOnly)}
	case a.Active.IsZero():
		return &Refusal{Reason: ReasonDormant, Detail: "the directory tells neither the last logon nor when the account was made: see ldap.attributes.last_logon"}
	case now.Sub(a.Active) < limit:
		return nil
	}
	refusal := &Refusal{Reason: ReasonDormant, Detail: "last used " + a.Active.UTC().Format(time.DateOnly)}
	if !write {
		return refusal
	}
	if err := changeNewcomer(ctx, f.Records, a.ID, func(n *Newcomer) error {
		n.Dormant = now.UTC()
		return nil
	}); err != nil {
		return err
	}
	return refusal
}

// await keeps what somebody has enrolled until it is approved.
func (f *Flow) await(t *attempt, a Account, d Decision, c Credential) error {
	return changeNewcomer(t.ctx, f.Records, a.ID, func(n *Newcomer) error {
		if n.Waits(t.began) {
			return ErrConflict
		}
		n.Waiting, n.Approvers, n.Since = &c, d.Enroll.Approval, t.began.UTC()
		return nil
	})
}

// Problems of an approval.
var (
	ErrNothingWaits  = errors.New("nothing waits for an approval")
	ErrOwnApproval   = errors.New("nobody approves her own enrollment: somebody else of the group does")
	ErrNoApprover    = errors.New("the approver is not a member of the group that enroll_approval names")
	ErrEnrolledSince = errors.New("she has got another second factor since that began to wait, which may be somebody else's: make sure who she is, then portvakt user forget, and enroll her anew")
)

// Approve makes what a person has enrolled count, and lets her enroll within a
// day who was refused as dormant. by is who says so, of whom the caller has made
// sure. It returns the credential that counts now, if any.
func Approve(ctx context.Context, r Records, es Enrollments, person, by Account, now time.Time) (*Credential, error) {
	if by.ID == "" || by.ID == person.ID {
		return nil, ErrOwnApproval
	}
	n, _, err := NewcomerOf(ctx, r, person.ID)
	if err != nil {
		return nil, err
	}
	if !n.Waits(now) {
		if !n.Refused(now) {
			return nil, ErrNothingWaits
		}
		return nil, changeNewcomer(ctx, r, person.ID, func(n *Newcomer) error {
			n.Welcome = now.Add(welcomeFor).UTC()
			return nil
		})
	}
	group, err := NormalDN(n.Approvers)
	if err != nil || !NewMembership(by).In(group) {
		return nil, ErrNoApprover
	}
	if err := addOnce(ctx, es, person, *n.Waiting, n.Since); err != nil {
		return nil, err
	}
	return n.Waiting, changeNewcomer(ctx, r, person.ID, func(n *Newcomer) error {
		*n = Newcomer{}
		return nil
	})
}

// addOnce adds a credential unless it is there: an approval that was cut off
// may be given again. What the account has got since it began to wait was given
// by somebody who had made sure of the person (attack: an app of a stranger that
// goes on waiting, and is approved once she has her own).
func addOnce(ctx context.Context, es Enrollments, a Account, c Credential, since time.Time) error {
	for range maxConflicts {
		e, err := es.Enrollment(ctx, a.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(e.Credentials, func(had Credential) bool { return had.ID == c.ID }) {
			return nil
		}
		if slices.ContainsFunc(e.Credentials, func(had Credential) bool { return had.Created.After(since) }) {
			return ErrEnrolledSince
		}
		if err := es.Add(ctx, a, e.Rev, c); !errors.Is(err, ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("write enrollment: %w %d times", ErrConflict, maxConflicts)
}
