package sms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/factors/sms/gsm"
	"github.com/portvakt/portvakt/login"
)

type textFunc func(lang, key string, args ...string) string

func (f textFunc) Text(lang, key string, args ...string) string { return f(lang, key, args...) }

func TestMessagesFitOnePartAndHoldTheCode(t *testing.T) {
	t.Parallel()
	const plain = "123456 is your login code. It is valid for 5 minutes."
	for _, row := range []struct {
		rule, lang, service string
		texts               Texts
		translit            bool
		want                string
	}{
		{"Norwegian", "nb", "vpn", words{}, false, "123456 er koden din for vpn. Den gjelder i 5 minutter, så skriv den nå."},
		{"Ukrainian keeps its letters", "uk", "vpn", words{}, false, "123456 – код для vpn, 5 хвилин"},
		{"also when asked to transliterate", "uk", "vpn", words{}, true, "123456 – код для vpn, 5 хвилин"},
		{"accents go when asked", "en", "Łódź", words{}, true, "123456 is your code for Lodz. It is valid for 5 minutes."},
		{"and stay when not", "en", "Łódź", words{}, false, "123456 is your code for Łódź. It is valid for 5 minutes."},
		{"accents go where the text would be two parts", "nb", "Łódź", words{}, false, "123456 er koden din for Lodz. Den gjelder i 5 minutter, så skriv den nå."},
		{"a long service is cut", "en", strings.Repeat("a", 500), words{}, false, "123456 is your code for " + strings.Repeat("a", maxService) + ". It is valid for 5 minutes."},
		{"a service breaks no line", "en", "v\np\rn", words{}, false, "123456 is your code for vpn. It is valid for 5 minutes."},
		{"a text that is too long is replaced", "xx", "vpn", textFunc(func(_, _ string, a ...string) string {
			return a[1] + strings.Repeat(" blah", 100)
		}), false, plain},
		{"a text without the code too", "xx", "vpn", textFunc(func(_, key string, _ ...string) string { return key }), false, plain},
		{"no text too", "xx", "vpn", textFunc(func(_, _ string, _ ...string) string { return "" }), false, plain},
	} {
		w := build(t, new(records), func(c *Config) { c.Transliterate = row.translit })
		w.texts = row.texts
		got := w.compose(login.User{Language: row.lang, Client: row.service}, "123456", code.Life)
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.rule, got, row.want)
		}
		if parts, _ := gsm.Parts(got); parts != 1 {
			t.Errorf("%s: %d parts", row.rule, parts)
		}
		if replaced := strings.Contains(w.log.String(), "another is used"); replaced != (row.want == plain) {
			t.Errorf("%s: log %q", row.rule, w.log)
		}
		if strings.Contains(w.log.String(), "123456") {
			t.Errorf("%s: the code is in the log", row.rule)
		}
	}
}

func TestS30LogsAndErrorsTellNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, &gateway.NotSent{Reason: "status 400"}, errors.New("no reply in time")} {
		w := build(t, new(records))
		w.sink.do = nil
		if err != nil {
			w.sink.do = func(context.Context) error { return err }
		}
		var told strings.Builder
		for range 6 {
			fmt.Fprintln(&told, w.prompt(t, person(1234567)))
		}
		told.WriteString(w.log.String())
		w.sink.mu.Lock()
		for _, text := range w.sink.texts {
			if c := text[:code.Digits]; strings.Contains(told.String(), c) {
				t.Errorf("the code %s is told: %s", c, &told)
			}
		}
		w.sink.mu.Unlock()
		if strings.Contains(told.String(), "1234567") {
			t.Errorf("the number is told: %s", &told)
		}
	}
}
