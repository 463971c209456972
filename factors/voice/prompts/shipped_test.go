package prompts

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/voice/prompts/internal/manifest"
)

// What a clip that comes with the program must be like.
const (
	loudEnough   = -22.0 // dB below full scale, RMS of the whole clip
	tooLoud      = -12.0
	clippedAt    = 31000    // of 32767
	longestQuiet = Rate / 8 // some words begin with hardly more than breath
	longestClip  = 8 * Rate
	allTogether  = 3_000_000 // octets of all files
)

func shippedSpeech(t *testing.T, lang string) *speech {
	t.Helper()
	s, warnings, err := load(lang, nil)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return s
}

func TestTheLanguagesAreThere(t *testing.T) {
	if got, want := strings.Join(shippedLanguages(), " "), "en da de fi fr nb nn sv"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, lang := range shippedLanguages() {
		// load tells what is missing; nothing else may be there.
		s := shippedSpeech(t, lang)
		if got, want := len(s.clips), len(ClipNames()); got != want {
			t.Errorf("%s: got %d clips, want %d", lang, got, want)
		}
		if got, want := len(s.texts), len(textNames()); got != want {
			t.Errorf("%s: got %d texts, want %d", lang, got, want)
		}
	}
}

func TestNoTextChangesWithoutItsSound(t *testing.T) {
	for _, lang := range shippedLanguages() {
		b, err := os.ReadFile(filepath.Join(lang, "MANIFEST"))
		if err != nil {
			t.Fatal(err)
		}
		m, err := manifest.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if m.Voice == "" || m.Program == "" || m.Options == "" {
			t.Errorf("%s: got the manifest %+v, want voice, program and options", lang, m)
		}
		s := shippedSpeech(t, lang)
		for _, name := range ClipNames() {
			file, err := os.ReadFile(filepath.Join(lang, name+".wav"))
			if err != nil {
				t.Fatal(err)
			}
			if got := manifest.Of(s.texts[name], file); got != m.Clips[name] {
				t.Errorf("%s/%s: got the sums %v, want %v; run: make prompts", lang, name, got, m.Clips[name])
			}
			delete(m.Clips, name)
		}
		if len(m.Clips) > 0 {
			t.Errorf("%s: the manifest has %v too; run: make prompts", lang, slices.Sorted(maps.Keys(m.Clips)))
		}
	}
}

func TestEachClipCanBeHeard(t *testing.T) {
	for _, lang := range shippedLanguages() {
		for name, c := range shippedSpeech(t, lang).clips {
			for _, fault := range faults(c.appendTo(nil)) {
				t.Errorf("%s/%s: %s", lang, name, fault)
			}
		}
	}
}

// faults are what is wrong with the sound of a clip.
func faults(audio []int16) (found []string) {
	if l := level(audio); l < loudEnough || l > tooLoud {
		found = append(found, fmt.Sprintf("the level is %.1f dB", l))
	}
	peak, first, last := 0, len(audio), 0
	for i, s := range audio {
		a := max(int(s), -int(s))
		peak = max(peak, a)
		if a > 500 {
			first, last = min(first, i), i
		}
	}
	if peak > clippedAt {
		found = append(found, fmt.Sprintf("the peak is %d", peak))
	}
	if first > longestQuiet || len(audio)-last > 2*longestQuiet {
		found = append(found, fmt.Sprintf("it is quiet for %d samples at the beginning and %d at the end", first, len(audio)-last))
	}
	if len(audio) > longestClip {
		found = append(found, fmt.Sprintf("it has %d samples", len(audio)))
	}
	return found
}

func TestFaultsOfClipsAreRecognised(t *testing.T) {
	tone := func(amplitude, n int) (s []int16) {
		for i := range n {
			s = append(s, int16(amplitude*(i%3-1)))
		}
		return s
	}
	good := tone(8000, Rate)
	if got := faults(good); len(got) != 0 {
		t.Errorf("a good clip: got %q", got)
	}
	for what, clip := range map[string][]int16{
		"too quiet":            tone(600, Rate),
		"clipped":              tone(32767, Rate),
		"silence at the start": slices.Concat(make([]int16, Rate/4), good),
		"silence at the end":   slices.Concat(good, make([]int16, Rate/4)),
		"too long":             tone(8000, 9*Rate),
		"empty":                nil,
	} {
		if len(faults(clip)) == 0 {
			t.Errorf("%s: got no fault", what)
		}
	}
}

func TestNoTwoClipsOfALanguageAreTheSame(t *testing.T) {
	for _, lang := range shippedLanguages() {
		clips := shippedSpeech(t, lang).clips
		names := ClipNames()
		for i, a := range names {
			for _, b := range names[:i] {
				if bytes.Equal(clips[a].data, clips[b].data) {
					t.Errorf("%s: %s and %s are the same sound", lang, a, b)
				}
			}
		}
	}
}

func TestTheSoundsAreSmall(t *testing.T) {
	total := 0
	for _, lang := range shippedLanguages() {
		for name, c := range shippedSpeech(t, lang).clips {
			if !c.law {
				t.Errorf("%s/%s is no A-law", lang, name)
			}
			total += len(c.data)
		}
	}
	if total > allTogether {
		t.Errorf("got %d octets, want at most %d", total, allTogether)
	}
}
