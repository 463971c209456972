package audio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func wav(t testing.TB, format Format, pcm []int16) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteWAV(&b, format, pcm); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var soxWAV = map[Format][]string{
	FormatPCM:   {"-t", "wavpcm", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16"},
	FormatALaw:  {"-t", "wav", "-r", "8000", "-c", "1", "-e", "a-law"},
	FormatMuLaw: {"-t", "wav", "-r", "8000", "-c", "1", "-e", "mu-law"},
}

func TestRecordingsComeBackAsWritten(t *testing.T) {
	pcm := Tone(101*time.Millisecond, -6, 440)[:807] // an odd number needs padding
	for _, c := range []struct {
		format Format
		want   []int16
	}{
		{FormatPCM, pcm},
		{FormatALaw, ALaw.Decode(nil, ALaw.Encode(nil, pcm))},
		{FormatMuLaw, MuLaw.Decode(nil, MuLaw.Encode(nil, pcm))},
	} {
		got, err := ReadWAV(bytes.NewReader(wav(t, c.format, pcm)))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("format %d: got %d samples, %v; want %d", c.format, len(got), err, len(c.want))
		}
	}
}

func TestSoxReadsWhatIsWritten(t *testing.T) {
	pcm := Tone(100*time.Millisecond, -6, 440)
	for format := range soxWAV {
		file := wav(t, format, pcm)
		want, err := ReadWAV(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		got := samplesOf(sox(t, file, args([]string{"-t", "wav"}, stdin, soxPCM, stdin)...))
		if !slices.Equal(got, want) {
			t.Errorf("format %d: sox reads other samples than we do", format)
		}
	}
}

// sox writes to a pipe, where it cannot say the size, and adds chunks of its own
// to files of a law.
func TestWhatSoxWritesIsRead(t *testing.T) {
	pcm := Tone(100*time.Millisecond, -6, 440)
	for format, how := range soxWAV {
		file := sox(t, bytesOf(pcm), args(soxPCM, stdin, how, stdin)...)
		got, err := ReadWAV(bytes.NewReader(file))
		if err != nil || len(got) != len(pcm) {
			t.Errorf("format %d: got %d samples, %v; want %d", format, len(got), err, len(pcm))
		}
	}
}

func TestRecordingsThatAreRefused(t *testing.T) {
	good := wav(t, FormatPCM, make([]int16, 80))
	set16 := func(at int, x uint16) []byte {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint16(b[at:], x)
		return b
	}
	set32 := func(at int, x uint32) []byte {
		b := slices.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], x)
		return b
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "cut off"},
		{"another file", []byte("ID3, and then music"), "does not begin"},
		{"16000 Hz", set32(24, 16000), "16000 Hz"},
		{"stereo", set16(22, 2), "2 channels"},
		{"24 bits", set16(34, 24), "24 bits"},
		{"floating point", set16(20, 3), "format is 3"},
		{"a header cut off", good[:30], "cut off"},
		{"sound cut off", good[:100], "cut off"},
		{"a format cut off", set32(16, 8), "cut off"},
		{"a chunk as large as memory", set32(16, 0xfffffff0), "before the sound"},
		{"sound before its format", slices.Concat(good[:12], []byte("data\x04\x00\x00\x00abcd")), "before its format"},
		{"longer than a call", set32(40, 2*uint32(maxSamples)+2), "longer than"},
		{"chunks without end", slices.Concat(good[:12], bytes.Repeat([]byte("LIST\x00\x00\x00\x00"), 10_000)), "before the sound"},
	} {
		pcm, err := ReadWAV(bytes.NewReader(c.file))
		if !errors.Is(err, ErrRecording) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %d samples, %v; want %q", c.name, len(pcm), err, c.want)
		}
	}
	if err := WriteWAV(io.Discard, FormatPCM, make([]int16, maxSamples+1)); !errors.Is(err, ErrRecording) {
		t.Errorf("writing what is too long: got %v", err)
	}
}

func TestAFailingDiskIsNotABadRecording(t *testing.T) {
	broken := errors.New("broken")
	_, err := ReadWAV(io.MultiReader(bytes.NewReader(wav(t, FormatPCM, nil)[:20]), errReader{broken}))
	if !errors.Is(err, broken) || errors.Is(err, ErrRecording) {
		t.Errorf("got %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func FuzzReadWAV(f *testing.F) {
	for format := range soxWAV {
		f.Add(wav(f, format, Tone(5*time.Millisecond, -6, 440)))
	}
	f.Add(wav(f, FormatPCM, nil)[:40])
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEdata\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, file []byte) {
		pcm, err := ReadWAV(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, ErrRecording) {
				t.Errorf("got %v", err)
			}
			return
		}
		if len(pcm) > len(file) {
			t.Errorf("%d samples of %d octets", len(pcm), len(file))
		}
		again, err := ReadWAV(bytes.NewReader(wav(t, FormatPCM, pcm)))
		if err != nil || !slices.Equal(again, pcm) {
			t.Errorf("written again: %d samples, %v; want %d", len(again), err, len(pcm))
		}
	})
}
