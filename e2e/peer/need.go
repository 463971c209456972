package peer

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Need skips the test when one of the programs is missing, and fails it in CI
// (CI=true): a peer that is not there proves nothing. A name with a slash is a
// file: a PAM module, a plug-in.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	var missing []string
	for _, p := range programs {
		if _, err := lookUp(p); err != nil {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		unavailable(t, "missing "+strings.Join(missing, ", ")+"; run scripts/peers.sh")
	}
}

// NeedRoot does the same where a peer has to be started by root.
func NeedRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		unavailable(t, "needs root")
	}
}

func unavailable(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal("PEER NOT TESTED: ", why)
	}
	t.Skip("PEER NOT TESTED: ", why)
}

// lookUp finds daemons too: sbin is not in everybody's PATH.
func lookUp(program string) (string, error) {
	if strings.Contains(program, "/") {
		_, err := os.Stat(program)
		return program, err
	}
	path, err := exec.LookPath(program)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if path, err := exec.LookPath(dir + program); err == nil {
			return path, nil
		}
	}
	return "", err
}
