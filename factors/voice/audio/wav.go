package audio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// MaxLength is how long a recording may be.
const MaxLength = maxSamples / Rate * time.Second

// Bounds of a file: what is longer is refused before it is read.
const (
	maxSamples = 5 * 60 * Rate
	maxSkipped = 64 << 10 // octets of chunks that are not sound: titles, pictures
)

// A Format is how a file has its samples: the format tag of a WAV file
// (RFC 2361, appendix A).
type Format uint16

// The formats: 16 bits a sample, and the laws of G.711.
const (
	FormatPCM   Format = 1
	FormatALaw  Format = 6
	FormatMuLaw Format = 7
)

// octets is the size of a sample.
func (f Format) octets() uint16 {
	if f == FormatPCM {
		return 2
	}
	return 1
}

// ErrRecording is a file that is not a recording as calls need it.
var ErrRecording = errors.New("audio: not a WAV file of 8000 Hz, mono, 16 bits or G.711")

func bad(why string, args ...any) error {
	return fmt.Errorf("%w: %s; sox makes one: sox IN -r 8000 -c 1 -b 16 OUT.wav", ErrRecording, fmt.Sprintf(why, args...))
}

// ReadWAV reads a recording: a WAV file of 8000 Hz, mono, with samples of 16
// bits or of G.711, of at most [MaxLength]. Errors wrap [ErrRecording], or are
// those of r.
func ReadWAV(r io.Reader) ([]int16, error) {
	var head [12]byte
	if err := readFull(r, head[:]); err != nil {
		return nil, err
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return nil, bad("it does not begin as one")
	}
	var format Format
	for skipped := 0; ; {
		var chunk [8]byte
		if err := readFull(r, chunk[:]); err != nil {
			return nil, err
		}
		name, size := string(chunk[:4]), binary.LittleEndian.Uint32(chunk[4:])
		if name == "data" {
			return readSamples(r, format, size)
		}
		skipped += len(chunk)
		if size > maxSkipped || skipped+int(size) > maxSkipped {
			return nil, bad("more than %d octets come before the sound", maxSkipped)
		}
		skipped += int(size)
		body := make([]byte, size+size&1) // chunks begin at even places
		if err := readFull(r, body); err != nil {
			return nil, err
		}
		if name == "fmt " {
			var err error
			if format, err = readFormat(body); err != nil {
				return nil, err
			}
		}
	}
}

func readFormat(body []byte) (Format, error) {
	if len(body) < 16 {
		return 0, bad("its format is cut off")
	}
	var (
		f        = Format(binary.LittleEndian.Uint16(body))
		channels = binary.LittleEndian.Uint16(body[2:])
		rate     = binary.LittleEndian.Uint32(body[4:])
		bits     = binary.LittleEndian.Uint16(body[14:])
	)
	if rate != Rate || channels != 1 {
		return 0, bad("it has %d Hz and %d channels", rate, channels)
	}
	switch {
	case f == FormatPCM && bits == 16, f == FormatALaw && bits == 8, f == FormatMuLaw && bits == 8:
		return f, nil
	}
	return 0, bad("its format is %d with %d bits", f, bits)
}

func readSamples(r io.Reader, format Format, size uint32) ([]int16, error) {
	if format == 0 {
		return nil, bad("its sound comes before its format")
	}
	octets := format.octets()
	limit := maxSamples * uint32(octets)
	// A program that writes to a pipe does not know the size in advance, and
	// says one that no file has.
	if size >= 0x7ffff000 {
		size = limit
	} else if size > limit {
		return nil, bad("it is longer than %v", MaxLength)
	}
	data, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err != nil {
		return nil, err
	}
	if size != limit && len(data) < int(size) {
		return nil, bad("it is cut off")
	}
	switch format {
	case FormatALaw:
		return ALaw.Decode(make([]int16, 0, len(data)), data), nil
	case FormatMuLaw:
		return MuLaw.Decode(make([]int16, 0, len(data)), data), nil
	default:
		pcm := make([]int16, len(data)/2)
		for i := range pcm {
			pcm[i] = int16(binary.LittleEndian.Uint16(data[2*i:])) //nolint:gosec // the same bits
		}
		return pcm, nil
	}
}

func readFull(r io.Reader, into []byte) error {
	_, err := io.ReadFull(r, into)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return bad("it is cut off")
	}
	return err
}

// WriteWAV writes a recording of at most [MaxLength].
func WriteWAV(w io.Writer, format Format, pcm []int16) error {
	if len(pcm) > maxSamples {
		return bad("it is longer than %v", MaxLength)
	}
	var data []byte
	switch format {
	case FormatPCM:
		for _, x := range pcm {
			data = binary.LittleEndian.AppendUint16(data, uint16(x)) //nolint:gosec // the same bits
		}
	case FormatALaw:
		data = ALaw.Encode(nil, pcm)
	case FormatMuLaw:
		data = MuLaw.Encode(nil, pcm)
	default:
		return bad("its format is %d", format)
	}
	size, octets := uint32(len(data)), format.octets() //nolint:gosec // at most MaxLength
	pad := size & 1
	file := make([]byte, 0, 44+size+pad)
	file = append(file, "RIFF"...)
	file = binary.LittleEndian.AppendUint32(file, 36+size+pad)
	file = append(file, "WAVEfmt "...)
	file = binary.LittleEndian.AppendUint32(file, 16)
	file = binary.LittleEndian.AppendUint16(file, uint16(format))
	file = binary.LittleEndian.AppendUint16(file, 1)
	file = binary.LittleEndian.AppendUint32(file, Rate)
	file = binary.LittleEndian.AppendUint32(file, Rate*uint32(octets))
	file = binary.LittleEndian.AppendUint16(file, octets)
	file = binary.LittleEndian.AppendUint16(file, 8*octets)
	file = append(file, "data"...)
	file = binary.LittleEndian.AppendUint32(file, size)
	file = append(file, data...)
	file = append(file, make([]byte, pad)...)
	_, err := w.Write(file)
	return err
}
