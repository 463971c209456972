package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/conf"
)

func TestReportHasOneLineForEachThing(t *testing.T) {
	plain := errors.New("the store does not answer")
	for _, test := range []struct {
		name string
		err  error
		code int
		want string
	}{
		{"nothing", nil, exitOK, ""},
		{"an error", plain, exitFailed, "portvakt: error: the store does not answer\n"},
		{
			"a hint below a wrapping", fmt.Errorf("serve: %w", withHint(plain, "start it")), exitFailed,
			"portvakt: error: serve: the store does not answer\nportvakt: hint: start it\n",
		},
		{
			"two hints, the inner first", withHint(fmt.Errorf("serve: %w", withHint(plain, "start it")), "or wait"), exitFailed,
			"portvakt: error: serve: the store does not answer\nportvakt: hint: start it\nportvakt: hint: or wait\n",
		},
		{
			"a code and a hint", fmt.Errorf("serve: %w", withCode(withHint(plain, "start it"), exitUnavailable)), exitUnavailable,
			"portvakt: error: serve: the store does not answer\nportvakt: hint: start it\n",
		},
		{
			"problems of the configuration", fmt.Errorf("reload: %w", conf.Problems{
				{Place: conf.Place{File: "f", Line: 3}, Key: "a.b", Text: "is empty", Hint: "write it"},
				{Place: conf.Place{File: "f"}, Text: "there is more"},
			}), exitConfig,
			"portvakt: error: f:3: a.b is empty\nportvakt: hint: write it\nportvakt: error: f: there is more\n",
		},
		{
			"several errors, each with its hint", errors.Join(withHint(plain, "start it"), withHint(plain, "or wait")), exitFailed,
			"portvakt: error: the store does not answer\nportvakt: hint: start it\n" +
				"portvakt: error: the store does not answer\nportvakt: hint: or wait\n",
		},
		{
			"one error of a command that closes well", errors.Join(withCode(withHint(plain, "start it"), exitUnavailable), nil), exitUnavailable,
			"portvakt: error: the store does not answer\nportvakt: hint: start it\n",
		},
		{
			"several errors below a wrapping", fmt.Errorf("texts: %w", errors.Join(plain, withHint(plain, "start it"))), exitFailed,
			"portvakt: error: texts: the store does not answer\nportvakt: error: the store does not answer\nportvakt: hint: start it\n",
		},
		{"two errors in one sentence", fmt.Errorf("%w to %q: %w", errNoAnswer, "Code:", plain), exitFailed, "portvakt: error: no answer to \"Code:\": the store does not answer\n"},
		{"several lines", errors.Join(plain, plain), exitFailed, strings.Repeat("portvakt: error: the store does not answer\n", 2)},
	} {
		var got strings.Builder
		report(&got, test.err)
		if code := exitCode(test.err); got.String() != test.want || code != test.code {
			t.Errorf("%s: got %d and\n%swant %d and\n%s", test.name, code, got.String(), test.code, test.want)
		}
	}
}

func TestNoErrorStaysNone(t *testing.T) {
	if err := withHint(nil, "x"); err != nil {
		t.Errorf("got %v of withHint(nil), want nil", err)
	}
	if err := withCode(nil, exitUnavailable); err != nil {
		t.Errorf("got %v of withCode(nil), want nil", err)
	}
}

func TestVersionNamesReleaseAndCommit(t *testing.T) {
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
	}}
	for _, test := range []struct {
		name, version string
		info          *debug.BuildInfo
		want          string
	}{
		{"released", "1.2.3", nil, "portvakt 1.2.3 (go"},
		{"released from a changed tree", "1.2.3", info, "portvakt 1.2.3 (commit 0123456789ab, changed, go"},
		{"go install", "", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3"}}, "portvakt v1.2.3 (go"},
		{"go run", "", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "portvakt unreleased (go"},
	} {
		if got := versionLine(test.version, test.info); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: got %q, want it to begin with %q", test.name, got, test.want)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestAResultThatCannotBeWrittenIsAFailure(t *testing.T) {
	var stderr strings.Builder
	code := run([]string{"help"}, strings.NewReader(""), fullDisk{}, &stderr)
	if want := "portvakt: error: write the result: no space left on device\n"; code != exitFailed || stderr.String() != want {
		t.Errorf("got %d and %q, want %d and %q", code, stderr.String(), exitFailed, want)
	}
}
