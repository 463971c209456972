package prompts

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMatchChoosesTheNearestLanguage(t *testing.T) {
	all, few := open(t, Config{}), open(t, Config{Languages: []string{"nb", "en"}})
	for _, c := range []struct {
		set        *Set
		wish, want string
	}{
		{all, "nn", "nn"},
		{all, "nn-NO", "nn"},
		{all, "no", "nb"},
		{all, "no-NO, nb;q=0.9, en;q=0.8", "nb"},
		{all, "de-AT", "de"},
		{all, "fr-CA", "fr"},
		{all, "en-GB", "en"},
		{all, "is", "en"},
		{all, "", "en"},
		{all, ";;;not a language", "en"},
		{few, "nn", "nb"},
		{few, "da", "nb"},
		{few, "fi", "nb"},
		{few, "en-US", "en"},
		{few, "fi, en;q=0.5", "en"},
	} {
		if got := c.set.Match(c.wish); got != c.want {
			t.Errorf("Match(%q) of %q: got %q, want %q", c.wish, c.set.Languages(), got, c.want)
		}
	}
}

func TestEachMistakeOfTheConfigurationIsTold(t *testing.T) {
	err := Config{Languages: []string{"nb", "nb", "norwegian language", "EN", "nl"}, Organisation: "<speak>" + strings.Repeat("x", 80)}.Validate()
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`languages: "nb" is there twice`, `languages: "norwegian language" is not a language tag`, `languages: "EN" is written "en"`,
		`languages: "nl" has no messages: choose from en, da`, "organisation: has 87 octets", "organisation: has a character that cannot be spoken",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to tell %q", err, want)
		}
	}
	if err := (Config{Languages: []string{"nn", "en"}, Organisation: "Universitetet i Tromsø"}).Validate(); err != nil {
		t.Error(err)
	}
}

// recording is a WAV file whose samples are all the same.
func recording(sample int16) string {
	var b bytes.Buffer
	_ = WriteWAV(&b, slices.Repeat([]int16{sample}, Rate/10))
	return b.String()
}

func site(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestASitesRecordingsAreSaid(t *testing.T) {
	s := open(t, Config{Organisation: "Acme", Folder: site(t, map[string]string{
		"nb/organisation.wav": recording(101),
		"nb/service-vpn.wav":  recording(102),
		"nb/approve.wav":      recording(103),
		"nb/texts.toml":       "approve = \"Trykk emneknagg.\"\n",
	})})
	clip := func(sample int16) []int16 { return slices.Repeat([]int16{sample}, Rate/10) }
	vpn := s.Approve("nb", Details{Service: "vpn"})
	for _, sample := range []int16{101, 102, 103} {
		if !has(vpn.Audio, clip(sample)) {
			t.Errorf("the recording %d is not said", sample)
		}
	}
	if !strings.Contains(vpn.Text, "Trykk emneknagg.") {
		t.Errorf("got the text %q", vpn.Text)
	}

	// Another service has no recording, and another language none at all: the
	// sound is general, and the text has the names.
	wifi := s.Approve("nb", Details{Service: "wifi"})
	if !has(wifi.Audio, clip(101)) || has(wifi.Audio, clip(102)) || !strings.Contains(wifi.Text, "på wifi") {
		t.Errorf("got %q with the sound of another service", wifi.Text)
	}
	english := s.Approve("en", Details{Service: "vpn"})
	ours := open(t, Config{}).Approve("en", Details{Service: "vpn"})
	if !slices.Equal(english.Audio, ours.Audio) || !strings.HasPrefix(english.Text, "This is Acme. Somebody is signing in to vpn") {
		t.Errorf("got %q", english.Text)
	}
}

func TestEveryMistakeInTheFolderIsTold(t *testing.T) {
	var studio, long bytes.Buffer
	_ = writeWAV(&studio, formatPCM, 24, []byte("abcdef"))
	long.Write(make([]byte, maxFile+1))
	_, err := Open(Config{Folder: site(t, map[string]string{
		"nb/approve.wav": studio.String(),
		"nb/denied.wav":  "ID3 is music",
		"nb/fraud.wav":   long.String(),
		"sv/texts.toml":  "aprove = \"Tryck.\"\ndenied = \"\"\nservice_named = \"Någon loggar in.\"\n",
		"nl/goodbye.wav": recording(1000),
	})}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		`nb/approve.wav: has PCM of 24 bits, 8000 samples a second and 1 channel(s), not PCM of 16 bits, 8000 and 1: convert it by: mkdir -p new/nb && sox 'nb/approve.wav' -r 8000 -c 1 -b 16 -e signed-integer 'new/nb/approve.wav'`,
		"nb/denied.wav: is no WAV file: convert it by: mkdir",
		"nb/fraud.wav: has 1048577 octets, and room for 1048576",
		"sv/texts.toml: aprove: is no sentence of a call",
		"sv/texts.toml: denied: has 0 octets",
		"sv/texts.toml: service_named: does not have {service}",
		"nl: does not come with the program, and its folder is not whole: add organisation.wav",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to tell %q", err, want)
		}
	}
	if _, err := Open(Config{Folder: filepath.Join(t.TempDir(), "none")}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a folder that is not there: got no error")
	}
}

func TestALanguageOfTheSiteIsSpokenWhenItIsWhole(t *testing.T) {
	files := map[string]string{}
	var texts strings.Builder
	for i, name := range textNames() {
		texts.WriteString(name + " = \"zin {organisation} {service}\"\n")
		files["nl/"+name+".wav"] = recording(int16(1000 + i))
	}
	files["nl/texts.toml"] = texts.String()
	delete(files, "nl/"+textOrganisation+".wav")
	delete(files, "nl/"+textService+".wav")
	s := open(t, Config{Folder: site(t, files), Languages: []string{"nl", "en"}})
	if got := s.Match("nl-BE"); got != "nl" {
		t.Errorf("got %q, want nl", got)
	}
	if got := s.Goodbye("nl"); got.Audio[0] < 1000 || !strings.HasPrefix(got.Text, "zin") {
		t.Errorf("got %q and a sound that begins %d", got.Text, got.Audio[0])
	}
}

func TestWhatIsOfNoUseIsToldAndNoMore(t *testing.T) {
	var log bytes.Buffer
	s, err := Open(Config{Languages: []string{"nb", "en"}, Folder: site(t, map[string]string{
		"README.txt":            "ours",
		"nb/aprove.wav":         recording(1000),
		"nb/approve.mp3":        "x",
		"nb/denied.wav":         recording(1),
		"nb/service-vpn.wav":    recording(1000),
		"nb/service-gone.wav":   recording(1000),
		"nb/service-wi-fi.wav":  recording(1000),
		"nb/MANIFEST":           "copied",
		"sv/goodbye.wav":        recording(1000),
		"en/organisation.wav":   recording(1000),
		"en-GB/approve.wav":     recording(1000),
		"no such language/x.md": "x",
	})}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	got := s.Check([]string{"vpn", "wi/fi"})
	var paths []string
	for _, w := range got {
		path, _, _ := strings.Cut(w, ": ")
		paths = append(paths, path)
	}
	want := []string{"README.txt", "no such language", "en-GB", "sv", "nb/approve.mp3", "nb/aprove.wav", "nb/denied.wav", "nb/service-gone.wav"}
	if !slices.Equal(paths, want) {
		t.Errorf("got %q, want %q:\n%s", paths, want, strings.Join(got, "\n"))
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "path=nb/aprove.wav") {
		t.Errorf("got the log %q", log.String())
	}
}

func TestClipsTellWhereTheyAreFrom(t *testing.T) {
	s := open(t, Config{Organisation: "Acme", Folder: site(t, map[string]string{
		"en/organisation.wav": recording(1000),
		"en/service-vpn.wav":  recording(1000),
	})})
	clips := s.Clips("en")
	first, last := clips[0], clips[len(clips)-1]
	if first.Name != "organisation" || first.File != "en/organisation.wav" || first.Text != "This is Acme." {
		t.Errorf("got %+v", first)
	}
	if last.Name != "service-vpn" || last.Text != "Somebody is signing in to vpn with your account." || last.Length.Milliseconds() != 100 {
		t.Errorf("got %+v", last)
	}
	if c := clips[1]; c.File != "" || c.Length == 0 {
		t.Errorf("got %+v, want one of the program", c)
	}
	if got := s.Sentences("de", []string{"vpn"}); len(got) != 2 || got["organisation"] != "Hier ist Acme." || got["service-vpn"] != "Jemand meldet sich mit Ihrem Konto bei vpn an." {
		t.Errorf("got %q", got)
	}
}

func TestNamesThatNobodyHasRecordedAreTold(t *testing.T) {
	named := Config{Organisation: "Acme", Languages: []string{"nb", "en"}, Folder: site(t, map[string]string{
		"nb/organisation.wav": recording(1000),
		"nb/service-vpn.wav":  recording(1000),
		"en/organisation.wav": recording(1000),
	})}
	for _, row := range []struct {
		what     string
		cfg      Config
		services []string
		want     string
	}{
		{"a service in English", named, []string{"vpn"}, "en"},
		{"another service in both", named, []string{"vpn", "wifi"}, "nb en"},
		{"all are recorded", named, nil, ""},
		{"no recordings", Config{Organisation: "Acme", Languages: []string{"nb", "en"}}, nil, "nb en"},
		{"no organisation, which nobody can say then", Config{Languages: []string{"nb"}}, nil, ""},
	} {
		if got := strings.Join(open(t, row.cfg).Unspoken(row.services), " "); got != row.want {
			t.Errorf("%s: got %q, want %q", row.what, got, row.want)
		}
	}
}
