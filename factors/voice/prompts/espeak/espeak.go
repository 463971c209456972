package espeak

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// ErrMissing is a machine without the program.
var ErrMissing = errors.New("espeak-ng is not installed")

// How it speaks: somewhat slower than its usual 175 words a minute, since
// telephones carry less of each word, and digits slower still.
const (
	wordsPerMinute = 155
	digitsPerMin   = 125
)

// maxTime bounds one run; a sentence takes some hundredths of a second.
const maxTime = 20 * time.Second

// A Speaker is the installed program.
type Speaker struct {
	path    string
	version string
}

// Find looks for espeak-ng in PATH.
func Find(ctx context.Context) (*Speaker, error) {
	path, err := exec.LookPath("espeak-ng")
	if err != nil {
		return nil, ErrMissing
	}
	out, err := run(ctx, path, "", "--version")
	if err != nil {
		return nil, err
	}
	version, _, _ := strings.Cut(string(out), "  ")
	return &Speaker{path, strings.TrimSpace(version)}, nil
}

// Version is what the program calls itself.
func (s *Speaker) Version() string { return s.version }

// Options tells the options that clips are spoken with.
func (s *Speaker) Options() string {
	return fmt.Sprintf("-s %d (digits %d) -z", wordsPerMinute, digitsPerMin)
}

// Voice is the voice for a language, and a remark when it is another
// language's.
func Voice(lang string) (voice, remark string) {
	base := lang
	if tag, err := language.Parse(lang); err == nil {
		b, _ := tag.Base()
		base = b.String()
	}
	switch base {
	case "nn", "no":
		return "nb", "espeak-ng has no voice for " + base
	case "en":
		return "en-gb", ""
	case "fr":
		return "fr-fr", ""
	}
	return base, ""
}

// respelling writes words of a language so that the voice, which is another
// one's, says them as they are said.
func respelling(lang string) *strings.Replacer {
	if lang == "nn" {
		return strings.NewReplacer("Nokon", "Nåkon", "nokon", "nåkon")
	}
	return strings.NewReplacer()
}

// Say speaks a sentence for a telephone: 8000 samples a second, mono.
func (s *Speaker) Say(ctx context.Context, lang, text string) ([]int16, error) {
	return s.say(ctx, lang, text, wordsPerMinute)
}

// SayDigit speaks one word slowly.
func (s *Speaker) SayDigit(ctx context.Context, lang, text string) ([]int16, error) {
	return s.say(ctx, lang, text, digitsPerMin)
}

func (s *Speaker) say(ctx context.Context, lang, text string, speed int) ([]int16, error) {
	voice, _ := Voice(lang)
	// Through standard input, where no text is taken for an option.
	out, err := run(ctx, s.path, respelling(lang).Replace(text), "-v", voice, "-s", strconv.Itoa(speed), "-z", "-b", "1", "--stdin", "--stdout")
	if err != nil {
		return nil, err
	}
	sound, rate, err := decode(out)
	if err != nil {
		return nil, err
	}
	audio := telephone(sound, rate)
	if len(audio) == 0 {
		return nil, fmt.Errorf("espeak-ng says nothing to %q", text)
	}
	return audio, nil
}

func run(ctx context.Context, path, stdin string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // found in PATH under a fixed name
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &complaint
	if err := cmd.Run(); err != nil {
		if said := strings.TrimSpace(complaint.String()); said != "" {
			return nil, fmt.Errorf("run espeak-ng: %w: %s", err, said)
		}
		return nil, fmt.Errorf("run espeak-ng: %w", err)
	}
	return out.Bytes(), nil
}

// decode reads what the program writes: always a header of 44 octets, 16 bit
// PCM, mono, in the rate of the voice. The sizes are not known to it yet.
func decode(wav []byte) (sound []float64, rate int, err error) {
	const header = 44
	if len(wav) < header || string(wav[:4]) != "RIFF" || string(wav[36:40]) != "data" {
		return nil, 0, errors.New("espeak-ng wrote no sound")
	}
	rate = int(binary.LittleEndian.Uint32(wav[24:]))
	if rate < telephoneRate {
		return nil, 0, fmt.Errorf("espeak-ng speaks with %d samples a second, too few", rate)
	}
	for wav = wav[header:]; len(wav) >= 2; wav = wav[2:] {
		sound = append(sound, float64(int16(binary.LittleEndian.Uint16(wav)))/(1<<15)) //nolint:gosec // two's complement
	}
	return sound, rate, nil
}
