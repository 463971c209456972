package radiusd

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPrompt(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		client ClientConfig
		in     string
		want   string
	}{
		{ClientConfig{}, "Kode fra •••42:\nnøkkel", "Kode fra •••42:\nnøkkel"},
		{ClientConfig{}, "a\x00b\x1b[2Jc\r\x7f", "ab[2Jc"},
		{ClientConfig{}, "half a rune \xc3", "half a rune ?"},
		{ClientConfig{ASCIIPrompts: true}, "Kode fra ••42 – «blåbær» på øya…", `Kode fra **42 - "blabaer" pa oya...`},
		{ClientConfig{ASCIIPrompts: true}, "Þórður Straße ŁÓDŹ 5 € 日", "THordur Strasse LODZ 5 EUR ?"},
		{ClientConfig{MaxReplyMessage: 5}, "blåbær", "blåb"},
		{ClientConfig{MaxReplyMessage: 3}, "blåbær", "bl"},
		{ClientConfig{MaxReplyMessage: 5, ASCIIPrompts: true}, "blåbær", "blaba"},
		{ClientConfig{MaxReplyMessage: 1}, "日", ""},
	} {
		c := &client{ClientConfig: row.client}
		if got := c.prompt(row.in); got != row.want {
			t.Errorf("%q for %+v is %q, want %q", row.in, row.client, got, row.want)
		}
	}
}

func FuzzPrompt(f *testing.F) {
	f.Add("Kode fra ••42:", 20, true)
	f.Add("\xff\x00日本", 4, false)
	f.Fuzz(func(t *testing.T, text string, limit int, plain bool) {
		c := &client{ClientConfig: ClientConfig{MaxReplyMessage: max(0, limit%300), ASCIIPrompts: plain}}
		got := c.prompt(text)
		if !utf8.ValidString(got) || strings.ContainsRune(got, 0) || c.MaxReplyMessage > 0 && len(got) > c.MaxReplyMessage {
			t.Fatalf("%q became %q", text, got)
		}
		if plain && strings.ContainsFunc(got, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Fatalf("%q is not ASCII", got)
		}
	})
}
