package audio

// Rate is the number of samples a second, everywhere in this package.
const Rate = 8000

// A Law is a companding law of ITU-T G.711: an octet for each sample. Its zero
// value is MuLaw.
type Law uint8

// The laws: the one of North America and Japan, and the one of everybody else.
const (
	MuLaw Law = iota
	ALaw
)

// String names the law as RTP does (RFC 3551, section 6).
func (l Law) String() string {
	if l == ALaw {
		return "PCMA"
	}
	return "PCMU"
}

// Encode appends the octet of each sample to dst.
func (l Law) Encode(dst []byte, pcm []int16) []byte {
	if l == ALaw {
		for _, x := range pcm {
			dst = append(dst, alawCodes[uint16(x)>>alawShift]) //nolint:gosec // the same bits
		}
		return dst
	}
	for _, x := range pcm {
		dst = append(dst, mulawCodes[uint16(x)>>mulawShift]) //nolint:gosec // the same bits
	}
	return dst
}

// Decode appends the sample of each octet to dst.
func (l Law) Decode(dst []int16, codes []byte) []int16 {
	values := &mulawValues
	if l == ALaw {
		values = &alawValues
	}
	for _, c := range codes {
		dst = append(dst, values[c])
	}
	return dst
}

// Samples of 16 bits are finer than the smallest step of a law: the decision
// values of G.711 are multiples of 16 (A-law) and of 4 (mu-law), so that the
// tables need no more entries than these shifts leave.
const (
	alawShift  = 4
	mulawShift = 2
)

var (
	alawValues  = values(alawValue)
	mulawValues = values(mulawValue)
	alawCodes   = codes(alawShift, alawCode)
	mulawCodes  = codes(mulawShift, mulawCode)
)

func values(value func(byte) int16) (table [256]int16) {
	for c := range table {
		table[c] = value(byte(c))
	}
	return table
}

func codes(shift int, code func(int16) byte) []byte {
	table := make([]byte, 1<<16>>shift)
	for i := range table {
		table[i] = code(int16(uint16(i << shift))) //nolint:gosec // the same bits
	}
	return table
}

// Even bits are inverted on the line (G.711, table 1a, note 2).
const alawInvert = 0x55

// alawValue is table 1a of G.711, scaled to 16 bits: a segment of 3 bits, a
// step of 4, and the middle of the step.
func alawValue(code byte) int16 {
	code ^= alawInvert
	segment, step := int16(code>>4&7), int16(code&15)
	x := step<<4 + 8
	if segment > 0 {
		x = (x + 0x100) << (segment - 1)
	}
	if code&0x80 == 0 {
		return -x
	}
	return x
}

func alawCode(x int16) byte {
	sign := byte(0x80)
	if x < 0 {
		sign = 0
		x = ^x // -1 becomes 0: the steps lie alike on both sides of 0, and -32768 fits
	}
	segment := byte(0)
	for x > 0x1ff {
		x >>= 1
		segment++
	}
	step := byte(x >> 4) //nolint:gosec // below 32
	if step > 15 {
		segment++
	}
	return (sign | segment<<4 | step&15) ^ alawInvert
}

const (
	mulawBias = 0x84   // 33 in the units of G.711, table 2a
	mulawClip = 0x7f7b // the largest value that does not carry into the sign
)

// mulawValue is table 2a of G.711, scaled to 16 bits; all bits are inverted.
func mulawValue(code byte) int16 {
	code = ^code
	segment, step := code>>4&7, int16(code&15)
	x := (step<<3+mulawBias)<<segment - mulawBias
	if code&0x80 != 0 {
		return -x
	}
	return x
}

func mulawCode(x int16) byte {
	sign := byte(0)
	if x < 0 {
		sign = 0x80
		x = ^x
	}
	x = min(x, mulawClip) + mulawBias
	segment := byte(0)
	for y := x >> 8; y > 0; y >>= 1 {
		segment++
	}
	return ^(sign | segment<<4 | byte(x>>(segment+3)&15))
}
