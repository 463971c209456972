package audio

import (
	"bytes"
	"slices"
	"testing"
)

var laws = []struct {
	law Law
	sox []string
}{{ALaw, soxALaw}, {MuLaw, soxMuLaw}}

func every[T any](n int, make func(int) T) (all []T) {
	for i := range n {
		all = append(all, make(i))
	}
	return all
}

var (
	everyCode   = every(256, func(i int) byte { return byte(i) })
	everySample = every(1<<16, func(i int) int16 { return int16(i - 1<<15) })
)

// Values of tables 1a, 1b, 2a and 2b of G.711, scaled to 16 bits.
func TestValuesOfTheStandard(t *testing.T) {
	for _, c := range []struct {
		law  Law
		code byte
		want int16
	}{
		{ALaw, 0xd5, 8},
		{ALaw, 0x55, -8},
		{ALaw, 0xaa, 32256},
		{ALaw, 0x2a, -32256},
		{MuLaw, 0xff, 0},
		{MuLaw, 0x7f, 0},
		{MuLaw, 0x80, 32124},
		{MuLaw, 0x00, -32124},
	} {
		if got := c.law.Decode(nil, []byte{c.code}); got[0] != c.want {
			t.Errorf("%v %#02x: got %d, want %d", c.law, c.code, got[0], c.want)
		}
	}
}

func TestEveryCodeIsItsOwnNearest(t *testing.T) {
	for _, l := range laws {
		want := slices.Clone(everyCode)
		if l.law == MuLaw {
			want[0x7f] = 0xff // it has two zeros
		}
		if got := l.law.Encode(nil, l.law.Decode(nil, everyCode)); !bytes.Equal(got, want) {
			t.Errorf("%v: got\n% x\nwant\n% x", l.law, got, want)
		}
	}
}

// The value of a code is in the middle of its step; of the outermost steps, what
// is beyond becomes their value.
func TestEachSampleIsInTheStepOfItsCode(t *testing.T) {
	for _, l := range laws {
		codes := l.law.Encode(nil, everySample)
		got := l.law.Decode(nil, codes)
		top := slices.Max(got)
		for i, x := range everySample {
			half := 4 << (^codes[i] >> 4 & 7)
			if l.law == ALaw {
				half = 8 << max(int((codes[i]^alawInvert)>>4&7)-1, 0)
			}
			if beyond := got[i] == top && x > top || got[i] == -top && x < -top; !beyond && distance(x, got[i]) > half {
				t.Fatalf("%v: %d became %d, of a step of %d", l.law, x, got[i], 2*half)
			}
		}
	}
}

func distance(a, b int16) int { return max(int(a)-int(b), int(b)-int(a)) }

func TestDecodersAgreeWithSox(t *testing.T) {
	for _, l := range laws {
		want := samplesOf(sox(t, everyCode, args(l.sox, stdin, soxPCM, stdin)...))
		if got := l.law.Decode(nil, everyCode); !slices.Equal(got, want) {
			t.Errorf("%v: got\n%v\nwant\n%v", l.law, got, want)
		}
	}
}

// The decision values of G.711 are whole units of 13 bits (A-law) and 14 bits
// (mu-law), and a sample between two units counts as the lower one. sox rounds
// it to a unit first: it takes each step up to a unit earlier or later.
func TestEncodersAgreeWithSox(t *testing.T) {
	for _, l := range laws {
		want := l.law.Decode(nil, sox(t, bytesOf(everySample), args(soxPCM, stdin, l.sox, stdin)...))
		got := l.law.Decode(nil, l.law.Encode(nil, everySample))
		unit := map[Law]int{ALaw: 8, MuLaw: 4}[l.law]
		other := 0
		for i, x := range everySample {
			if got[i] == want[i] {
				continue
			}
			other++
			if got[i] != want[max(i-unit, 0)] && got[i] != want[min(i+unit, len(want)-1)] {
				t.Fatalf("%v: %d became %d, with sox %d", l.law, x, got[i], want[i])
			}
		}
		if other > len(everySample)/50 {
			t.Errorf("%v: %d of %d samples differ", l.law, other, len(everySample))
		}
	}
}
