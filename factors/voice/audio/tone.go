package audio

import (
	"math"
	"slices"
	"time"
)

// Samples is how many samples last as long as d.
func Samples(d time.Duration) int {
	return int(d.Seconds()*Rate + 0.5)
}

// A sine of 0 dBm0 is 3.14 dB below the largest one of A-law, whose top is
// 32256 here (G.711, section 4 and table 5).
var milliwatt = 32256 * math.Pow(10, -3.14/20)

// amplitude is the peak of a sine of a level.
func amplitude(dBm0 float64) float64 {
	return milliwatt * math.Pow(10, dBm0/20)
}

// Tone is a sound of frequencies in Hz, each of the level. What is louder than
// a sample can be is cut off.
func Tone(d time.Duration, dBm0 float64, hz ...float64) []int16 {
	pcm, peak := make([]int16, Samples(d)), amplitude(dBm0)
	for n := range pcm {
		sum := 0.0
		for _, f := range hz {
			sum += peak * math.Sin(2*math.Pi*f*float64(n)/Rate)
		}
		pcm[n] = int16(math.Round(max(math.MinInt16, min(math.MaxInt16, sum))))
	}
	return pcm
}

// Silence is no sound.
func Silence(d time.Duration) []int16 { return make([]int16, Samples(d)) }

// Press is the sound of keys (ITU-T Q.23), each as long as on, with a pause of
// off after each. What is no key is left out.
func Press(keys string, on, off time.Duration, dBm0 float64) []int16 {
	var pcm []int16
	for _, key := range []byte(keys) {
		if i := slices.Index(layout[:], key); i >= 0 {
			pcm = append(pcm, Tone(on, dBm0, rows[i/4], columns[i%4])...)
			pcm = append(pcm, Silence(off)...)
		}
	}
	return pcm
}
