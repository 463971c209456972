package peer

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// PAMService is a PAM service that asks a RADIUS server, by pam_radius_auth.
// Its version 2.0.0, as in Debian 12, sends no Message-Authenticator and checks
// none.
type PAMService struct {
	// Name is that of the file under /etc/pam.d.
	Name string
}

const (
	pamDir = "/etc/pam.d"
	// pamWait is how long pam_radius_auth waits for each reply.
	pamWait = 10 * time.Second
)

// PAM makes a PAM service that asks the RADIUS server, and removes it with the
// test. It needs root: PAM reads services from one directory only.
func PAM(t testing.TB, radiusAddr, secret string) *PAMService {
	t.Helper()
	return PAMWaiting(t, radiusAddr, secret, pamWait)
}

// PAMWaiting is PAM with another time to wait for each reply.
func PAMWaiting(t testing.TB, radiusAddr, secret string, wait time.Duration) *PAMService {
	t.Helper()
	Need(t, "expect", "pamtester")
	needPAMModule(t)
	NeedRoot(t)
	if secret == "" || strings.ContainsAny(secret, " \t\n#") {
		t.Fatal("pam_radius_auth takes a secret of one word")
	}
	conf := write(t, filepath.Join(t.TempDir(), "pam_radius_auth.conf"),
		fmt.Sprintf("%s %s %d\n", radiusAddr, secret, int(wait.Seconds())))

	s := &PAMService{Name: "portvakt-" + strings.ToLower(rand.Text()[:12])}
	file := filepath.Join(pamDir, s.Name)
	t.Cleanup(func() { _ = os.Remove(file) })
	write(t, file, strings.Join([]string{
		"auth     required pam_radius_auth.so conf=" + conf + " client_id=" + s.Name,
		"account  required pam_permit.so",
		"session  required pam_permit.so",
		"password required pam_deny.so", "",
	}, "\n"))
	return s
}

// needPAMModule is Need for the module, which is no program and lies in the
// folder of the machine's architecture.
func needPAMModule(t testing.TB) {
	t.Helper()
	needModule(t, "pam_radius_auth.so", []string{"/lib/*/security", "/usr/lib/*/security", "/lib/security", "/usr/lib/security"})
}

// Login logs a person in by pamtester. The first prompt is "Password: ", the
// following ones are the Reply-Messages of challenges.
func (s *PAMService) Login(t testing.TB, user string, turns ...PAMTurn) PAMOutcome {
	t.Helper()
	return converse(t, turns, "pamtester", s.Name, user, "authenticate")
}
