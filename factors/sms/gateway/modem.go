package gateway

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf16"

	"golang.org/x/sys/unix"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/sms/gsm"
)

const kindModem = "modem"

// Modem are the keys for kind "modem": the folders of a program that sends by
// a modem of one's own.
type Modem struct {
	Format  string `mapstructure:"format"`  // "smstools" (default) or "gammu"
	Spool   string `mapstructure:"spool"`   // where the program looks for messages
	Checked string `mapstructure:"checked"` // where it puts those it has taken; smstools only
	Sent    string `mapstructure:"sent"`    // where it puts those that it has sent
	Failed  string `mapstructure:"failed"`  // where it puts the others
}

// The programs whose files are known.
const (
	formatSmstools = "smstools" // smsd of SMS Server Tools 3
	formatGammu    = "gammu"    // gammu-smsd with service = files
)

const (
	modemPoll = 50 * time.Millisecond
	// modemFile lets the program's group read a message, and nobody else: it
	// holds a code.
	modemFile = 0o660
	hidden    = "." // both programs leave alone what begins so
)

func (c Modem) format() string {
	if c.Format == "" {
		return formatSmstools
	}
	return c.Format
}

// folders are the keys of the folders and what they hold.
func (c Modem) folders() [][2]string {
	all := [][2]string{{"spool", c.Spool}, {"sent", c.Sent}, {"failed", c.Failed}}
	if c.format() == formatSmstools {
		all = append(all, [2]string{"checked", c.Checked})
	}
	return all
}

// Validate returns every problem of the keys. It does not look at the folders.
func (c Modem) Validate() error {
	var p problems
	if !slices.Contains([]string{formatSmstools, formatGammu}, c.format()) {
		p.add("format: %q is not a format: write \"smstools\" or \"gammu\"", c.Format)
	}
	if c.format() == formatGammu && c.Checked != "" {
		p.add("checked: gammu-smsd has no such folder: remove it")
	}
	seen := map[string]bool{}
	for _, folder := range c.folders() {
		key, path := folder[0], folder[1]
		switch {
		case path == "":
			p.add("%s: is not set: write the folder that the program has in its configuration", key)
		case !filepath.IsAbs(path):
			p.add("%s: %q is not an absolute path: write the folder that the program has in its configuration", key, path)
		case seen[filepath.Clean(path)]:
			p.add("%s: %q is another of the folders too: what became of a message could not be told", key, path)
		}
		seen[filepath.Clean(path)] = true
	}
	return errors.Join(p...)
}

// A modem leaves messages in a spool and looks where they end up.
type modem struct {
	name   string
	cfg    Modem
	number numberFormat
}

func newModem(cfg Config) (*modem, error) {
	m := &modem{name: cfg.Name, cfg: cfg.Modem, number: cfg.numberFormat()}
	return m, m.safe()
}

// safe looks at the folders. In one that everybody can write to, everybody can
// send messages at our expense and tell us what became of ours.
func (m *modem) safe() error {
	for _, folder := range m.cfg.folders() {
		key, path := folder[0], folder[1]
		switch info, err := os.Stat(path); {
		case err != nil:
			return fmt.Errorf("%s: %w", key, err)
		case !info.IsDir():
			return fmt.Errorf("%s: %s is not a folder", key, path)
		case info.Mode().Perm()&0o002 != 0:
			return fmt.Errorf("%s: everybody can write to %s: take that away with chmod o-w", key, path)
		}
	}
	return nil
}

func (m *modem) Name() string { return m.name }

func (m *modem) Send(ctx context.Context, to phone.Number, text string) (id string, err error) {
	if err := m.safe(); err != nil {
		return "", &NotSent{Reason: err.Error(), Down: true}
	}
	name, content := m.message(to, text)
	if err := m.put(name, content); err != nil {
		return "", &NotSent{Reason: "the spool cannot be written: " + cause(err), Down: true}
	}
	tick := time.NewTicker(modemPoll)
	defer tick.Stop()
	for {
		if done, err := m.ended(name); done {
			return "", err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", m.overdue(name)
		}
	}
}

// message makes the file of a message. Its name is random and holds at most
// the digits of the number, so that no text can lead out of the folder.
func (m *modem) message(to phone.Number, text string) (name string, content []byte) {
	random := strings.ToLower(rand.Text())
	if m.cfg.format() == formatGammu {
		// gammu-smsd-files(7): the recipient is in the name, a text begins with
		// U+FEFF when it is UTF-16.
		name = fmt.Sprintf("OUTC%s_00_%s_%s.txt", time.Now().UTC().Format("20060102_150405"), m.number.of(to), random)
		return name, utf16Text("\ufeff" + text)
	}
	// To smsd a number without a plus is international.
	number := strings.TrimPrefix(m.number.of(to), "+")
	alphabet := "GSM"
	octets, fits := gsm.Encode(text)
	if !fits {
		alphabet, octets = "UCS", utf16Text(text)
	}
	return "portvakt-" + random, fmt.Appendf(nil, "To: %s\nAlphabet: %s\n\n%s", number, alphabet, octets)
}

func utf16Text(text string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.BigEndian.AppendUint16(b, unit)
	}
	return b
}

// put writes a file beside and renames it: the program never sees a part of
// it.
func (m *modem) put(name string, content []byte) error {
	root, err := os.OpenRoot(m.cfg.Spool)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	f, err := root.OpenFile(hidden+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, modemFile)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(modemFile)) // whatever the umask is
	if dir, failed := root.Stat("."); failed == nil {
		if owner, ok := dir.Sys().(*syscall.Stat_t); ok {
			// As the setgid bit of the folder would do it, where that is not
			// set; the program may be root and not need it.
			_ = f.Chown(-1, int(owner.Gid))
		}
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(hidden+name, name)
	}
	if err != nil {
		_ = root.Remove(hidden + name)
	}
	return err
}

// ended reports whether the program is done with a message, and how.
func (m *modem) ended(name string) (done bool, err error) {
	switch {
	case there(m.cfg.Sent, name):
		return true, nil
	case there(m.cfg.Failed, name):
		return true, &NotSent{Reason: "the modem's program gave up: its log tells why"}
	}
	return false, nil
}

// overdue says what is known of a message when the time is up.
func (m *modem) overdue(name string) error {
	if m.cfg.format() == formatGammu {
		// It is there until it was sent, and may be on the air.
		if there(m.cfg.Spool, name) {
			return errors.New("the message waits in the spool")
		}
	} else if err := m.withdraw(name); err != nil {
		return err
	}
	if done, err := m.ended(name); done {
		return err
	}
	return nil // it was taken, and has hours to be sent
}

// withdraw takes a message back that smsd has not taken. The error says whether
// it can still be sent; nil that it is there no more.
//
// smsd copies a message into checked and then removes it from the spool, so
// that renaming it does not show that it was not taken. But who copies has it
// open, and who has copied has put it there before: a lease (fcntl(2),
// F_SETLEASE) tells the one, the folder the other.
func (m *modem) withdraw(name string) error {
	withdrawn := filepath.Join(m.cfg.Spool, hidden+name)
	switch err := os.Rename(filepath.Join(m.cfg.Spool, name), withdrawn); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return errors.New("the message waits in the spool and cannot be taken back: " + cause(err))
	}
	defer func() { _ = os.Remove(withdrawn) }()
	f, err := os.OpenFile(withdrawn, os.O_RDWR, 0) //nolint:gosec // G304: the administrator's folder and a name of ours
	if err != nil {
		return errors.New("the message was taken from the spool, and perhaps by smsd before: " + cause(err))
	}
	defer func() { _ = f.Close() }()
	if !onlyOurs(f) {
		return errors.New("the message was taken from the spool while smsd read it")
	}
	if there(m.cfg.Checked, name) || there(m.cfg.Sent, name) || there(m.cfg.Failed, name) {
		return nil
	}
	return &NotSent{Reason: "the modem's program took no notice of it: is it running?", Down: true}
}

// onlyOurs reports whether certainly nobody else has the file open.
func onlyOurs(f *os.File) bool {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	return err == nil
}

func there(folder, name string) bool {
	_, err := os.Lstat(filepath.Join(folder, name))
	return err == nil
}

// cause is an error without the file's name, which may hold a number.
func cause(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err.Error()
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		return link.Err.Error()
	}
	return "no reason is known"
}

func (m *modem) check(context.Context) Status {
	s := Status{Target: m.cfg.Spool, Err: m.safe()}
	if s.Err != nil {
		return s
	}
	f, err := os.CreateTemp(m.cfg.Spool, hidden+"portvakt-check-")
	if err != nil {
		s.Err = fmt.Errorf("spool: %s cannot be written to: %s", m.cfg.Spool, cause(err))
		return s
	}
	_ = f.Close()
	_ = os.Remove(f.Name())
	return s
}
