package login

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"
)

// Where only a proof of an expired password came there is nothing that a
// dialogue could change. The person's own system asks for a new one when it is
// told that the password has expired, and sends the change in a request of its
// own, which takes no question and no call any more. So the second factor is
// proven first, as ever, and only then she is told; that it was is a permit,
// good for one change from the same place.

// An NTChange is an [NTProof] made with a new password, which comes along under
// the old one, as MS-CHAPv2 does it (RFC 2759, section 7).
type NTChange interface {
	NTProof
	// NTBlobs are what a domain controller takes: the new password under the
	// hash of the old one (RFC 2759, section 8.9), and that hash under the hash
	// of the new one (section 8.12).
	NTBlobs() (password [516]byte, hash [16]byte)
}

// An NTChanger is a [Directory] that may be able to change passwords by an
// [NTChange].
type NTChanger interface {
	Directory
	// ChangesNTPasswords reports whether it is.
	ChangesNTPasswords() bool
	// ChangeNTPassword is ChangePassword of a [Changer].
	ChangeNTPassword(ctx context.Context, a Account, c NTChange) error
}

// permitFor is how long somebody has to think of a new password.
const permitFor = 5 * time.Minute

// permitID names the permit of an account at a place among its changes. It is of
// one client: another of its group may ask for more.
func permitID(account string, v Via) (id [8]byte) {
	mark := fingerprint(account, v)
	h := sha256.Sum256(slices.Concat([]byte("permit"), mark[:], []byte(v.Client)))
	copy(id[:], h[:])
	return id
}

// changesProofs reports whether a change can come in a request of its own.
func (f *Flow) changesProofs(password Secret) bool {
	_, proof := password.(NTProof)
	c, able := f.Directory.(NTChanger)
	return proof && able && c.ChangesNTPasswords()
}

// permit lets somebody whose second factor was proven change her password, and
// tells her system that it has expired.
func (f *Flow) permit(t *attempt, u User, second *factorProof) (Step, error) {
	now := time.Now()
	if err := f.keep(t.ctx, changes, u.Account.ID, now, kept{
		id: permitID(u.Account.ID, t.Via), place: t.station, until: now.Add(permitFor).Unix(), data: append([]byte{0}, second.method...),
	}); err != nil {
		return nil, err
	}
	t.event.Method = second.method
	return Reject{Reason: ReasonPasswordExpired, Text: f.Texts.Text(u.Language, "new_password") + " [" + reference(t.id) + "]"}, nil
}

// takePermit uses a permit up, durably.
func (f *Flow) takePermit(t *attempt, account string) (permit kept, found bool, err error) {
	permit, found, err = f.drop(t.ctx, changes, account, permitID(account, t.Via), t.began)
	return permit, found && len(permit.data) > 1, err
}

// changeByProof changes a password by what the person's system has sent, when
// her second factor was proven before, and lets her in.
func (f *Flow) changeByProof(t *attempt, account Account, nt NTChange, g loaded) (Step, error) {
	d := f.Policy.For(account, t.Via, t.began)
	t.event.Rule = d.Rule
	c, able := f.Directory.(NTChanger)
	if !d.ChangesExpired() || !able || !c.ChangesNTPasswords() {
		f.sources.failed(t.Via, t.station, t.began)
		return f.reject(t, ReasonPasswordExpired)
	}
	u, err := f.user(t, account)
	if err != nil {
		return nil, err
	}
	permit, found, err := f.takePermit(t, account.ID)
	switch {
	case err != nil:
		return nil, err
	case !found: // as for a name that nobody has (attack: finding out names)
		f.sources.failed(t.Via, t.station, t.began)
		return f.reject(t, ReasonExpiredTicket)
	}
	methods, factor := f.methods(u, d), string(permit.data[1:])
	if !stillProves(factor, methods) {
		return f.reject(t, ReasonMethodNotAllowed)
	}
	began := time.Now()
	err = c.ChangeNTPassword(t.ctx, account, nt)
	t.event.Directory += time.Since(began)
	if r := refusalOf(err); r != nil && newRefused[r.Reason] != "" {
		// She may try another, a few times.
		if permit.data[0]++; permit.data[0] < maxNewPasswords {
			err = errors.Join(err, f.keep(t.ctx, changes, account.ID, t.began, permit))
		}
		return f.refuse(t, err)
	}
	if err != nil {
		return f.wrongPassword(t, account, g, err)
	}
	q := &question{attempt: t.id, account: account.ID, method: factor}
	if err := f.changed(t, q); err != nil {
		return nil, err
	}
	// It is a proof of the new password, and earns the session's keys.
	if err := f.verify(t, account, nt); err != nil {
		return f.refuse(t, err)
	}
	if err := t.keep(account); err != nil {
		return nil, err
	}
	q.password = f.checkOfNew(t, account, d, nt)
	return f.proven(t, u, d, methods, q, &factorProof{account: account.ID, method: q.method}, g)
}
