package main

import (
	"os"
	"regexp"
	"testing"

	"github.com/portvakt/portvakt/login"
)

// The service desk is told each reason in words, and the manual has each.
func TestEachReasonHasItsMeaning(t *testing.T) {
	source, err := os.ReadFile("../../login/directory.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`Reason\w+ +Reason = "(\w+)"`).FindAllSubmatch(source, -1)
	if len(all) != len(meanings) {
		t.Errorf("there are %d reasons and %d meanings", len(all), len(meanings))
	}
	for _, m := range all {
		if meanings[login.Reason(m[1])] == "" {
			t.Errorf("%s has no meaning", m[1])
		}
	}
}

func TestATerminalObeysNoDevice(t *testing.T) {
	for text, want := range map[string]string{
		"02-00-5E-10-00-01": "02-00-5E-10-00-01", "Ærlig Øst": "Ærlig Øst", "a\x1b[2J": `"a\x1b[2J"`, "a\u202eb": `"a\u202eb"`,
	} {
		if got := shown(text); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
