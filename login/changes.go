package login

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
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
	// maxChanges are the dialogues, and permits, of one account that may do so at one time;
	// one more voids the oldest.
	maxChanges = 4
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

// A keptChange is one change under way.
type keptChange struct {
	id    [8]byte // of the key
	until int64   // Unix seconds
	// box are the passwords; of a permit the tries used up, and the factor that
	// was proven for it.
	box []byte
}

// ChangeKey is the key of the record of an account's password changes under
// way; deleting it ends them.
func ChangeKey(accountID string) string { return "change/" + accountID }

// maxBox is the octets of two passwords, their lengths, a nonce and a tag.
const maxBox = 2*(1+2+maxChangeable) + 12 + 16

var errChanges = errors.New("login: record of password changes cannot be read")

func encodeChanges(all []keptChange) []byte {
	return encodeKept(all, func(c *keptChange) ([]byte, int64, []byte) { return c.id[:], c.until, c.box })
}

func decodeChanges(b []byte) ([]keptChange, error) {
	var all []keptChange
	if !decodeKept(b, maxChanges, len(keptChange{}.id), maxBox, func(id []byte, until int64, box []byte) {
		all = append(all, keptChange{[8]byte(id), until, box})
	}) {
		return nil, errChanges
	}
	return all, nil
}

// live reports whether the change may go on. One that ends later than any can
// comes from a clock that jumped.
func (c *keptChange) live(now time.Time) bool {
	left := c.until - now.Unix()
	return left > 0 && left <= int64((changeFor+time.Minute)/time.Second)
}

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

// keepChange keeps the passwords of a change under the key of its question.
func (f *Flow) keepChange(ctx context.Context, q *question, p passwords, now time.Time) error {
	box, id, err := changeCipher(q.key)
	if err != nil {
		return err
	}
	plain := append([]byte{byte(len(p.old) >> 8), byte(len(p.old))}, string(p.old)+string(p.fresh)...) //nolint:gosec // at most maxChangeable
	sealed := box.Seal(nil, nil, plain, []byte(q.account))                                             //nolint:gosec // this AEAD makes the nonce itself
	clear(plain)
	return f.addChange(ctx, q.account, now, keptChange{id: id, until: p.until, box: sealed})
}

// addChange keeps a change, in the place of one with its id.
func (f *Flow) addChange(ctx context.Context, account string, now time.Time, c keptChange) error {
	return f.updateChanges(ctx, account, now, func(all []keptChange) []keptChange {
		all = slices.DeleteFunc(all, func(x keptChange) bool { return x.id == c.id })
		if len(all) == maxChanges {
			all = slices.Delete(all, 0, 1)
		}
		return append(all, c)
	})
}

// dropChange forgets the passwords of a change that has ended without one.
func (f *Flow) dropChange(ctx context.Context, q *question, now time.Time) error {
	_, id, err := changeCipher(q.key)
	if err != nil {
		return err
	}
	return f.updateChanges(ctx, q.account, now, func(all []keptChange) []keptChange {
		return slices.DeleteFunc(all, func(c keptChange) bool { return c.id == id })
	})
}

// dropChanges forgets all of an account: the old password is not hers any more.
func (f *Flow) dropChanges(ctx context.Context, account string) error {
	return f.updateChanges(ctx, account, time.Now(), func([]keptChange) []keptChange { return nil })
}

// keptPasswords returns what is kept of a change; found is false when it has
// taken too long or was pushed out.
func (f *Flow) keptPasswords(ctx context.Context, q *question, now time.Time) (p passwords, found bool, err error) {
	box, id, err := changeCipher(q.key)
	if err != nil {
		return p, false, err
	}
	all, err := f.loadChanges(ctx, q.account)
	if err != nil {
		return p, false, err
	}
	i := slices.IndexFunc(all, func(c keptChange) bool { return c.id == id && c.live(now) })
	if i < 0 {
		return p, false, nil
	}
	plain, err := box.Open(nil, nil, all[i].box, []byte(q.account))
	if err != nil {
		return p, false, errChanges
	}
	if len(plain) < 2 || len(plain)-2 < int(binary.BigEndian.Uint16(plain)) {
		return p, false, errChanges
	}
	n := 2 + int(binary.BigEndian.Uint16(plain))
	p = passwords{old: Cleartext(plain[2:n]), fresh: Cleartext(plain[n:]), until: all[i].until}
	clear(plain)
	return p, true, nil
}

// changesRecord names the record in errors.
const changesRecord = "password changes"

func (f *Flow) loadChanges(ctx context.Context, account string) ([]keptChange, error) {
	v, err := read(ctx, f.Records, ChangeKey(account), changesRecord)
	return changesOf(v), err
}

// changesOf is none of a record that cannot be read. It says nothing that
// outlives a quarter of an hour: it is written anew.
func changesOf(v Value) []keptChange {
	all, err := decodeChanges(v.Data)
	if err != nil {
		return nil
	}
	return all
}

func (f *Flow) updateChanges(ctx context.Context, account string, now time.Time, fn func([]keptChange) []keptChange) error {
	return rewrite(ctx, f.Records, ChangeKey(account), changesRecord, func(v Value) ([]byte, error) {
		return encodeChanges(fn(slices.DeleteFunc(changesOf(v), func(c keptChange) bool { return !c.live(now) }))), nil
	})
}
