package audio

import (
	"math"
	"math/cmplx"
)

// The frequencies of keys in Hz, and the key of each pair (ITU-T Q.23).
var (
	rows    = [4]float64{697, 770, 852, 941}
	columns = [4]float64{1209, 1336, 1477, 1633}
	layout  = [16]byte{'1', '2', '3', 'A', '4', '5', '6', 'B', '7', '8', '9', 'C', '*', '0', '#', 'D'}
)

// Windows of 20 ms, one every 5 ms: of a tone of 40 ms, four are inside it
// wherever it begins.
const (
	window = 160
	hop    = 40
)

// What is a key; ITU-T Q.24, table A-1 has what networks ask for.
const (
	hitsToPress    = 4    // no tone under 23 ms, each from 34 ms
	missesToLift   = 8    // a gap of 27 ms, or a lost packet, ends no press; 34 ms do
	minLevel       = -30  // dBm0, of each frequency: Q.24 has -25 to -29
	maxOff         = 0.02 // of the frequency: 1.5 % and 2 Hz are to work, 3.5 % not
	maxColumnTwist = 6    // dB that the higher frequency is stronger: Q.24 has 4
	maxRowTwist    = 9    // dB that the lower one is
	maxRest        = 0.10 // of the power may be other sound: speech is mostly other sound
	maxHarmonic    = 0.03 // of a tone's power in its second harmonic: voices have it
	maxChange      = 4    // dB between two windows of one press
)

// A Detector finds the keys that are pressed in the sound of a call. Each press
// is found once, as soon as it is certain, however long it lasts. It takes
// nearly any key over nearly any line, and no speech for one; where it must
// choose, it hears nothing.
//
// A window is a key when it has two tones of about the right frequencies, about
// the same strength, no second harmonics, and not much besides.
type Detector struct {
	sound  frame
	filled int

	rows, columns [4]complex128 // of the window before, for the phase
	last          hit           // of the window before
	hits          int           // windows in a row like last

	pressed byte // the key that is down, or 0
	misses  int  // windows in a row without it
}

// A hit is what a window sounds like; key is 0 when it is none.
type hit struct {
	key         byte
	row, column float64 // power
}

// Append appends the keys whose press becomes certain in pcm, which follows
// what was given before.
func (d *Detector) Append(keys []byte, pcm []int16) []byte {
	for len(pcm) > 0 {
		n := min(window-d.filled, len(pcm))
		for i, x := range pcm[:n] {
			d.sound[d.filled+i] = float64(x)
		}
		d.filled += n
		pcm = pcm[n:]
		if d.filled < window {
			break
		}
		if key := d.step(); key != 0 {
			keys = append(keys, key)
		}
		copy(d.sound[:], d.sound[hop:])
		d.filled = window - hop
	}
	return keys
}

// Reset forgets the sound so far.
func (d *Detector) Reset() { *d = Detector{} }

// step takes one window, and returns the key that it makes certain, or 0.
func (d *Detector) step() byte {
	h := d.listen()
	if h.key != 0 && h.key == d.last.key && steady(h.row, d.last.row) && steady(h.column, d.last.column) {
		d.hits++
	} else {
		d.hits = 1
	}
	d.last = h
	if h.key == d.pressed {
		d.misses = 0
	} else if d.misses++; d.misses >= missesToLift {
		d.pressed = 0
	}
	if h.key == 0 || h.key == d.pressed || d.hits < hitsToPress {
		return 0
	}
	d.pressed, d.misses = h.key, 0
	return h.key
}

func steady(a, b float64) bool {
	return math.Abs(10*math.Log10(a/b)) <= maxChange
}

// A tone of a level has this power in a window: its peak squared.
var minPower = amplitude(minLevel) * amplitude(minLevel)

var (
	rowFilters    = [4]filter{tuned(rows[0]), tuned(rows[1]), tuned(rows[2]), tuned(rows[3])}
	columnFilters = [4]filter{tuned(columns[0]), tuned(columns[1]), tuned(columns[2]), tuned(columns[3])}
)

// listen says what the window is.
func (d *Detector) listen() hit {
	rowsBefore, columnsBefore := d.rows, d.columns
	shaped := d.sound
	for n := range shaped {
		shaped[n] *= shape[n]
	}
	all := energy(&shaped)
	// Silence is most of a call. What is much too quiet may still be where a
	// tone begins, whose phase the next window needs.
	if all < minPower*shapeEnergy/200 {
		d.rows, d.columns = [4]complex128{}, [4]complex128{}
		return hit{}
	}
	d.rows, d.columns = tones(&rowFilters, &shaped), tones(&columnFilters, &shaped)
	row, column := strongest(&d.rows), strongest(&d.columns)
	low, ok1 := exact(rowsBefore[row], d.rows[row], rows[row])
	high, ok2 := exact(columnsBefore[column], d.columns[column], columns[column])
	if !ok1 || !ok2 {
		return hit{}
	}
	a, b := toneAt(&shaped, low), toneAt(&shaped, high)
	h := hit{key: layout[4*row+column], row: power(a), column: power(b)}
	twist := 10 * math.Log10(h.column/h.row)
	if min(h.row, h.column) < minPower || twist > maxColumnTwist || twist < -maxRowTwist {
		return hit{}
	}
	subtract(&shaped, a, low)
	subtract(&shaped, b, high)
	if energy(&shaped) > maxRest*all ||
		power(toneAt(&shaped, 2*low)) > maxHarmonic*h.row ||
		power(toneAt(&shaped, 2*high)) > maxHarmonic*h.column {
		return hit{}
	}
	return h
}

func toneAt(shaped *frame, hz float64) complex128 {
	f := tuned(hz)
	return f.tone(shaped)
}

func strongest(tones *[4]complex128) (best int) {
	for i, x := range tones {
		if power(x) > power(tones[best]) {
			best = i
		}
	}
	return best
}

// exact is the frequency of a tone by how far its phase came in one hop, and
// whether that is near enough to f to be of a key.
func exact(before, now complex128, f float64) (hz float64, ok bool) {
	if before == 0 {
		return 0, false
	}
	turn := now * cmplx.Conj(before) * cmplx.Rect(1, -2*math.Pi*f*hop/Rate)
	off := cmplx.Phase(turn) * Rate / (2 * math.Pi * hop)
	return f + off, math.Abs(off) <= maxOff*f+2
}
