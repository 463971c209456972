package store

import (
	"crypto/hkdf"
	"crypto/sha256"
	"slices"
)

// Keys returns keys of a purpose for keyed hashes: the active one, and those of
// the ring's other keys, under which older hashes were made. Each has 32
// octets and tells nothing of the ring (RFC 5869).
func (r *Ring) Keys(purpose string) (active []byte, old [][]byte) {
	ids := make([]byte, 0, len(r.keys))
	for id := range r.keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		key, err := hkdf.Key(sha256.New, r.keys[id], nil, "portvakt key "+purpose, keyLen)
		if err != nil {
			panic(err) // only for lengths that are too long
		}
		if id == r.active {
			active = key
		} else {
			old = append(old, key)
		}
	}
	return active, old
}

// Steady returns a key of a purpose that stays the same while the ring has its
// lowest key, for hashes that are names and cannot be made anew.
func (r *Ring) Steady(purpose string) []byte {
	lowest := r.active
	for id := range r.keys {
		lowest = min(lowest, id)
	}
	key, err := hkdf.Key(sha256.New, r.keys[lowest], nil, "portvakt steady "+purpose, keyLen)
	if err != nil {
		panic(err) // only for lengths that are too long
	}
	return key
}
