package peer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An OpenSMTPD is a mail server that delivers what it takes for example.org
// into a folder of the test. Nobody else's mail is taken.
type OpenSMTPD struct {
	// StartTLS and TLS are where it listens, "host:port": with STARTTLS
	// required, and with TLS from the first octet. Both want User and Password.
	StartTLS, TLS  string
	User, Password string
	// Unknown is an address of example.org that it refuses.
	Unknown string

	proc  *process
	inbox string
	seen  map[string]bool
}

// StartOpenSMTPD starts a server with the certificate. The program has the
// places of its queue and its socket compiled in: it sees folders of its own
// there, in a mount namespace.
func StartOpenSMTPD(t testing.TB, cert Cert) *OpenSMTPD {
	t.Helper()
	NeedRoot(t)
	Need(t, "smtpd", "smtpctl", "unshare")
	dir := t.TempDir()
	s := &OpenSMTPD{
		StartTLS: address("127.0.0.1", FreePort(t)), TLS: address("127.0.0.1", FreePort(t)),
		User: "portvakt", Password: "mail-password", Unknown: "unknown@example.org",
		inbox: filepath.Join(dir, "inbox"), seen: make(map[string]bool),
	}
	// The delivering program runs as nobody.
	if err := os.Mkdir(s.inbox, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{s.inbox: 0o777, dir: 0o755, filepath.Dir(dir): 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	deliver := write(t, filepath.Join(dir, "deliver"), fmt.Sprintf("#!/bin/sh\ncat > %[1]s/.$$ && mv %[1]s/.$$ %[1]s/$$\n", s.inbox))
	users := write(t, filepath.Join(dir, "users"), s.User+"\t"+strings.TrimSpace(run(t, "smtpctl", "encrypt", s.Password))+"\n")
	for path, mode := range map[string]os.FileMode{deliver: 0o755, users: 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	listen := func(address, how string) string {
		host, port, _ := strings.Cut(address, ":")
		return fmt.Sprintf("listen on %s port %s %s pki here auth <users> hostname localhost\n", host, port, how)
	}
	config := write(t, filepath.Join(dir, "smtpd.conf"), fmt.Sprintf("pki here cert %q\npki here key %q\ntable users %q\n",
		cert.CertFile, cert.KeyFile, "file:"+users)+
		listen(s.StartTLS, "tls-require")+listen(s.TLS, "smtps")+
		fmt.Sprintf("action box mda %q user nobody\nmatch from any for rcpt-to %q reject\nmatch from any auth for domain \"example.org\" action box\n",
			deliver, s.Unknown))
	const own = `mount -t tmpfs -o mode=755 none /var/spool && mkdir -m 711 /var/spool/smtpd &&
mount -t tmpfs -o mode=755 none /run && exec "$@"`
	s.proc = start(t, new(Output), "unshare", "--mount", "sh", "-c", own, "sh", find("smtpd"), "-d", "-f", config)
	t.Cleanup(s.proc.stop)
	s.proc.until(t, "smtpd", func() bool { return listens(s.StartTLS)() && listens(s.TLS)() })
	return s
}

// Next waits for a message that was not seen yet, and returns it as it was
// delivered.
func (s *OpenSMTPD) Next(t testing.TB) string {
	t.Helper()
	for late := time.Now().Add(startWait); time.Now().Before(late); time.Sleep(pollEvery) {
		if text := s.look(t); text != "" {
			return text
		}
	}
	t.Fatalf("smtpd delivered nothing:\n%s", s.proc.log)
	return ""
}

func (s *OpenSMTPD) look(t testing.TB) string {
	t.Helper()
	entries, err := os.ReadDir(s.inbox)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || s.seen[e.Name()] {
			continue
		}
		s.seen[e.Name()] = true
		text, err := os.ReadFile(filepath.Join(s.inbox, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	return ""
}

// Pause stops the server as a machine that hangs does; Resume lets it go on.
func (s *OpenSMTPD) Pause() { s.proc.pause() }

// Resume ends a Pause.
func (s *OpenSMTPD) Resume() { s.proc.signal(syscall.SIGCONT) }
