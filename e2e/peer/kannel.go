package peer

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
)

// Where Debian's packages kannel and kannel-extras have the programs.
const (
	kannelBearerbox = "/usr/sbin/bearerbox"
	kannelSmsbox    = "/usr/sbin/smsbox"
	kannelFakesmsc  = "/usr/lib/kannel/test/fakesmsc"
)

const (
	kannelReady   = 20 * time.Second // until it answers, on a busy machine
	kannelArrives = 10 * time.Second // until a message is at the telephone
	kannelEnds    = 5 * time.Second
	kannelTries   = 3 // somebody else may take a free port before Kannel does
)

// A Kannel is a running SMS gateway with an SMSC behind it that keeps what it
// is given: what a telephone would show.
type Kannel struct {
	// URL is the address of its sendsms interface.
	URL string
	// User and Password are accepted there.
	User, Password string

	arrived chan KannelMessage
}

// A KannelMessage is what arrived at the SMSC.
type KannelMessage struct {
	From, To string
	// Coding is "text" for GSM 7-bit and "ucs-2".
	Coding string
	Text   string
}

// StartKannel runs bearerbox, smsbox and fakesmsc until the end of the test.
// Without the programs the test is skipped, and fails when CI=true.
func StartKannel(t testing.TB) *Kannel {
	t.Helper()
	for _, path := range []string{kannelBearerbox, kannelSmsbox, kannelFakesmsc} {
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing: apt-get install kannel kannel-extras", path)
			}
			t.Skipf("SKIPPED, NOT TESTED: %s is missing: apt-get install kannel kannel-extras", path)
		}
	}
	for try := 1; ; try++ {
		k, err := kannelStart(t)
		if err == nil {
			return k
		}
		if try == kannelTries {
			t.Fatalf("start Kannel: %v", err)
		}
		t.Logf("start Kannel: %v; once more with other ports", err)
	}
}

// Next waits for the next message.
func (k *Kannel) Next(t testing.TB) KannelMessage {
	t.Helper()
	select {
	case m := <-k.arrived:
		return m
	case <-time.After(kannelArrives):
		t.Fatal("no message arrived at the SMSC")
		return KannelMessage{}
	}
}

// Silent fails the test if a message has arrived.
func (k *Kannel) Silent(t testing.TB) {
	t.Helper()
	select {
	case m := <-k.arrived:
		t.Errorf("a message arrived: %+v", m)
	default:
	}
}

const kannelConf = `
group = core
admin-port = %[1]d
admin-interface = "127.0.0.1"
admin-password = status
status-password = status
smsbox-port = %[2]d
smsbox-interface = "127.0.0.1"
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal

group = smsc
smsc = fake
smsc-id = telephone
port = %[3]d
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-interface = "127.0.0.1"
sendsms-port = %[4]d
sendsms-chars = "0123456789 +-"
global-sender = 12345

group = sendsms-user
username = portvakt
password = sendsms
max-messages = 3
concatenation = true

group = sms-service
keyword = default
text = "none"
`

func kannelStart(t testing.TB) (*Kannel, error) {
	t.Helper()
	ports, err := kannelPorts(4)
	if err != nil {
		return nil, err
	}
	admin, boxes, smsc, send := ports[0], ports[1], ports[2], ports[3]
	conf := filepath.Join(t.TempDir(), "kannel.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, kannelConf, admin, boxes, smsc, send), 0o600); err != nil {
		return nil, err
	}
	k := &Kannel{
		URL:  fmt.Sprintf("http://127.0.0.1:%d/cgi-bin/sendsms", send),
		User: "portvakt", Password: "sendsms",
		arrived: make(chan KannelMessage, 64),
	}
	dir := filepath.Dir(conf)
	bearerbox := kannelRun(t, dir, nil, kannelBearerbox, conf)
	if err := bearerbox.until(func() bool { return kannelOpen(boxes) && kannelOpen(admin) }); err != nil {
		return nil, err
	}
	smsbox := kannelRun(t, dir, nil, kannelSmsbox, conf)
	if err := smsbox.until(func() bool { return kannelOpen(send) }); err != nil {
		return nil, err
	}
	// It ends with its input, and -m 0 keeps it from sending anything itself.
	fake := kannelRun(t, dir, k.read, kannelFakesmsc, "-H", "127.0.0.1", "-r", fmt.Sprint(smsc), "-m", "0")
	status := fmt.Sprintf("http://127.0.0.1:%d/status.txt?password=status", admin)
	online := regexp.MustCompile(`telephone.*\(online`)
	return k, fake.until(func() bool {
		reply, err := http.Get(status)
		if err != nil {
			return false
		}
		defer reply.Body.Close()
		body, err := io.ReadAll(reply.Body)
		return err == nil && online.Match(body)
	})
}

var kannelGot = regexp.MustCompile(`Got message \d+: <(\S+) (\S+) (\S+) (.*)>$`)

// read picks the messages out of what fakesmsc prints.
func (k *Kannel) read(line string) {
	m := kannelGot.FindStringSubmatch(line)
	if m == nil {
		return
	}
	got := KannelMessage{From: m[1], To: m[2], Coding: m[3], Text: m[4]}
	if got.Coding == "ucs-2" {
		got.Text = kannelUCS2(m[4])
	}
	select {
	case k.arrived <- got:
	default: // no test sends that many without looking
	}
}

// kannelUCS2 decodes what fakesmsc prints of UTF-16: octets, as in a URL.
func kannelUCS2(escaped string) string {
	octets, err := url.QueryUnescape(escaped)
	if err != nil || len(octets)%2 != 0 {
		return "not UCS-2: " + escaped
	}
	var units []uint16
	for i := 0; i < len(octets); i += 2 {
		units = append(units, uint16(octets[i])<<8|uint16(octets[i+1]))
	}
	return string(utf16.Decode(units))
}

// kannelPorts finds ports that were free a moment ago.
func kannelPorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // held until all are found, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func kannelOpen(port int) bool {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// A kannelProcess is one running program.
type kannelProcess struct {
	name  string
	ended chan struct{}
}

// kannelRun starts a program that ends with the test, and shows what it
// printed when the test failed. line is called with each line; may be nil.
func kannelRun(t testing.TB, dir string, line func(string), path string, args ...string) *kannelProcess {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &kannelProcess{name: filepath.Base(path), ended: make(chan struct{})}
	var printed bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() {
		for s := bufio.NewScanner(read); s.Scan(); {
			fmt.Fprintln(&printed, s.Text())
			if line != nil {
				line(strings.TrimRight(s.Text(), "\r"))
			}
		}
		_, _ = io.Copy(io.Discard, read) // after a line that is too long
	})
	reading.Go(func() {
		_ = cmd.Wait()
		write.Close()
		close(p.ended)
	})
	t.Cleanup(func() {
		input.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(kannelEnds):
			_ = cmd.Process.Kill()
		}
		reading.Wait()
		if t.Failed() {
			t.Logf("%s printed:\n%s", p.name, printed.String())
		}
	})
	return p
}

// until waits for a condition, and fails when the program ends before it.
func (p *kannelProcess) until(ready func() bool) error {
	deadline := time.After(kannelReady)
	for !ready() {
		select {
		case <-p.ended:
			return fmt.Errorf("%s ended", p.name)
		case <-deadline:
			return fmt.Errorf("%s is not ready after %v", p.name, kannelReady)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}
