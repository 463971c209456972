package peer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Spool are the folders of a running daemon that sends by a modem.
type Spool struct {
	// Outgoing is where it looks for messages; Checked, Sent and Failed are
	// where it puts them.
	Outgoing, Checked, Sent, Failed string

	daemon *process
}

// Pause stops the daemon; its folders stay.
func (s *Spool) Pause() { s.daemon.pause() }

func newSpool(t testing.TB) *Spool {
	t.Helper()
	dir := t.TempDir()
	s := &Spool{
		Outgoing: filepath.Join(dir, "outgoing"), Checked: filepath.Join(dir, "checked"),
		Sent: filepath.Join(dir, "sent"), Failed: filepath.Join(dir, "failed"),
	}
	for _, folder := range []string{s.Outgoing, s.Checked, s.Sent, s.Failed, s.folder("incoming")} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *Spool) folder(name string) string { return filepath.Join(filepath.Dir(s.Outgoing), name) }

// run starts the daemon, and waits until its log says that it is ready.
func (s *Spool) run(t testing.TB, ready, program string, args ...string) {
	t.Helper()
	s.daemon = start(t, new(Output), program, args...)
	t.Cleanup(func() {
		s.daemon.stop()
		if t.Failed() {
			t.Logf("%s printed:\n%s\nand logged:\n%s", program, s.daemon.log, s.Log(t))
		}
	})
	s.daemon.until(t, program, func() bool { return strings.Contains(s.Log(t), ready) })
}

// Log is what the daemon has logged; numbers and texts too.
func (s *Spool) Log(t testing.TB) string {
	t.Helper()
	logged, err := os.ReadFile(s.folder("log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	return string(logged)
}

const smstoolsConf = `
devices = GSM1
outgoing = %[1]s/outgoing
checked = %[1]s/checked
incoming = %[1]s/incoming
sent = %[1]s/sent
failed = %[1]s/failed
logfile = %[1]s/log
infofile = %[1]s/info
pidfile = %[1]s/pid
loglevel = 7
delaytime = 1
errorsleeptime = 1
blocktime = 1
autosplit = 3

[GSM1]
device = %[2]s
incoming = no
baudrate = 115200
rtscts = no
check_network = no
send_retries = 1
`

// StartSmstools runs smsd of the package smstools on a modem until the end of
// the test.
func StartSmstools(t testing.TB, modem *FakeModem) *Spool {
	t.Helper()
	Need(t, "smsd")
	s := newSpool(t)
	conf := write(t, s.folder("conf"), fmt.Sprintf(smstoolsConf, filepath.Dir(s.Outgoing), modem.Device))
	s.run(t, "Waiting for messages to send", "smsd", "-t", "-c", conf)
	return s
}

const gammuConf = `
[gammu]
model = dummy
connection = none
port = %[1]s/dummy
gammuloc = /dev/null

[smsd]
service = files
logfile = %[1]s/log
debuglevel = 255
inboxpath = %[1]s/incoming/
outboxpath = %[1]s/outgoing/
sentsmspath = %[1]s/sent/
errorsmspath = %[1]s/failed/
commtimeout = 1
sendtimeout = 5
statusfrequency = 0
transmitformat = auto
checksecurity = 0
checksignal = 0
checkbattery = 0
hangupcalls = 0
`

// StartGammu runs gammu-smsd with the modem that Gammu makes up itself.
func StartGammu(t testing.TB) *Spool {
	t.Helper()
	Need(t, "gammu-smsd")
	s := newSpool(t)
	if err := os.Mkdir(s.folder("dummy"), 0o700); err != nil {
		t.Fatal(err)
	}
	conf := write(t, s.folder("conf"), fmt.Sprintf(gammuConf, filepath.Dir(s.Outgoing)))
	// It logs in the character set of its environment.
	s.run(t, "Starting phone communication", "env", "LC_ALL=C.UTF-8", find("gammu-smsd"), "-c", conf)
	return s
}

// Messages are the files in one of the folders.
func (s *Spool) Messages(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !strings.HasSuffix(e.Name(), ".LOCK") { // smsd's, while it copies
			all = append(all, filepath.Join(folder, e.Name()))
		}
	}
	return all
}
