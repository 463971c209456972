package server

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// programVariable names the built program for the tests of this process.
const programVariable = "PORTVAKT_UNDER_TEST"

// Main is the TestMain of a package whose tests run the program: it builds it
// once. With PORTVAKT_UNDER_TEST set that program is tested instead.
func Main(m *testing.M) {
	flag.Parse()
	// The tests mostly wait, for time-outs above all: more of them at a time
	// than there are cores.
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set(strconv.Itoa(max(atLeastParallel, runtime.GOMAXPROCS(0))))
	}
	os.Exit(buildAndRun(m))
}

const atLeastParallel = 6

func buildAndRun(m *testing.M) int {
	if os.Getenv(programVariable) != "" {
		return m.Run()
	}
	folder, err := os.MkdirTemp("", "portvakt-e2e-*")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	program := filepath.Join(folder, "portvakt")
	args := []string{"build", "-o", program}
	if underRace {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "github.com/portvakt/portvakt/cmd/portvakt")...).CombinedOutput()
	if err != nil {
		fmt.Fprintf(os.Stderr, "build portvakt: %v\n%s", err, out)
		return 1
	}
	_ = os.Setenv(programVariable, program)
	return m.Run()
}

// Program is the path of the program under test.
func Program() string { return os.Getenv(programVariable) }

// Result is how a command ended.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// run runs the program until it ends by itself.
func run(t testing.TB, dir, stdin string, args ...string) Result {
	t.Helper()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), Program(), args...)
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = dir, strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatalf("run portvakt: %v", err)
	}
	r := Result{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	if strings.Contains(r.Stderr, "DATA RACE") || strings.Contains(r.Stderr, "goroutine 1 [") {
		t.Errorf("portvakt %s:\n%s", strings.Join(args, " "), r.Stderr)
	}
	return r
}
