package prompts

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The command that an error tells really makes a file that is taken.
func TestTheCommandOfAnErrorHelps(t *testing.T) {
	if _, err := exec.LookPath("sox"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("SKIPPED, NOT TESTED: sox is not installed; make peers installs it")
	}
	const service = "Wi-Fi in Bob's $HOME"
	dir := t.TempDir()
	run := func(command string) {
		t.Helper()
		c := exec.Command("sh", "-c", command)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
	}
	run("mkdir nb && sox -n -r 44100 -c 2 -b 24 \"nb/service-Wi-Fi in Bob's \\$HOME.wav\" synth 0.5 sine 500 gain -6")
	_, err := Open(Config{Folder: dir, Languages: []string{"nb"}}, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("a recording of a studio was taken")
	}
	command := regexp.MustCompile("mkdir .*").FindString(err.Error())
	run(command)
	s := open(t, Config{Folder: filepath.Join(dir, "new"), Languages: []string{"nb"}})
	m := s.Approve("nb", Details{Service: service})
	if sine := s.speeches["nb"].clips[ServiceClip(service)].appendTo(nil); len(sine) != Rate/2 || !has(m.Audio, sine) {
		t.Errorf("got %d samples by %q", len(sine), command)
	}

	// A-law, which sox writes with a program of its own.
	run("sox -n -r 8000 -c 1 -e a-law -b 8 new/nb/approve.wav synth 0.5 sine 500 gain -6")
	s = open(t, Config{Folder: filepath.Join(dir, "new"), Languages: []string{"nb"}})
	if l := level(s.speeches["nb"].clips[clipApprove].appendTo(nil)); l < -10 || l > -8 {
		t.Errorf("A-law of sox: got %.1f dB, want -9", l)
	}
	if w := strings.Join(s.Check([]string{service}), "\n"); w != "" {
		t.Errorf("got %s", w)
	}
}
