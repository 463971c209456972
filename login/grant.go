package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
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
	// maxGrants is how many questions of one account may wait for an answer
	// with something granted; the oldest gives way.
	maxGrants = 4
	// grantFor is longer than any dialogue lasts.
	grantFor = (maxRounds + 2) * questionFor
)

// A grant is what was granted with a password, kept until the question put
// behind it is answered: it does not fit a ticket.
type grant struct {
	attempt [5]byte
	at      int64 // Unix seconds
	data    []byte
}

// GrantKey is the key of the record of what was granted to an account and waits
// for an answer.
func GrantKey(accountID string) string { return "grant/" + accountID }

var errGrant = errors.New("login: record of grants cannot be read")

func encodeGrants(gs []grant) []byte {
	return encodeKept(gs, func(g *grant) ([]byte, int64, []byte) { return g.attempt[:], g.at, g.data })
}

func decodeGrants(b []byte) ([]grant, error) {
	var gs []grant
	if !decodeKept(b, maxGrants, len(grant{}.attempt), MaxGrant, func(id []byte, at int64, data []byte) {
		gs = append(gs, grant{[5]byte(id), at, data})
	}) {
		return nil, errGrant
	}
	return gs, nil
}

// grantsRecord names the record in errors.
const grantsRecord = "grants"

func (f *Flow) grants(ctx context.Context, account string) ([]grant, error) {
	v, err := read(ctx, f.Records, GrantKey(account), grantsRecord)
	if err != nil {
		return nil, err
	}
	return grantsOf(v)
}

func grantsOf(v Value) ([]grant, error) {
	if v.Rev == 0 {
		return nil, nil
	}
	return decodeGrants(v.Data)
}

// changeGrants writes what change makes of an account's grants.
func (f *Flow) changeGrants(ctx context.Context, account string, change func([]grant) []grant) error {
	return rewrite(ctx, f.Records, GrantKey(account), grantsRecord, func(v Value) ([]byte, error) {
		gs, err := grantsOf(v)
		if err != nil {
			return nil, err
		}
		return encodeGrants(change(gs)), nil
	})
}

// fileGrant keeps what was granted, once a dialogue, before its first question.
func (f *Flow) fileGrant(t *attempt, account string) error {
	if t.grant == nil || t.filed {
		return nil
	}
	err := f.changeGrants(t.ctx, account, func(gs []grant) []grant {
		gs = slices.DeleteFunc(gs, func(g grant) bool {
			age := t.began.Sub(time.Unix(g.at, 0))
			return age > grantFor || age < -time.Minute
		})
		if len(gs) == maxGrants {
			gs = gs[1:]
		}
		return append(gs, grant{t.id, t.began.Unix(), t.grant})
	})
	if err != nil {
		return fmt.Errorf("write grant: %w", err)
	}
	t.filed = true
	return nil
}

// recallGrant gets back what was granted in the first round of a dialogue. It
// reports false when later sign-ins of the account have taken its place.
func (f *Flow) recallGrant(t *attempt, q *question) (bool, error) {
	if !q.granted {
		return true, nil
	}
	gs, err := f.grants(t.ctx, q.account)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(gs, func(g grant) bool { return g.attempt == q.attempt })
	if i < 0 {
		return false, nil
	}
	t.grant, t.filed = gs[i].data, true
	return true, nil
}

// forgetGrant deletes what was granted in a dialogue that has ended well: there
// may be keys in it. Where it cannot be, the next sign-in that is asked a
// question does it; she has proven all that was asked of her.
func (f *Flow) forgetGrant(t *attempt, account string) {
	if !t.filed {
		return
	}
	_ = f.changeGrants(t.ctx, account, func(gs []grant) []grant {
		return slices.DeleteFunc(gs, func(g grant) bool { return g.attempt == t.id })
	})
}

// without refuses an answer to a question behind which what was granted is gone.
func (f *Flow) without(t *attempt, err error) (Step, error) {
	if err != nil {
		return nil, err
	}
	t.event.Detail = "later sign-ins have taken the place of what was granted with the password"
	return f.reject(t, ReasonExpiredTicket)
}
