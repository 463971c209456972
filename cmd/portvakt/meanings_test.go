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
