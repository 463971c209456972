package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is portvakt when a script calls it so.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"portvakt": main, "typed": typed})
}

// TestScripts runs each session of testdata/script; script_test.go says what
// they have.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup:               setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"damage":    scriptDamage,
			"directory": scriptDirectory,
			"signal":    scriptSignal,
			"waitfor":   scriptWaitFor,
		},
	})
}
