package peer

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// winbindPipe is where programs look for winbindd; it is compiled in.
const winbindPipe = "/run/samba/winbindd"

// StartWinbind is StartSamba with winbindd beside the controller, and the
// program with which MS-CHAPv2 is checked by it. There is one winbindd on a
// machine, so that such tests wait for each other.
func StartWinbind(t testing.TB) (s *Samba, ntlmAuth []string) {
	t.Helper()
	Need(t, "winbindd", "ntlm_auth", "wbinfo")
	NeedRoot(t)
	if err := os.MkdirAll(winbindPipe, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(filepath.Dir(winbindPipe), "portvakt-test.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() }) // after winbindd, which is stopped first
	s = startSamba(t, "rpc, ldap, winbindd")
	program := find("ntlm_auth")
	s.p.until(t, "winbindd", func() bool { return works("wbinfo", "--ping-dc") && works("wbinfo", "-n", "alice") })
	return s, []string{program, "--helper-protocol=ntlm-server-1", "--allow-mschapv2"}
}

// works reports whether a program ends well.
func works(program string, args ...string) bool {
	return exec.Command(find(program), args...).Run() == nil
}
