package peer

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

//go:embed testdata/smsc.pl
var perlSMSC string

//go:embed testdata/smsc.js
var nodeSMSC string

// An SMSC is a running one, of somebody else's SMPP.
type SMSC struct {
	// Address is host and port; User and Password are accepted there.
	Address, User, Password string

	process *process
	seen    int // lines of submit_sm that Next has returned
}

// An SMSCMessage is a submit_sm as the SMSC has decoded it.
type SMSCMessage struct {
	From       string `json:"from"`
	FromTON    int    `json:"from_ton"`
	FromNPI    int    `json:"from_npi"`
	To         string `json:"to"`
	ToTON      int    `json:"to_ton"`
	ToNPI      int    `json:"to_npi"`
	Class      int    `json:"class"`
	Coding     int    `json:"coding"`
	Registered int    `json:"registered"`
	Validity   string `json:"validity"` // of Perl's only
	Service    string `json:"service"`
	// Header is the user data header of a part, in hexadecimal.
	Header string `json:"header"`
	// Message are the octets behind it, in hexadecimal; of Perl's only.
	Message string `json:"message"`
	// Text is what Node's own tables read in them.
	Text string `json:"text"`
	ID   string `json:"id"` // what the SMSC calls it
	// Reference, Total and Part are those of sar_… parameters.
	Reference int `json:"reference"`
	Total     int `json:"total"`
	Part      int `json:"part"`
}

const (
	smscUser     = "portvakt"
	smscPassword = "smpppass"
	withHeader   = 0x40 // in esm_class
	// nodeModules is where scripts/peers.sh puts the packages of npm.
	nodeModules = ".cache/npm/node_modules"
)

// StartPerlSMSC runs an SMSC of Debian's libnet-smpp-perl until the end of the
// test. It gives receipts by text.
func StartPerlSMSC(t testing.TB) *SMSC {
	t.Helper()
	Need(t, "perl")
	needFile(t, "/usr/share/perl5/Net/SMPP.pm", "apt-get install libnet-smpp-perl")
	port := strconv.Itoa(FreePort(t))
	return startSMSC(t, "perl", write(t, filepath.Join(t.TempDir(), "smsc.pl"), perlSMSC), port, smscUser, smscPassword)
}

// StartNodeSMSC runs an SMSC of the npm package smpp until the end of the test,
// with TLS when there is a certificate. It gives receipts by parameters, to
// every receiver that is bound.
func StartNodeSMSC(t testing.TB, cert *Cert) *SMSC {
	t.Helper()
	Need(t, "node")
	modules := filepath.Join(moduleRoot(t), filepath.FromSlash(nodeModules))
	needFile(t, filepath.Join(modules, "smpp", "package.json"), "scripts/peers.sh")
	dir := t.TempDir()
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	args := []string{write(t, filepath.Join(dir, "smsc.js"), nodeSMSC), smscUser, smscPassword}
	if cert != nil {
		args = append(args, cert.CertFile, cert.KeyFile)
	}
	return startSMSC(t, "node", args...)
}

func startSMSC(t testing.TB, program string, args ...string) *SMSC {
	t.Helper()
	s := &SMSC{User: smscUser, Password: smscPassword, process: start(t, new(Output), program, args...)}
	t.Cleanup(func() {
		s.process.stop()
		if t.Failed() {
			t.Logf("the SMSC printed:\n%s", s.process.log)
		}
	})
	s.process.until(t, "the SMSC", func() bool { return len(s.lines("ready ")) > 0 })
	s.Address = "127.0.0.1:" + s.lines("ready ")[0]
	return s
}

// lines are those with a prefix, without it.
func (s *SMSC) lines(prefix string) []string {
	var all []string
	for line := range strings.Lines(s.process.log.String()) {
		if rest, ok := strings.CutPrefix(line, prefix); ok && strings.HasSuffix(line, "\n") {
			all = append(all, strings.TrimSuffix(rest, "\n"))
		}
	}
	return all
}

// Next waits for the next message.
func (s *SMSC) Next(t testing.TB) SMSCMessage {
	t.Helper()
	s.process.until(t, "a message", func() bool { return len(s.lines("submit ")) > s.seen })
	var m SMSCMessage
	if err := json.Unmarshal([]byte(s.lines("submit ")[s.seen]), &m); err != nil {
		t.Fatal(err)
	}
	s.seen++
	// Net::SMPP leaves the header where it is.
	if m.Class&withHeader != 0 && m.Header == "" {
		b, err := hex.DecodeString(m.Message)
		if err != nil || len(b) == 0 || int(b[0]) >= len(b) {
			t.Fatalf("%q has no header", m.Message)
		}
		m.Header, m.Message = hex.EncodeToString(b[:1+b[0]]), hex.EncodeToString(b[1+b[0]:])
	}
	return m
}

// Silent fails the test if a message has come that Next has not returned.
func (s *SMSC) Silent(t testing.TB) {
	t.Helper()
	if all := s.lines("submit "); len(all) > s.seen {
		t.Errorf("a message arrived: %s", all[s.seen])
	}
}

// Await waits until the SMSC has printed a line that many times.
func (s *SMSC) Await(t testing.TB, line string, times int) {
	t.Helper()
	s.process.until(t, "the line "+line, func() bool {
		n := 0
		for _, rest := range s.lines(line) {
			if rest == "" {
				n++
			}
		}
		return n >= times
	})
}

// Stop ends the SMSC before the test does.
func (s *SMSC) Stop() { s.process.stop() }

// Pause keeps it from answering; the kernel goes on taking connections.
func (s *SMSC) Pause() { s.process.pause() }

// needFile is Need for what is no program.
func needFile(t testing.TB, path, how string) {
	t.Helper()
	if _, err := os.Stat(path); err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing: %s", path, how)
	}
	t.Skipf("SKIPPED, NOT TESTED: %s is missing: %s", path, how)
}

// moduleRoot is the folder of go.mod: a test runs in its package's.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above this package")
		}
		dir = up
	}
}
