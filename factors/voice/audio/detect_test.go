package audio

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const (
	allKeys = "123A456B789C*0#D"
	ms      = time.Millisecond
)

// heard gives a detector the sound in packets of 20 ms, as a call does.
func heard(pcm []int16) string {
	var d Detector
	var keys []byte
	for packet := range slices.Chunk(pcm, 160) {
		keys = d.Append(keys, packet)
	}
	return string(keys)
}

// through is what a law leaves of a sound.
func through(l Law, pcm []int16) []int16 { return l.Decode(nil, l.Encode(nil, pcm)) }

func mixed(sounds ...[]int16) []int16 {
	pcm := slices.Clone(sounds[0])
	for _, s := range sounds[1:] {
		for i := range pcm {
			pcm[i] = int16(max(math.MinInt16, min(math.MaxInt16, int(pcm[i])+int(s[i]))))
		}
	}
	return pcm
}

// noise is white, with the power of a tone of the level.
func noise(n int, dBm0 float64) []int16 {
	r := rand.New(rand.NewPCG(1, 2))
	pcm, rms := make([]int16, n), amplitude(dBm0)/math.Sqrt2
	for i := range pcm {
		pcm[i] = int16(max(math.MinInt16, min(math.MaxInt16, rms*r.NormFloat64())))
	}
	return pcm
}

func TestEveryKeyIsFoundOnce(t *testing.T) {
	t.Parallel()
	for _, l := range laws {
		for _, level := range []float64{-2, -6, -12, -20, -27} {
			for _, on := range []time.Duration{40 * ms, 70 * ms, time.Second} {
				pcm := through(l.law, Press(allKeys, on, 50*ms, level))
				if got := heard(pcm); got != allKeys {
					t.Errorf("%v, %v at %v dBm0: got %q, want %q", l.law, on, level, got, allKeys)
				}
			}
		}
	}
}

// A packet begins anywhere in a tone.
func TestATonesPlaceDoesNotMatter(t *testing.T) {
	for shift := range hop {
		pcm := append(make([]int16, shift), Press(allKeys, 40*ms, 43*ms, -15)...)
		if got := heard(through(ALaw, pcm)); got != allKeys {
			t.Errorf("%d samples late: got %q, want %q", shift, got, allKeys)
		}
		short := append(make([]int16, shift), Press(allKeys, 20*ms, 60*ms, -15)...)
		if got := heard(through(ALaw, short)); got != "" {
			t.Errorf("tones of 20 ms, %d samples late: got %q, want none", shift, got)
		}
	}
}

// pair is a press of 5 with its frequencies and levels changed.
func pair(on time.Duration, off, rowLevel, columnLevel float64) []int16 {
	pcm := mixed(Tone(on, rowLevel, 770*(1+off)), Tone(on, columnLevel, 1336*(1+off)))
	return append(pcm, Silence(60*ms)...)
}

func join(parts ...[]int16) []int16 { return slices.Concat(parts...) }

func TestWhatIsAKey(t *testing.T) {
	five := Press("5", 60*ms, 0, -10)
	for _, c := range []struct {
		sound string
		pcm   []int16
		want  string
	}{
		{"frequencies 1.5 % high", pair(60*ms, 0.015, -10, -10), "5"},
		{"frequencies 1.5 % low", pair(60*ms, -0.015, -10, -10), "5"},
		{"frequencies 3.5 % high", pair(time.Second, 0.035, -10, -10), ""},
		{"frequencies 3.5 % low", pair(time.Second, -0.035, -10, -10), ""},
		{"the column 4 dB stronger", pair(60*ms, 0, -14, -10), "5"},
		{"the column 10 dB stronger", pair(60*ms, 0, -20, -10), ""},
		{"the row 8 dB stronger", pair(60*ms, 0, -10, -18), "5"},
		{"the row 13 dB stronger", pair(60*ms, 0, -10, -23), ""},
		{"only a row", Tone(time.Second, -10, 770), ""},
		{"only a column", Tone(time.Second, -10, 1336), ""},
		{"two rows", Tone(time.Second, -10, 770, 941), ""},
		{"too quiet", pair(time.Second, 0, -36, -36), ""},
		{"a third tone as loud", mixed(Tone(time.Second, -15, 770, 1336), Tone(time.Second, -15, 500)), ""},
		{"two keys at once", Tone(time.Second, -15, 770, 852, 1336), ""},
		{"with its second harmonic, as a voice has it", mixed(Tone(time.Second, -10, 770, 1336), Tone(time.Second, -22, 1540)), ""},
		{"a gap of 10 ms", join(five, Silence(10*ms), five, Silence(60*ms)), "5"},
		{"a gap of 45 ms", join(five, Silence(45*ms), five), "55"},
		{"another key with no gap", join(five, Press("#", 60*ms, 0, -10)), "5#"},
		{"a packet of 20 ms lost out of the middle", join(five[:200], five[360:], five[:300]), "5"},
		{"louder after a moment", join(Press("5", 60*ms, 0, -20), Press("5", 60*ms, 0, -10)), "5"},
		{"noise 15 dB below", mixed(pair(100*ms, 0, -10, -10), noise(1280, -22)), "5"},
		{"dial tone 15 dB below", mixed(pair(100*ms, 0, -10, -10)[:800], Tone(100*ms, -25, 425)), "5"},
		{"a click before it", join([]int16{30000, -30000, 20000}, five), "5"},
		{"clipped", pair(60*ms, 0, 0.5, 0.5), "5"},
	} {
		for _, l := range laws {
			if got := heard(through(l.law, c.pcm)); got != c.want {
				t.Errorf("%s, %v: got %q, want %q", c.sound, l.law, got, c.want)
			}
		}
	}
}

func TestResetEndsAPress(t *testing.T) {
	var d Detector
	five := Press("5", 60*ms, 0, -10)
	keys := d.Append(nil, five)
	d.Reset()
	if keys = d.Append(keys, five); !bytes.Equal(keys, []byte("55")) {
		t.Errorf("got %q, want %q", keys, "55")
	}
}

func BenchmarkDetector(b *testing.B) {
	for _, c := range []struct {
		name string
		pcm  []int16
	}{
		{"silence", Silence(time.Second)},
		{"noise", noise(Rate, -20)},
		{"keys", Press("1234567890", 50*ms, 50*ms, -10)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var d Detector
			keys := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				keys = d.Append(keys[:0], c.pcm)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/s-of-audio")
		})
	}
}

func FuzzDetector(f *testing.F) {
	f.Add(bytesOf(Press("1#", 40*ms, 40*ms, -10)))
	f.Add(bytesOf([]int16{math.MinInt16, math.MaxInt16}))
	f.Fuzz(func(t *testing.T, sound []byte) {
		pcm := samplesOf(sound)
		if got := heard(pcm); len(got) > len(pcm)/(hitsToPress*hop)+1 {
			t.Errorf("%q in %d samples", got, len(pcm))
		}
	})
}
