package audio

import (
	"math"
	"math/cmplx"
)

// A frame is the sound of a window.
type frame [window]float64

// shape is a Hann window: with it, the tones of one key do not blur each other.
// The sum of its values is shapeSum, of their squares shapeEnergy.
var shape = func() (w frame) {
	for n := range w {
		w[n] = 0.5 - 0.5*math.Cos(2*math.Pi*(float64(n)+0.5)/window)
	}
	return w
}()

const (
	shapeSum    = window / 2.0
	shapeEnergy = window * 3 / 8.0
)

// A filter finds one frequency by the algorithm of Goertzel.
type filter struct {
	twice float64 // the cosine of the angle of one sample, twice
	back  complex128
	scale complex128
}

func tuned(hz float64) filter {
	w := 2 * math.Pi * hz / Rate
	return filter{
		twice: 2 * math.Cos(w),
		back:  cmplx.Rect(1, -w),
		scale: cmplx.Rect(2/shapeSum, -w*(window-1)),
	}
}

// end is the tone, of the last two states: its peak as the absolute value, its
// phase at the first sample.
func (f *filter) end(s1, s2 float64) complex128 {
	return (complex(s1, 0) - complex(s2, 0)*f.back) * f.scale
}

// tone is what a shaped frame has of the frequency.
func (f *filter) tone(shaped *frame) complex128 {
	s1, s2 := 0.0, 0.0
	for _, x := range shaped {
		s1, s2 = x+f.twice*s1-s2, s1
	}
	return f.end(s1, s2)
}

// tones is tone of four filters at once, in a third of the time: a processor
// waits for nothing here.
func tones(f *[4]filter, shaped *frame) [4]complex128 {
	var a1, a2, b1, b2, c1, c2, d1, d2 float64
	ka, kb, kc, kd := f[0].twice, f[1].twice, f[2].twice, f[3].twice
	for _, x := range shaped {
		a1, a2 = x+ka*a1-a2, a1
		b1, b2 = x+kb*b1-b2, b1
		c1, c2 = x+kc*c1-c2, c1
		d1, d2 = x+kd*d1-d2, d1
	}
	return [4]complex128{f[0].end(a1, a2), f[1].end(b1, b2), f[2].end(c1, c2), f[3].end(d1, d2)}
}

// power is the peak of a tone, squared.
func power(tone complex128) float64 {
	return real(tone)*real(tone) + imag(tone)*imag(tone)
}

func energy(shaped *frame) (sum float64) {
	for _, x := range shaped {
		sum += x * x
	}
	return sum
}

// subtract takes a tone out of a shaped frame.
func subtract(shaped *frame, tone complex128, hz float64) {
	turn := cmplx.Rect(1, 2*math.Pi*hz/Rate)
	for n := range shaped {
		shaped[n] -= real(tone) * shape[n]
		tone *= turn
	}
}
