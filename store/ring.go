package store

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	keyLen = 32 // AES-256
	// maxRing bounds a key ring file in octets: 256 keys with comments.
	maxRing = 64 << 10
)

// A Ring is a set of keys, one of them active: new values are sealed under the
// active one, old values open under the one they name. It does not change.
type Ring struct {
	keys   map[byte][]byte
	active byte
}

// ParseRing reads a key ring: a line for each key, "<id> <32 octets in base64>",
// id from 0 to 255, with "active" behind the active one; when none is marked,
// the first is active. "#" begins a comment. A key alone, without id, is a ring
// of one key with id 0. Errors never contain a key.
func ParseRing(b []byte) (*Ring, error) {
	if len(b) > maxRing {
		return nil, fmt.Errorf("key ring has %d octets, at most %d", len(b), maxRing)
	}
	if key, err := decodeKey(strings.TrimSpace(string(b))); err == nil {
		return &Ring{keys: map[byte][]byte{0: key}}, nil
	}
	r := &Ring{keys: make(map[byte][]byte)}
	marked := false
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		id, key, active, err := parseKey(fields)
		if err != nil {
			return nil, fmt.Errorf("key ring, line %d: %w", n, err)
		}
		if r.keys[id] != nil {
			return nil, fmt.Errorf("key ring, line %d: key %d is there twice", n, id)
		}
		if active && marked {
			return nil, fmt.Errorf("key ring, line %d: a second active key; mark one", n)
		}
		if active || len(r.keys) == 0 {
			r.active = id
		}
		marked = marked || active
		r.keys[id] = key
	}
	if len(r.keys) == 0 {
		return nil, errors.New("key ring has no key; make one with \"portvakt init\"")
	}
	return r, nil
}

func parseKey(fields []string) (id byte, key []byte, active bool, err error) {
	if len(fields) < 2 || len(fields) > 3 || len(fields) == 3 && fields[2] != "active" {
		return 0, nil, false, errors.New("want \"<id> <key>\" or \"<id> <key> active\"")
	}
	n, err := strconv.ParseUint(fields[0], 10, 8)
	if err != nil {
		return 0, nil, false, errors.New("a key's id is a number from 0 to 255")
	}
	if key, err = decodeKey(fields[1]); err != nil {
		return 0, nil, false, err
	}
	return byte(n), key, len(fields) == 3, nil
}

// decodeKey keeps what it was given out of its error.
func decodeKey(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != keyLen {
		return nil, fmt.Errorf("a key is %d octets in base64 (%d characters)", keyLen, base64.StdEncoding.EncodedLen(keyLen))
	}
	if bytes.Count(key, key[:1]) == keyLen {
		return nil, errors.New("this key is no random one; make one with \"portvakt init\"")
	}
	return key, nil
}
