package login

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"
)

// What a dialogue must carry from round to round and has no room for in its
// ticket lies in a record of the account: a list of what is kept of each
// dialogue, under an id only its ticket leads to.
//
//	version | number | of each: id | place | until | length (2 octets) | data

const (
	keptVersion = 2
	// keptPlaceless had no place. What is in such a record has ended.
	keptPlaceless = 1
	// mostKept is how many dialogues of an account have something in a record.
	mostKept = 8
)

// A kept is what one dialogue has in a record.
type kept struct {
	id    [8]byte
	place uint64 // the station it was begun from
	until int64  // Unix seconds
	data  []byte
}

// A keptKind is a record of this form.
type keptKind struct {
	prefix string        // of its keys, before the account's id
	what   string        // in errors
	lasts  time.Duration // the longest that something is kept
	room   int           // octets of what is kept of one dialogue
}

func (k *keptKind) key(account string) string { return k.prefix + account }

// encodeKept writes a list, and none as nil, which deletes the record.
func encodeKept(all []kept) []byte {
	if len(all) == 0 {
		return nil
	}
	b := []byte{keptVersion, byte(len(all))} //nolint:gosec // at most mostKept
	for i := range all {
		b = append(b, all[i].id[:]...)
		b = binary.BigEndian.AppendUint64(b, all[i].place)
		b = appendTime(b, all[i].until)
		b = binary.BigEndian.AppendUint16(b, uint16(len(all[i].data))) //nolint:gosec // at most the kind's room
		b = append(b, all[i].data...)
	}
	return b
}

var errKept = errors.New("cannot be read: sign in anew")

// decode reads a list; none where there is no record.
func (k *keptKind) decode(b []byte) ([]kept, error) {
	if len(b) == 0 || b[0] == keptPlaceless {
		return nil, nil
	}
	if len(b) < 2 || b[0] != keptVersion || b[1] == 0 || b[1] > mostKept {
		return nil, errKept
	}
	const fixed = 8 + 8 + 8 + 2
	all := make([]kept, b[1])
	b = b[2:]
	for i := range all {
		if len(b) < fixed {
			return nil, errKept
		}
		n := int(binary.BigEndian.Uint16(b[24:]))
		all[i] = kept{id: [8]byte(b), place: binary.BigEndian.Uint64(b[8:]), until: readTime(b[16:])}
		if b = b[fixed:]; n > k.room || n > len(b) {
			return nil, errKept
		}
		all[i].data, b = b[:n:n], b[n:]
	}
	if len(b) != 0 {
		return nil, errKept
	}
	return all, nil
}

// ended reports whether the dialogue can go on no more. One that ends later than
// any can comes from a clock that jumped.
func (k *keptKind) ended(e *kept, now time.Time) bool {
	left := e.until - now.Unix()
	return left <= 0 || left > int64((k.lasts+time.Minute)/time.Second)
}

// find returns what is kept of a dialogue; found is false when it has taken too
// long or had to give way.
func (f *Flow) find(ctx context.Context, k *keptKind, account string, id [8]byte, now time.Time) (e kept, found bool, err error) {
	v, err := read(ctx, f.Records, k.key(account), k.what)
	if err != nil {
		return e, false, err
	}
	all, err := k.decode(v.Data)
	if err != nil {
		return e, false, fmt.Errorf("login: %s: %w", k.what, err)
	}
	i := slices.IndexFunc(all, func(e kept) bool { return e.id == id && !k.ended(&e, now) })
	if i < 0 {
		return e, false, nil
	}
	return all[i], true, nil
}

// keep adds what is kept of a dialogue, in the place of what has its id. Where
// there is no room another one gives way.
func (f *Flow) keep(ctx context.Context, k *keptKind, account string, now time.Time, e kept) error {
	return rekeep(ctx, f.Records, k, account, now, func(all []kept) ([]kept, error) {
		all = slices.DeleteFunc(all, func(had kept) bool { return had.id == e.id })
		if len(all) < mostKept {
			return append(all, e), nil
		}
		g, err := f.guards.load(ctx, account)
		if err != nil {
			return nil, err
		}
		i := givesWay(all, e.place, func(place uint64) bool { return g.knows(place, now) })
		return append(slices.Delete(all, i, i+1), e), nil
	})
}

// givesWay picks who makes room for one more from a place: the oldest of the
// place that has most. Of places that have as many it is one that the account is
// not known at (attack: beginning again and again with a stolen password, so that
// its owner finds her dialogue gone).
func givesWay(all []kept, place uint64, known func(uint64) bool) int {
	has := map[uint64]int{place: 1}
	for _, e := range all {
		has[e.place]++
	}
	victim := 0
	for i, e := range all { // the oldest come first
		had := all[victim].place
		if cmp.Or(cmp.Compare(has[e.place], has[had]), cmp.Compare(flag(known(had)), flag(known(e.place)))) > 0 {
			victim = i
		}
	}
	return victim
}

// drop forgets what is kept of one dialogue, and returns it when it was there.
func (f *Flow) drop(ctx context.Context, k *keptKind, account string, id [8]byte, now time.Time) (dropped kept, found bool, err error) {
	err = rekeep(ctx, f.Records, k, account, now, func(all []kept) ([]kept, error) {
		found = false
		return slices.DeleteFunc(all, func(e kept) bool {
			if e.id != id {
				return false
			}
			dropped, found = e, true
			return true
		}), nil
	})
	return dropped, found && err == nil, err
}

// dropAll forgets what is kept of all dialogues.
func (f *Flow) dropAll(ctx context.Context, k *keptKind, account string) error {
	return rekeep(ctx, f.Records, k, account, time.Now(), func([]kept) ([]kept, error) { return nil, nil })
}

// rekeep puts what change makes of a list in its place, without what has ended. A
// list that cannot be read is written anew: all it could say ends soon.
func rekeep(ctx context.Context, r Records, k *keptKind, account string, now time.Time, change func([]kept) ([]kept, error)) error {
	return rewrite(ctx, r, k.key(account), k.what, func(v Value) ([]byte, error) {
		all, err := k.decode(v.Data)
		if err != nil {
			all = nil
		}
		all, err = change(slices.DeleteFunc(all, func(e kept) bool { return k.ended(&e, now) }))
		return encodeKept(all), err
	})
}
