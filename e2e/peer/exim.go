package peer

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"
)

// An Exim is a mail server that delivers what it takes for example.org into a
// folder of the test. Nobody else's mail is taken, and none without TLS.
type Exim struct {
	// StartTLS and TLS are where it listens, "host:port": with STARTTLS, and
	// with TLS from the first octet. Both want User and Password.
	StartTLS, TLS  string
	User, Password string
	// Unknown is an address of example.org that it refuses.
	Unknown string

	proc *process
	dir  string
	seen map[string]bool
}

var eximConfig = template.Must(template.New("exim.conf").Parse(`primary_hostname = localhost
keep_environment =
tls_advertise_hosts = *
tls_certificate = {{.Dir}}/cert.pem
tls_privatekey = {{.Dir}}/key.pem
tls_on_connect_ports = {{.TLSPort}}
spool_directory = {{.Dir}}
log_file_path = {{.Dir}}/%slog
pid_file_path = {{.Dir}}/pid
deliver_drop_privilege
never_users =
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt

begin acl
mail:
  deny !encrypted = *
  deny !authenticated = *
  accept
rcpt:
  deny recipients = {{.Unknown}}
  accept domains = example.org
  deny

begin routers
box:
  driver = accept
  transport = box

begin transports
box:
  driver = appendfile
  directory = {{.Dir}}/box
  maildir_format

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_advertise_condition = ${if def:tls_in_cipher}
  server_condition = ${if and{ {eq{$auth2}{ {{- .User -}} }}{eq{$auth3}{ {{- .Password -}} }} }}
  server_set_id = $auth2
`))

// StartExim starts a server with the certificate. It needs root: the program
// becomes a user of its own.
func StartExim(t testing.TB, cert Cert) *Exim {
	t.Helper()
	Need(t, "exim4")
	NeedRoot(t)
	plain, secured := FreePort(t), FreePort(t)
	s := &Exim{
		StartTLS: address("127.0.0.1", plain), TLS: address("127.0.0.1", secured),
		User: "portvakt", Password: "mail-password", Unknown: "unknown@example.org",
		dir: filepath.Join(t.TempDir(), "exim"), seen: make(map[string]bool),
	}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var config strings.Builder
	if err := eximConfig.Execute(&config, map[string]any{
		"Dir": s.dir, "TLSPort": secured, "Unknown": s.Unknown, "User": s.User, "Password": s.Password,
	}); err != nil {
		t.Fatal(err)
	}
	file := write(t, filepath.Join(s.dir, "exim.conf"), config.String())
	for to, from := range map[string]string{"cert.pem": cert.CertFile, "key.pem": cert.KeyFile} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(s.dir, to), string(text))
	}
	s.giveAway(t, file)
	ports := "127.0.0.1." + strconv.Itoa(plain) + " : 127.0.0.1." + strconv.Itoa(secured)
	s.proc = start(t, new(Output), "exim4", "-C", file, "-bdf", "-oX", ports)
	t.Cleanup(s.proc.stop)
	s.proc.until(t, "exim4", func() bool { return listens(s.StartTLS)() && listens(s.TLS)() })
	return s
}

// giveAway makes the files those of the program's user, but for the
// configuration, which must be root's; and the folders above passable.
func (s *Exim) giveAway(t testing.TB, config string) {
	t.Helper()
	who, err := user.Lookup("Debian-exim")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(who.Uid)
	gid, _ := strconv.Atoi(who.Gid)
	for _, path := range []string{s.dir, filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem")} {
		if err := os.Chown(path, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(config, 0o644); err != nil {
		t.Fatal(err)
	}
	for above := filepath.Dir(s.dir); above != os.TempDir() && above != "/"; above = filepath.Dir(above) {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// Next waits for a message that was not seen yet, and returns it as it was
// delivered.
func (s *Exim) Next(t testing.TB) string {
	t.Helper()
	for late := time.Now().Add(startWait); time.Now().Before(late); time.Sleep(pollEvery) {
		arrived, _ := filepath.Glob(filepath.Join(s.dir, "box", "new", "*"))
		for _, path := range arrived {
			if s.seen[path] {
				continue
			}
			s.seen[path] = true
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "mainlog"))
	t.Fatalf("exim4 delivered nothing:\n%s\n%s", s.proc.log, log)
	return ""
}

// Pause stops the server as a machine that hangs does.
func (s *Exim) Pause() { s.proc.pause() }

// Resume ends a Pause.
func (s *Exim) Resume() { s.proc.signal(syscall.SIGCONT) }
