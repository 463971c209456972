package login

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"time"
)

// While an expired password is being changed the old one, and then the new one
// typed once, must be carried from round to round, and a ticket has no room for
// them. They lie in a record of the account, encrypted under a key that only
// the ticket has: neither a copy of the store with its key nor a ticket alone
// tells a password.
const (
	// changeFor is how long a dialogue may take that changes a password.
	changeFor = 15 * time.Minute
	// maxChangeable is the most octets of a password, old or new: twice what a
	// RADIUS client can send (RFC 2865, section 5.2).
	maxChangeable = 256

	changeKeySize = 16
)

// passwords are what is kept of a change, until when (Unix seconds).
type passwords struct {
	old, fresh Cleartext
	until      int64
}

// ChangeKey is the key of the record of an account's password changes under
// way; deleting it ends them.
func ChangeKey(accountID string) string { return changes.key(accountID) }

// maxBox is the octets of two passwords, their lengths, a nonce and a tag.
const maxBox = 2*(1+2+maxChangeable) + 12 + 16

// changes keeps the passwords of changes under way, and permits: of one the
// tries used up, and the factor that was proven for it.
var changes = &keptKind{prefix: "change/", what: "password changes", lasts: changeFor, room: maxBox}

// changeCipher opens and seals what is kept under a ticket's key, and id names
// the key without telling it.
func changeCipher(key [changeKeySize]byte) (box cipher.AEAD, id [8]byte, err error) {
	derived, err := hkdf.Key(sha256.New, key[:], nil, "password change", 32+len(id)) // RFC 5869
	if err != nil {
		return nil, id, err
	}
	copy(id[:], derived[32:])
	block, err := aes.NewCipher(derived[:32])
	if err != nil {
		return nil, id, err
	}
	box, err = cipher.NewGCMWithRandomNonce(block)
	return box, id, err
}

var errChange = errors.New("login: what is kept of a password change cannot be read: sign in anew")

// keepChange keeps the passwords of a change under the key of its question.
func (f *Flow) keepChange(ctx context.Context, q *question, p passwords, place uint64, now time.Time) error {
	box, id, err := changeCipher(q.key)
	if err != nil {
		return err
	}
	plain := append([]byte{byte(len(p.old) >> 8), byte(len(p.old))}, string(p.old)+string(p.fresh)...) //nolint:gosec // at most maxChangeable
	sealed := box.Seal(nil, nil, plain, []byte(q.account))                                             //nolint:gosec // this AEAD makes the nonce itself
	clear(plain)
	return f.keep(ctx, changes, q.account, now, kept{id: id, place: place, until: p.until, data: sealed})
}

// dropChange forgets the passwords of a change that has ended without one.
func (f *Flow) dropChange(ctx context.Context, q *question, now time.Time) error {
	_, id, err := changeCipher(q.key)
	if err != nil {
		return err
	}
	_, _, err = f.drop(ctx, changes, q.account, id, now)
	return err
}

// keptPasswords returns what is kept of a change; found is false when it has
// taken too long or was pushed out.
func (f *Flow) keptPasswords(ctx context.Context, q *question, now time.Time) (p passwords, found bool, err error) {
	box, id, err := changeCipher(q.key)
	if err != nil {
		return p, false, err
	}
	c, found, err := f.find(ctx, changes, q.account, id, now)
	if err != nil || !found {
		return p, false, err
	}
	plain, err := box.Open(nil, nil, c.data, []byte(q.account))
	if err != nil {
		return p, false, errChange
	}
	if len(plain) < 2 || len(plain)-2 < int(binary.BigEndian.Uint16(plain)) {
		return p, false, errChange
	}
	n := 2 + int(binary.BigEndian.Uint16(plain))
	p = passwords{old: Cleartext(plain[2:n]), fresh: Cleartext(plain[n:]), until: c.until}
	clear(plain)
	return p, true, nil
}
