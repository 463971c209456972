package prompts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Rate is how many samples a second telephones have.
const Rate = 8000

// The tags of WAVE formats that are understood (RFC 2361, appendix A).
const (
	formatPCM        = 0x0001
	formatALaw       = 0x0006
	formatExtensible = 0xfffe // the tag is in the extension
)

// A clip is a recording as its file has it: the samples are decoded each time
// they are said, which costs less than to keep them.
type clip struct {
	law  bool // A-law; 16 bit PCM otherwise
	data []byte
}

func (c clip) len() int {
	if c.law {
		return len(c.data)
	}
	return len(c.data) / 2
}

// appendTo decodes.
func (c clip) appendTo(audio []int16) []int16 {
	if c.law {
		for _, octet := range c.data {
			audio = append(audio, alaw[octet])
		}
		return audio
	}
	for i := 0; i+1 < len(c.data); i += 2 {
		audio = append(audio, int16(binary.LittleEndian.Uint16(c.data[i:]))) //nolint:gosec // two's complement
	}
	return audio
}

// level is the mean of a sound in dB below full scale, -100 for silence.
func level(audio []int16) float64 {
	var sum float64
	for _, s := range audio {
		sum += float64(s) * float64(s)
	}
	if sum == 0 {
		return -100
	}
	return max(-100, 10*math.Log10(sum/float64(len(audio))/(1<<30)))
}

// errNoWAV is a file of another kind, whatever its name.
var errNoWAV = errors.New("is no WAV file")

// readWAV reads a file of one channel, 8000 samples a second, in 16 bit PCM or
// A-law.
func readWAV(b []byte) (clip, error) {
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		return clip{}, errNoWAV
	}
	var format []byte
	for b = b[12:]; len(b) >= 8; {
		name, size := string(b[:4]), uint64(binary.LittleEndian.Uint32(b[4:]))
		b = b[8:]
		switch {
		case name == "data" && format == nil:
			return clip{}, errNoWAV
		case name == "data":
			// Programs that write into a pipe do not know the size, and say one
			// that is too large.
			return newClip(format, b[:min(size, uint64(len(b)))])
		case size > uint64(len(b)):
			return clip{}, errNoWAV
		case name == "fmt ":
			format = b[:size]
		}
		// Chunks begin at even places.
		b = b[min(size+size%2, uint64(len(b))):]
	}
	return clip{}, errNoWAV
}

func newClip(format, data []byte) (clip, error) {
	if len(format) < 16 {
		return clip{}, errNoWAV
	}
	tag := binary.LittleEndian.Uint16(format)
	channels := binary.LittleEndian.Uint16(format[2:])
	rate := binary.LittleEndian.Uint32(format[4:])
	bits := binary.LittleEndian.Uint16(format[14:])
	if tag == formatExtensible && len(format) >= 26 {
		tag = binary.LittleEndian.Uint16(format[24:])
	}
	c := clip{law: tag == formatALaw, data: data}
	switch {
	case tag == formatPCM && bits == 16 && channels == 1 && rate == Rate:
		c.data = data[:len(data)&^1]
	case tag == formatALaw && bits == 8 && channels == 1 && rate == Rate:
	default:
		return clip{}, fmt.Errorf("has %s of %d bits, %d samples a second and %d channel(s), not PCM of 16 bits, 8000 and 1", encoding(tag), bits, rate, channels)
	}
	if len(c.data) == 0 {
		return clip{}, errors.New("has no sound in it")
	}
	return c, nil
}

func encoding(tag uint16) string {
	switch tag {
	case formatPCM:
		return "PCM"
	case formatALaw:
		return "A-law"
	case 0x0003:
		return "floating point"
	case 0x0007:
		return "µ-law"
	}
	return fmt.Sprintf("format %#x", tag)
}

// WriteWAV writes a sound as a file of 16 bit PCM, which everything plays.
func WriteWAV(w io.Writer, audio []int16) error {
	data := make([]byte, 0, 2*len(audio))
	for _, s := range audio {
		data = binary.LittleEndian.AppendUint16(data, uint16(s)) //nolint:gosec // two's complement
	}
	return writeWAV(w, formatPCM, 16, data)
}

// WriteALaw writes a sound as a file of A-law: half the size, and what most
// telephones of Europe would make of it anyway.
func WriteALaw(w io.Writer, audio []int16) error {
	data := make([]byte, 0, len(audio))
	for _, s := range audio {
		data = append(data, toALaw(s))
	}
	return writeWAV(w, formatALaw, 8, data)
}

func writeWAV(w io.Writer, tag, bits uint16, data []byte) error {
	const header = 12 + 8 + 18 + 8
	size := uint32(len(data)) //nolint:gosec // messages are minutes at most
	h := make([]byte, 0, header+len(data)+1)
	h = append(h, "RIFF"...)
	h = binary.LittleEndian.AppendUint32(h, header-8+size+size%2)
	h = append(h, "WAVEfmt "...)
	h = binary.LittleEndian.AppendUint32(h, 18)
	h = binary.LittleEndian.AppendUint16(h, tag)
	h = binary.LittleEndian.AppendUint16(h, 1)
	h = binary.LittleEndian.AppendUint32(h, Rate)
	h = binary.LittleEndian.AppendUint32(h, Rate*uint32(bits)/8)
	h = binary.LittleEndian.AppendUint16(h, bits/8)
	h = binary.LittleEndian.AppendUint16(h, bits)
	h = binary.LittleEndian.AppendUint16(h, 0)
	h = append(h, "data"...)
	h = binary.LittleEndian.AppendUint32(h, size)
	h = append(h, data...)
	if size%2 == 1 {
		h = append(h, 0)
	}
	_, err := w.Write(h)
	return err
}
