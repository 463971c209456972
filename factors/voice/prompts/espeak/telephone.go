package espeak

import "math"

const (
	telephoneRate = 8000
	// A telephone carries 300 to 3400 Hz (ITU-T G.712). The lower end is left
	// to it: voices sound thin without.
	highest = 3400.0
	lowest  = 100.0
)

// What the level of a clip is: loud enough beside the speech of people, with
// room for the peaks.
const (
	wantedLevel = -16.0 // dB below full scale, RMS of what is not silence
	highestPeak = 0.85  // of full scale
)

// Silence is what is this far below the loudest moment.
const silence = -42.0 // dB

// The silence that stays, in seconds.
const (
	silenceBefore = 0.03
	silenceAfter  = 0.06
	silenceWithin = 0.22
)

// frame is the length of a moment whose loudness is looked at.
const frame = telephoneRate / 100

// telephone makes a clip of a sound.
func telephone(sound []float64, rate int) []int16 {
	s := trim(resample(withoutRumble(sound, rate), rate))
	level(s)
	audio := make([]int16, len(s))
	for i, v := range s {
		audio[i] = int16(math.Round(v * (1<<15 - 1)))
	}
	return audio
}

// withoutRumble is a high pass of the first order, which also takes a constant
// away.
func withoutRumble(s []float64, rate int) []float64 {
	out := make([]float64, len(s))
	a := 1 / (1 + 2*math.Pi*lowest/float64(rate))
	last, before := 0.0, 0.0
	for i, v := range s {
		last = a * (last + v - before)
		out[i], before = last, v
	}
	return out
}

// taps are how many samples before and after one count for it: at 22 kHz they
// make the filter 60 dB down at 4 kHz.
const taps = 96

// resample brings a sound to the rate of telephones. What they could not carry
// is taken away first, or it would come back as a lower tone.
func resample(s []float64, rate int) []float64 {
	out := make([]float64, len(s)*telephoneRate/rate)
	filters := map[int][]float64{} // by where between two samples one is
	for i := range out {
		at := i * rate / telephoneRate
		between := i * rate % telephoneRate
		f := filters[between]
		if f == nil {
			f = filter(float64(between)/telephoneRate, rate)
			filters[between] = f
		}
		sum := 0.0
		for j, v := range f {
			if k := at - taps + 1 + j; k >= 0 && k < len(s) {
				sum += s[k] * v
			}
		}
		out[i] = sum
	}
	return out
}

// filter is a windowed sinc around a place between the two samples in its
// middle.
func filter(between float64, rate int) []float64 {
	cutoff := 2 * highest / float64(rate)
	f := make([]float64, 2*taps)
	for j := range f {
		x := float64(j-taps+1) - between
		window := 0.42 + 0.5*math.Cos(math.Pi*x/taps) + 0.08*math.Cos(2*math.Pi*x/taps) // Blackman
		f[j] = cutoff * sinc(cutoff*x) * window
	}
	return f
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// trim shortens silence at both ends and within.
func trim(s []float64) []float64 {
	powers, quiet := loudness(s)
	first, last := len(powers), -1
	for i, p := range powers {
		if p > quiet {
			first, last = min(first, i), i
		}
	}
	if last < 0 {
		return nil
	}
	from := max(0, first*frame-int(silenceBefore*telephoneRate))
	to := min(len(s), (last+1)*frame+int(silenceAfter*telephoneRate))
	var out []float64
	pause := 0
	for i := from; i < to; {
		end := min(to, (i/frame+1)*frame)
		if n := i / frame; n < len(powers) && powers[n] <= quiet {
			pause += end - i
		} else {
			pause = 0
		}
		if pause <= int(silenceWithin*telephoneRate) {
			out = append(out, s[i:end]...)
		}
		i = end
	}
	return out
}

// loudness is the mean power of each frame, and below which one is silent.
func loudness(s []float64) (powers []float64, quiet float64) {
	loudest := 0.0
	for i := 0; i < len(s); i += frame {
		part := s[i:min(len(s), i+frame)]
		sum := 0.0
		for _, v := range part {
			sum += v * v
		}
		powers = append(powers, sum/float64(len(part)))
		loudest = max(loudest, powers[len(powers)-1])
	}
	return powers, loudest * math.Pow(10, silence/10)
}

// level brings a clip to the wanted level. Peaks are bent, not cut.
func level(s []float64) {
	for range 3 { // bending takes some of the level away again
		powers, quiet := loudness(s)
		sum, n := 0.0, 0
		for _, p := range powers {
			if p > quiet {
				sum += p
				n++
			}
		}
		if n == 0 {
			return
		}
		gain := math.Pow(10, wantedLevel/20) / math.Sqrt(sum/float64(n))
		for i, v := range s {
			s[i] = bend(v * gain)
		}
	}
}

// bend leaves what is below half of full scale alone and never reaches the
// highest peak.
func bend(v float64) float64 {
	const knee = 0.5
	a := math.Abs(v)
	if a <= knee {
		return v
	}
	const room = highestPeak - knee
	return math.Copysign(knee+room*math.Tanh((a-knee)/room), v)
}
