package mschap

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/portvakt/portvakt/login"
)

// A Change is a new password as a person's system sends it when it was told that
// the old one has expired: under the hash of the old one, with a proof made with
// the new one. Nothing here opens it; who has the old hash can.
type Change struct {
	Proof
	password [newLen]byte
	hash     [16]byte
}

var _ login.NTChange = (*Change)(nil)

// Codes in front of the attributes of a change (RFC 2548, sections 2.1.9 and
// 2.3.4).
const (
	codeChange = 7
	codePiece  = 6
)

// NewPassword takes the change out of the request of this user.
func (f Found) NewPassword(user string) (*Change, error) {
	v := f.change
	if f.Version1 || len(v) != changeLen || v[0] != codeChange || len(f.challenge) != challengeLen ||
		string(v[34:42]) != "\x00\x00\x00\x00\x00\x00\x00\x00" {
		return nil, ErrForm
	}
	c := &Change{Proof: *newProof(v[1], v[18:34], f.challenge, v[42:66], user)}
	copy(c.hash[:], v[2:18])
	// The pieces may come in any order and have numbers one after the other,
	// from wherever they begin.
	pieces := slices.Clone(f.pieces)
	number := func(p []byte) uint16 { return binary.BigEndian.Uint16(p[2:]) }
	slices.SortStableFunc(pieces, func(a, b []byte) int { return cmp.Compare(number(a), number(b)) })
	n := 0
	for i, p := range pieces {
		if p[0] != codePiece || p[1] != v[1] || int(number(p)) != int(number(pieces[0]))+i || len(p)-pieceHead > newLen-n {
			return nil, ErrForm
		}
		n += copy(c.password[n:], p[pieceHead:])
	}
	if n != newLen {
		return nil, ErrForm
	}
	return c, nil
}

// NTBlobs are what a domain controller takes.
func (c *Change) NTBlobs() (password [newLen]byte, hash [16]byte) { return c.password, c.hash }
