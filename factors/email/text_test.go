package email

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/login"
)

type textFunc func(lang, key string, args ...string) string

func (f textFunc) Text(lang, key string, args ...string) string { return f(lang, key, args...) }

func TestMessagesAreInHerLanguageAndHoldTheCode(t *testing.T) {
	t.Parallel()
	const plainBody, plainSubject = "123456 is your login code. It is valid for 5 minutes.", "Your login code"
	for _, row := range []struct {
		rule, lang, service string
		texts               Texts
		subject, body       string
	}{
		{
			"Norwegian", "nb", "vpn",
			words{},
			"Koden din for å logge inn på vpn",
			"123456 er koden din for vpn.\nDen gjelder i 5 minutter – så skriv den nå.",
		},
		{
			"a service adds no header", "en", "v\r\nBcc: thief@evil.org\r\n\r\npn",
			words{},
			"Your code for vBcc: thief@evil.orgpn",
			"123456 is your code for vBcc: thief@evil.orgpn.\nIt is valid for 5 minutes.",
		},
		{
			"a long service is cut", "en", strings.Repeat("a", 500),
			words{},
			"Your code for " + strings.Repeat("a", maxService),
			"123456 is your code for " + strings.Repeat("a", maxService) + ".\nIt is valid for 5 minutes.",
		},
		{"a subject does not turn the text around", "en", "v\u202epn\u2028", words{}, "Your code for vpn", "123456 is your code for vpn.\nIt is valid for 5 minutes."},
		{"keys that are not translated", "xx", "vpn", textFunc(func(_, key string, _ ...string) string { return key }), plainSubject, plainBody},
		{"nothing", "xx", "vpn", textFunc(func(_, _ string, _ ...string) string { return "" }), plainSubject, plainBody},
		{"a subject with the code, which servers log", "xx", "vpn", textFunc(func(_, _ string, _ ...string) string { return "123456" }), plainSubject, "123456"},
	} {
		w := build(t, nil)
		w.texts = row.texts
		got := w.compose(login.User{Language: row.lang, Client: row.service}, "a@b.org", "123456", code.Life)
		if got.subject != row.subject || got.body != row.body {
			t.Errorf("%s: %q, %q, want %q, %q", row.rule, got.subject, got.body, row.subject, row.body)
		}
		if strings.Contains(w.log.String(), "123456") {
			t.Errorf("%s: the code is in the log", row.rule)
		}
	}
}
