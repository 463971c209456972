package espeak

import (
	"errors"
	"math"
	"os"
	"strings"
	"testing"
)

// speaker is the installed program.
func speaker(t *testing.T) *Speaker {
	t.Helper()
	s, err := Find(t.Context())
	if errors.Is(err, ErrMissing) && os.Getenv("CI") != "true" {
		t.Skip("SKIPPED, NOT TESTED: espeak-ng is not installed; make peers installs it")
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatIsSpokenIsForTelephones(t *testing.T) {
	s := speaker(t)
	if !strings.Contains(s.Version(), "eSpeak NG") {
		t.Errorf("got the version %q", s.Version())
	}
	for _, lang := range []string{"nb", "nn", "en", "en-GB", "de", "sv", "da", "fi", "fr"} {
		audio, err := s.Say(t.Context(), lang, "Universitas 2, -v fr.")
		if err != nil {
			t.Errorf("%s: %v", lang, err)
			continue
		}
		if seconds := float64(len(audio)) / telephoneRate; seconds < 0.8 || seconds > 6 {
			t.Errorf("%s: takes %.1f s", lang, seconds)
		}
		var f []float64
		for _, v := range audio {
			f = append(f, float64(v)/(1<<15))
		}
		if got := rms(f); got < -20 || got > -14 {
			t.Errorf("%s: got a level of %.1f dB", lang, got)
		}
	}
}

func TestTheSameIsSpokenAlike(t *testing.T) {
	s := speaker(t)
	a, err := s.Say(t.Context(), "nb", "Ha det bra.")
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Say(t.Context(), "nb", "Ha det bra.")
	if err != nil {
		t.Fatal(err)
	}
	slow, err := s.SayDigit(t.Context(), "nb", "Ha det bra.")
	if err != nil {
		t.Fatal(err)
	}
	if len(a) != len(b) || len(slow) <= len(a) {
		t.Errorf("got %d samples and then %d, and slowly %d", len(a), len(b), len(slow))
	}
}

func TestNothingIsSpokenOfNothing(t *testing.T) {
	s := speaker(t)
	for what, say := range map[string][2]string{
		"a language without a voice": {"tlh", "Qapla'"},
		"a text without words":       {"en", " "},
	} {
		if audio, err := s.Say(t.Context(), say[0], say[1]); err == nil {
			t.Errorf("%s: got %d samples and no error", what, len(audio))
		}
	}
}

func TestAMachineWithoutTheProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(t.Context()); !errors.Is(err, ErrMissing) {
		t.Errorf("got %v, want %v", err, ErrMissing)
	}
}

func tone(hertz float64, rate int, seconds float64) []float64 {
	s := make([]float64, int(seconds*float64(rate)))
	for i := range s {
		s[i] = 0.5 * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate))
	}
	return s
}

func rms(s []float64) float64 {
	sum := 0.0
	for _, v := range s {
		sum += v * v
	}
	return 10 * math.Log10(sum/float64(len(s)))
}

func TestATelephoneCarriesSomeTones(t *testing.T) {
	const rate = 22050
	for _, c := range []struct {
		hertz    float64
		from, to float64 // dB, of a tone of -9
	}{
		{20, -60, -20},
		{400, -10, -9},
		{1000, -10, -9},
		{3000, -10, -9},
		// These would come back as 3500, 2000 and 1000 Hz.
		{4500, -200, -60},
		{6000, -200, -60},
		{9000, -200, -60},
	} {
		got := rms(resample(withoutRumble(tone(c.hertz, rate, 0.2), rate), rate)[400:1400])
		if got < c.from || got > c.to {
			t.Errorf("%v Hz: got %.1f dB, want %v to %v", c.hertz, got, c.from, c.to)
		}
	}
}

func TestSilenceIsShortened(t *testing.T) {
	quiet := make([]float64, telephoneRate)
	word := tone(500, telephoneRate, 0.5)
	var s []float64
	for _, part := range [][]float64{quiet, word, quiet, word, quiet} {
		s = append(s, part...)
	}
	want := silenceBefore + 0.5 + silenceWithin + 0.5 + silenceAfter
	if got := float64(len(trim(s))) / telephoneRate; math.Abs(got-want) > 0.03 {
		t.Errorf("got %.2f s, want %.2f", got, want)
	}
	if got := trim(quiet); len(got) != 0 {
		t.Errorf("got %d samples of silence", len(got))
	}
}

func TestEachClipIsAsLoud(t *testing.T) {
	for _, gain := range []float64{0.001, 0.1, 1} {
		s := tone(500, telephoneRate, 0.5)
		for i := range s {
			s[i] *= gain
		}
		level(s)
		if got := rms(s); math.Abs(got-wantedLevel) > 0.5 {
			t.Errorf("a tone of %v: got %.1f dB, want %v", gain, got, wantedLevel)
		}
	}
	// Peaks over what there is room for are bent.
	s := make([]float64, telephoneRate)
	for i := range s {
		if i%100 == 0 {
			s[i] = 1
		}
	}
	level(s)
	for _, v := range s {
		if math.Abs(v) > highestPeak {
			t.Fatalf("got a peak of %v", v)
		}
	}
}
