package main

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
)

func TestATerminalObeysNoDevice(t *testing.T) {
	for text, want := range map[string]string{
		"02-00-5E-10-00-01": "02-00-5E-10-00-01", "Ærlig Øst": "Ærlig Øst", "a\x1b[2J": `"a\x1b[2J"`, "a\u202eb": `"a\u202eb"`,
	} {
		if got := shown(text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// A station that is remembered says its own name, and may have said it when
// nobody looked.
func TestATerminalObeysNoRememberedDevice(t *testing.T) {
	var out strings.Builder
	printDevice(&out, 1, login.RememberedDevice{Station: "02\x1b]0;x\a\r", Group: "vpn\u202e"})
	if got, want := out.String(), `1  "02\x1b]0;x\a\r" at "vpn\u202e", proven `; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
}
