package audio

import (
	"math"
	"math/rand/v2"
	"time"
)

func square(d time.Duration, hz float64) []int16 {
	pcm := Tone(d, -10, hz)
	for i, x := range pcm {
		pcm[i] = int16(math.Copysign(8000, float64(x)))
	}
	return pcm
}

// sweep is a tone that glides up and down between 600 and 1700 Hz.
func sweep(d time.Duration) []int16 {
	pcm, phase := make([]int16, Samples(d)), 0.0
	for n := range pcm {
		hz := 1150 + 550*math.Sin(2*math.Pi*float64(n)/Rate/3)
		phase += 2 * math.Pi * hz / Rate
		pcm[n] = int16(12000 * math.Sin(phase))
	}
	return pcm
}

// tune is 20 s of chords of two to four notes of the tempered scale between 196
// and 1568 Hz, three a second, with the overtones of an instrument and a
// vibrato. Every interval comes, those near to keys among them.
func tune(instrument string) []int16 {
	r := rand.New(rand.NewPCG(3, 4))
	var pcm []int16
	for range 60 {
		chord := make([]float64, Samples(time.Second/3))
		for range 2 + r.IntN(3) {
			note := 196 * math.Pow(2, float64(r.IntN(37))/12)
			for n := range chord {
				at := float64(n) / Rate
				phase := 2 * math.Pi * note * (at + 0.0004*math.Sin(2*math.Pi*5*at)/5)
				for overtone := 1.0; overtone <= 5 && overtone*note < Rate/2; overtone++ {
					chord[n] += strength(instrument, overtone, at) * math.Sin(overtone*phase)
				}
			}
		}
		for _, x := range chord {
			pcm = append(pcm, int16(5000*x))
		}
	}
	return pcm
}

func strength(instrument string, overtone, at float64) float64 {
	switch instrument {
	case "pluck":
		return math.Exp(-at*3*overtone) / overtone
	case "triangle":
		if math.Mod(overtone, 2) == 0 {
			return 0.05
		}
		return 1 / (overtone * overtone)
	}
	return 1 / overtone
}
