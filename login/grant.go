package login

import (
	"context"
	"fmt"
)

// A Granter is a [Directory] whose yes comes with something for the device: a
// server that decides about passwords also says what a session may do, and has
// the keys of one that only proved its password.
type Granter interface {
	Directory
	// Grant is Verify, and returns with a yes what comes back by [Accept.Grant],
	// at most [MaxGrant] octets. Only the directory and the transport understand
	// it.
	Grant(ctx context.Context, a Account, password Secret) (grant []byte, err error)
}

const (
	// MaxGrant is the most octets of a grant.
	MaxGrant = 1024
	// grantFor is longer than any dialogue lasts.
	grantFor = (maxRounds + 2) * questionFor
)

// grants keeps what was granted with a password until the question put behind it
// is answered: it does not fit a ticket.
var grants = &keptKind{prefix: "grant/", what: "grants", lasts: grantFor, room: MaxGrant}

// GrantKey is the key of the record of what was granted to an account and waits
// for an answer.
func GrantKey(accountID string) string { return grants.key(accountID) }

// grantID is under what a dialogue's grant is kept.
func grantID(attempt [5]byte) (id [8]byte) {
	copy(id[:], attempt[:])
	return id
}

// fileGrant keeps what was granted, once a dialogue, before its first question.
func (f *Flow) fileGrant(t *attempt, account string) error {
	if t.grant == nil || t.filed {
		return nil
	}
	err := f.keep(t.ctx, grants, account, t.began, kept{
		id: grantID(t.id), place: t.station, until: t.began.Add(grantFor).Unix(), data: t.grant,
	})
	if err != nil {
		return fmt.Errorf("write grant: %w", err)
	}
	t.filed = true
	return nil
}

// recallGrant gets back what was granted in the first round of a dialogue. It
// reports false when later sign-ins of the account have taken its place, or it
// has taken too long.
func (f *Flow) recallGrant(t *attempt, q *question) (bool, error) {
	if !q.granted {
		return true, nil
	}
	e, found, err := f.find(t.ctx, grants, q.account, grantID(q.attempt), t.began)
	if err != nil || !found {
		return false, err
	}
	t.grant, t.filed = e.data, true
	return true, nil
}

// forgetGrant deletes what was granted in a dialogue that has ended well: there
// may be keys in it. Where it cannot be, [Sweep] does it; she has proven all that
// was asked of her.
func (f *Flow) forgetGrant(t *attempt, account string) {
	if !t.filed {
		return
	}
	_, _, _ = f.drop(t.ctx, grants, account, grantID(t.id), t.began)
}

// without refuses an answer to a question behind which what was granted is gone.
func (f *Flow) without(t *attempt, err error) (Step, error) {
	if err != nil {
		return nil, err
	}
	t.event.Detail = "later sign-ins have taken the place of what was granted with the password"
	return f.reject(t, ReasonExpiredTicket)
}
