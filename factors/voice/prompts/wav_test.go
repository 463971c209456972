package prompts

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func TestALawIsThatOfG711(t *testing.T) {
	// The ends and the middle of table 1a, by their octets with every second
	// bit inverted.
	for octet, want := range map[byte]int16{
		0xd5: 8, 0x55: -8, 0xd4: 24, 0xaa: 32256, 0x2a: -32256, 0xc5: 264, 0x45: -264, 0xf5: 528, 0xba: 0x7e00 / 2,
	} {
		if got := alaw[octet]; got != want {
			t.Errorf("%#x: got %d, want %d", octet, got, want)
		}
	}
	for i := range 256 {
		if got := toALaw(alaw[i]); got != byte(i) {
			t.Errorf("%#x comes back as %#x, of %d", i, got, alaw[i])
		}
	}
}

func TestALawIsNear(t *testing.T) {
	for s := -32768; s <= 32767; s++ {
		got := int(alaw[toALaw(int16(s))])
		if far := max(got-s, s-got); far > 8+max(s, -s)/30 {
			t.Fatalf("%d comes back as %d", s, got)
		}
	}
}

func wav(t *testing.T, write func(*bytes.Buffer)) []byte {
	t.Helper()
	var b bytes.Buffer
	write(&b)
	return b.Bytes()
}

func TestWhatIsWrittenCanBeRead(t *testing.T) {
	audio := []int16{0, 1000, -1000, 20000, -20000, 32767, -32768}
	pcm := wav(t, func(b *bytes.Buffer) { _ = WriteWAV(b, audio) })
	c, err := readWAV(pcm)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.appendTo(nil); !slices.Equal(got, audio) || c.len() != len(audio) {
		t.Errorf("got %d, want %d", got, audio)
	}
	law := wav(t, func(b *bytes.Buffer) { _ = WriteALaw(b, audio) })
	if c, err = readWAV(law); err != nil {
		t.Fatal(err)
	}
	if got, want := c.appendTo(nil), []int16{8, 1008, -1008, 19968, -19968, 32256, -32256}; !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
	for _, b := range [][]byte{pcm, law} {
		if len(b)%2 != 0 || int(binary.LittleEndian.Uint32(b[4:])) != len(b)-8 {
			t.Errorf("the file has %d octets and tells %d", len(b), binary.LittleEndian.Uint32(b[4:]))
		}
	}
}

// chunks is a WAV file of parts that are a name and what is in it, by turns.
func chunks(parts ...string) string {
	var body strings.Builder
	body.WriteString("WAVE")
	for i := 0; i < len(parts); i += 2 {
		size := binary.LittleEndian.AppendUint32(nil, uint32(len(parts[i+1])))
		body.WriteString(parts[i] + string(size) + parts[i+1])
		if len(parts[i+1])%2 == 1 {
			body.WriteByte(0)
		}
	}
	return "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(body.Len()))) + body.String()
}

// format is a fmt chunk.
func format(tag, channels uint16, rate uint32, bits uint16) string {
	b := binary.LittleEndian.AppendUint16(nil, tag)
	b = binary.LittleEndian.AppendUint16(b, channels)
	b = binary.LittleEndian.AppendUint32(b, rate)
	b = append(b, 0, 0, 0, 0, 0, 0)
	return string(binary.LittleEndian.AppendUint16(b, bits))
}

func TestRecordingsThatProgramsWrite(t *testing.T) {
	pcm := format(1, 1, 8000, 16)
	extensible := format(0xfffe, 1, 8000, 16) + "\x16\x00\x10\x00\x04\x00\x00\x00" + "\x01\x00\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
	piped := chunks("fmt ", pcm, "data", "\x01\x00\x02\x00")
	piped = strings.Replace(piped, "data\x04\x00\x00\x00", "data\xff\xff\xff\xff", 1)
	for what, file := range map[string]string{
		"with a title before the sound":    chunks("LIST", "INFOINAM\x01\x00\x00\x00x", "fmt ", pcm, "data", "\x01\x00\x02\x00"),
		"with something after the sound":   chunks("fmt ", pcm, "data", "\x01\x00\x02\x00", "id3 ", "abc"),
		"with the long form of the format": chunks("fmt ", extensible, "data", "\x01\x00\x02\x00"),
		"written into a pipe":              piped,
		"cut in the middle of a sample":    chunks("fmt ", pcm, "data", "\x01\x00\x02\x00\x03"),
	} {
		c, err := readWAV([]byte(file))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if got := c.appendTo(nil); !slices.Equal(got, []int16{1, 2}) {
			t.Errorf("%s: got %d", what, got)
		}
	}
}

func TestOtherFormatsAreNamed(t *testing.T) {
	sound := strings.Repeat("\x01\x00", 8)
	for _, c := range []struct{ what, file, want string }{
		{"an MP3 file", "ID3\x04" + sound, "is no WAV file"},
		{"nothing", "", "is no WAV file"},
		{"a file without a format", chunks("data", sound), "is no WAV file"},
		{"a file without sound", chunks("fmt ", format(1, 1, 8000, 16)), "is no WAV file"},
		{"an empty sound", chunks("fmt ", format(1, 1, 8000, 16), "data", ""), "has no sound in it"},
		{"that of a studio", chunks("fmt ", format(1, 2, 48000, 24), "data", sound), "has PCM of 24 bits, 48000 samples a second and 2 channel(s)"},
		{"that of America", chunks("fmt ", format(7, 1, 8000, 8), "data", sound), "has µ-law of 8 bits"},
		{"floats", chunks("fmt ", format(3, 1, 8000, 32), "data", sound), "has floating point of 32 bits"},
		{"something else", chunks("fmt ", format(0x31, 1, 8000, 0), "data", sound), "has format 0x31"},
	} {
		_, err := readWAV([]byte(c.file))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.what, err, c.want)
		}
	}
}

func FuzzReadWAV(f *testing.F) {
	f.Add([]byte(chunks("fmt ", format(1, 1, 8000, 16), "data", "\x01\x00\x02\x00")))
	f.Add([]byte(chunks("LIST", "abc", "fmt ", format(6, 1, 8000, 8), "data", "abc")))
	f.Add([]byte(chunks("fmt ", format(0xfffe, 1, 8000, 16), "data", "ab")))
	f.Add([]byte("RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := readWAV(b)
		if err != nil {
			return
		}
		if got := len(c.appendTo(nil)); got != c.len() || got == 0 || got > len(b) {
			t.Errorf("got %d samples of %d octets, announced %d", got, len(b), c.len())
		}
	})
}
