package text

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func shippedTexts(t *testing.T) *Texts {
	t.Helper()
	texts, err := New(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

// New checks each sentence of each language against its limit, so this fails
// for a sentence that is missing or too long.
func TestEverySentenceIsThereAndFits(t *testing.T) {
	texts := shippedTexts(t)
	want := "en da de fi fr nb nn sv"
	if got := strings.Join(texts.Languages(), " "); got != want {
		t.Errorf("got languages %q, want %q", got, want)
	}
}

func TestMatchServesTheFirstWishItCan(t *testing.T) {
	texts := shippedTexts(t)
	for _, c := range []struct {
		wishes []string
		want   string
	}{
		{[]string{""}, "en"},
		{[]string{"nb"}, "nb"},
		{[]string{"no"}, "nb"},
		{[]string{"no-NO, nb;q=0.9, en;q=0.8"}, "nb"},
		{[]string{"nn-NO"}, "nn"},
		{[]string{"da"}, "da"},
		{[]string{"de-CH"}, "de"},
		{[]string{"nl"}, "en"},
		{[]string{"nl", "nb"}, "nb"},
		{[]string{";;;not a language"}, "en"},
		{[]string{"en-GB", "nb"}, "en"},
	} {
		if got := texts.Match(c.wishes...); got != c.want {
			t.Errorf("Match(%q): got %q, want %q", c.wishes, got, c.want)
		}
	}
}

func TestAnOperatorsSentenceReplacesOurs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "en.toml", `rejected = "Sign-in failed. Service desk: 555 0100, 8 to 16."`)
	texts, err := New(Config{Language: "en", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := texts.Text("en", "rejected"), "Sign-in failed. Service desk: 555 0100, 8 to 16."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := texts.Text("nb", "rejected"); got != "Innloggingen mislyktes." {
		t.Errorf("the other language changed too: %q", got)
	}
}

func TestEveryMistakeInAnOperatorsFileIsTold(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "en.toml", "wrong_code = \""+strings.Repeat("x", 61)+"\"\nrejectd = \"typo\"\n")
	write(t, dir, "not a tag.toml", "rejected = \"x\"\n")
	_, err := New(Config{Language: "nl", Dir: dir})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"wrong_code: has 61 octets, and room for 60", "rejectd: is not a sentence", "not a language tag", `"nl" has no sentences`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to tell %q", err, want)
		}
	}
}

func TestACodeIsNotKept(t *testing.T) {
	texts := shippedTexts(t)
	if got := texts.Text("en", "sms_code", "Code", "918273", "Service", "vpn", "Minutes", "5"); !strings.HasPrefix(got, "918273 is your code for vpn") {
		t.Errorf("got %q", got)
	}
	for id, text := range texts.cached {
		if strings.Contains(id+text, "918273") {
			t.Errorf("the code is in the cache: %q", id)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
