package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is portvakt when a script calls it so.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"portvakt": main})
}

// TestScripts runs each session of testdata/script.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
	})
}
