package peer

import (
	"encoding/binary"
	"math"
	"math/cmplx"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// How speech is compared: by the strength of bands of telephone sound, in frames,
// by pieces. A piece that lost a packet differs, and those beside it do not.
const (
	frameLength = 256 // samples, 32 ms
	frameStep   = 80  // samples: whatever the delay, a frame begins near by
	pieceFrames = 60  // 600 ms

	// Of 31.25 Hz each: from 220 to 3220 Hz.
	firstBin   = 7
	binsOfBand = 12
	frameBands = 8

	silence = 8.0 // the logarithm of what the noise of G.711 does not reach
	alike   = 0.9 // the correlation of a piece with itself behind a wire
	enough  = 0.9 // of a message

	speechWait = time.Minute
)

// AwaitSpeech waits until the telephone has heard a whole message, once or bit by
// bit in its repetitions: a busy machine loses packets, and time.
func (b *Baresip) AwaitSpeech(t testing.TB, message []int16) {
	t.Helper()
	Need(t, "sox")
	look := time.NewTicker(2 * time.Second)
	defer look.Stop()
	best := 0.0
	for late := time.After(speechWait); ; {
		select {
		case <-look.C:
		case <-late:
			t.Errorf("the telephone has heard %.0f %% of the message", 100*best)
			return
		}
		recording := b.recording(t)
		if len(recording) < len(message) {
			continue
		}
		if best = max(best, spoken(message, recording)); best >= enough {
			return
		}
	}
}

// recording is what it has heard in its call so far, 8000 samples a second.
func (b *Baresip) recording(t testing.TB) []int16 {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(b.folder, "dump-*-dec.wav"))
	if len(found) != 1 {
		return nil
	}
	// The head of the file has its length only when the call is over.
	out, err := exec.Command("sox", "--ignore-length", found[0], "-t", "s16", "-L", "-r", "8000", "-c", "1", "-").Output()
	if err != nil {
		return nil // it has no head yet
	}
	samples := make([]int16, len(out)/2)
	for i := range samples {
		samples[i] = int16(binary.LittleEndian.Uint16(out[2*i:]))
	}
	return samples
}

// spoken is how much of a message a recording has, from 0 to 1: of its pieces in
// which something is said, those that are in the recording somewhere.
func spoken(message, recording []int16) float64 {
	said, heard := pieces(message, pieceFrames/3), pieces(recording, 1)
	found := 0
	for _, s := range said {
		for _, h := range heard {
			if s.like(h) > alike {
				found++
				break
			}
		}
	}
	return float64(found) / float64(max(1, len(said)))
}

// A piece is a part of speech: the strength of its bands, frame by frame, less
// what each band has on average, and of length 1 as a vector. How loud it is and
// how a line colours it does not matter.
type piece []float64

// like is the correlation of two pieces.
func (p piece) like(q piece) (sum float64) {
	for i := range p {
		sum += p[i] * q[i]
	}
	return sum
}

// pieces cuts sound into pieces that begin every step frames, without those in
// which hardly anything is said.
func pieces(sound []int16, step int) (all []piece) {
	frames := spectrum(sound)
	for at := 0; at+pieceFrames <= len(frames); at += step {
		p := make(piece, 0, pieceFrames*frameBands)
		loud := 0
		for _, f := range frames[at : at+pieceFrames] {
			p = append(p, f[:]...)
			if slices.Max(f[:]) > silence {
				loud++
			}
		}
		if loud < pieceFrames/2 {
			continue
		}
		for band := range frameBands {
			mean := 0.0
			for i := band; i < len(p); i += frameBands {
				mean += p[i] / pieceFrames
			}
			for i := band; i < len(p); i += frameBands {
				p[i] -= mean
			}
		}
		length := math.Sqrt(p.like(p))
		for i := range p {
			p[i] /= max(length, 1e-9)
		}
		all = append(all, p)
	}
	return all
}

// spectrum is how strong each band is in each frame, as a logarithm.
func spectrum(sound []int16) (frames [][frameBands]float64) {
	var window [frameLength]float64 // Hann's
	var turn [frameLength]complex128
	for i := range turn {
		turn[i] = cmplx.Rect(1, -2*math.Pi*float64(i)/frameLength)
		window[i] = (1 - real(turn[i])) / 2
	}
	samples := make([]complex128, frameLength)
	for at := 0; at+frameLength <= len(sound); at += frameStep {
		for i, s := range sound[at : at+frameLength] {
			samples[i] = complex(float64(s)*window[i], 0)
		}
		bins := fourier(samples, turn[:])
		var f [frameBands]float64
		for band := range f {
			power := 0.0
			for _, bin := range bins[firstBin+band*binsOfBand:][:binsOfBand] {
				power += real(bin)*real(bin) + imag(bin)*imag(bin)
			}
			f[band] = max(math.Log10(power), silence)
		}
		frames = append(frames, f)
	}
	return frames
}

// fourier is the transform of samples, of which there are a power of two. turn
// are the points of the unit circle, as many or a multiple of that.
func fourier(samples, turn []complex128) []complex128 {
	n := len(samples)
	if n == 1 {
		return samples
	}
	even, odd := make([]complex128, n/2), make([]complex128, n/2)
	for i := range n / 2 {
		even[i], odd[i] = samples[2*i], samples[2*i+1]
	}
	even, odd = fourier(even, turn), fourier(odd, turn)
	bins := make([]complex128, n)
	for i := range n / 2 {
		turned := odd[i] * turn[i*len(turn)/n]
		bins[i], bins[i+n/2] = even[i]+turned, even[i]-turned
	}
	return bins
}
