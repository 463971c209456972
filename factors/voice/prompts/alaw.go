package prompts

// alaw is what each octet of A-law stands for (ITU-T G.711, table 1a).
var alaw = func() (table [256]int16) {
	for i := range table {
		octet := byte(i) ^ 0x55 // every second bit is sent inverted
		value := int16(octet&0x0f)<<4 | 0x08
		if segment := octet & 0x70 >> 4; segment > 0 {
			value = (value | 0x100) << (segment - 1)
		}
		if octet&0x80 == 0 {
			value = -value
		}
		table[i] = value
	}
	return table
}()

// toALaw is the octet nearest to a sample.
func toALaw(sample int16) byte {
	sign, value := byte(0x80), int(sample)
	if value < 0 {
		// The same distance below zero as the positive steps are above it.
		sign, value = 0, -value-1
	}
	value >>= 4
	segment := byte(0)
	for limit := 0x10; value >= limit && segment < 7; limit <<= 1 {
		segment++
	}
	if segment > 1 {
		value >>= segment - 1
	}
	return (sign | segment<<4 | byte(value&0x0f)) ^ 0x55
}
