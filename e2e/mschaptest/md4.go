package mschaptest

import (
	"encoding/binary"
	"math/bits"
)

// MD4 is the message digest of RFC 1320.
func MD4(message []byte) (sum [16]byte) {
	m := append([]byte(nil), message...)
	m = append(m, 0x80)
	for len(m)%64 != 56 {
		m = append(m, 0)
	}
	m = binary.LittleEndian.AppendUint64(m, uint64(len(message))*8)
	s := [4]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}
	for ; len(m) > 0; m = m[64:] {
		var x [16]uint32
		for i := range x {
			x[i] = binary.LittleEndian.Uint32(m[4*i:])
		}
		r := s
		for round, order := range [3][16]int{
			{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
			{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15},
			{0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15},
		} {
			turns := [3][4]int{{3, 7, 11, 19}, {3, 5, 9, 13}, {3, 9, 11, 15}}[round]
			for i, k := range order {
				b, c, d := r[1], r[2], r[3]
				f := [3]uint32{b&c | ^b&d, b&c | b&d | c&d, b ^ c ^ d}[round]
				a := r[0] + f + x[k] + [3]uint32{0, 0x5a827999, 0x6ed9eba1}[round]
				r = [4]uint32{d, bits.RotateLeft32(a, turns[i%4]), b, c}
			}
		}
		for i := range s {
			s[i] += r[i]
		}
	}
	for i, v := range s {
		binary.LittleEndian.PutUint32(sum[4*i:], v)
	}
	return sum
}
