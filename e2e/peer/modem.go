package peer

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
	"unsafe"
)

// A FakeModem is no modem: it is a made-up one on a terminal of the kernel's,
// which answers the commands that smsd sends (3GPP TS 27.005 and 27.007) and
// keeps the messages. What it decodes is what smsd has put on the air.
type FakeModem struct {
	// Device is the terminal that smsd opens.
	Device string

	refuse  bool
	arrived chan ModemMessage
	master  *os.File
	reading sync.WaitGroup
}

// A ModemMessage is what went over the air, as 3GPP TS 23.040 writes it.
type ModemMessage struct {
	// To is the number; with a plus when it is international.
	To string
	// Coding is "gsm" or "ucs2".
	Coding string
	Text   string
	// Header is the user data header of a part, in hexadecimal.
	Header string
}

const (
	modemEnd    = 0x1a // ends a message
	modemEscape = 0x1b
)

// StartFakeModem makes a modem that takes messages, or refuses each one as a
// network does that knows no such number.
func StartFakeModem(t testing.TB, refuse bool) *FakeModem {
	t.Helper()
	master, device, err := openTerminal()
	if err != nil {
		if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") != "true" {
			t.Skipf("SKIPPED, NOT TESTED: no pseudo terminals: %v", err)
		}
		t.Fatal(err)
	}
	m := &FakeModem{Device: device, refuse: refuse, master: master, arrived: make(chan ModemMessage, 16)}
	m.reading.Go(m.serve)
	t.Cleanup(func() {
		master.Close()
		m.reading.Wait()
	})
	return m
}

// Next waits for the next message.
func (m *FakeModem) Next(t testing.TB) ModemMessage {
	t.Helper()
	select {
	case got := <-m.arrived:
		return got
	case <-time.After(startWait):
		t.Fatal("no message reached the modem")
		return ModemMessage{}
	}
}

// serve reads lines, and messages behind AT+CMGS.
func (m *FakeModem) serve() {
	var line []byte
	b := make([]byte, 256)
	within := false
	for {
		n, err := m.master.Read(b)
		if errors.Is(err, syscall.EIO) { // nobody has the terminal open
			time.Sleep(pollEvery)
			continue
		}
		if err != nil {
			return
		}
		for _, c := range b[:n] {
			switch {
			case within && c == modemEnd:
				within = false
				m.say(m.take(string(line)))
				line = nil
			case within && c == modemEscape:
				within, line = false, nil
				m.say("OK")
			case within:
				line = append(line, c)
			case c == '\r':
				within = m.command(strings.TrimSpace(string(line)))
				line = nil
			default:
				line = append(line, c)
			}
		}
	}
}

func (m *FakeModem) say(s string) { _, _ = fmt.Fprintf(m.master, "\r\n%s\r\n", s) }

// command answers a line, and reports whether a message follows.
func (m *FakeModem) command(line string) bool {
	upper := strings.ToUpper(line)
	answers := []struct{ part, answer string }{
		{"CPIN?", "+CPIN: READY"},
		{"CSQ", "+CSQ: 20,0"},
		{"CREG?", "+CREG: 0,1"},
		{"CGSN", "490154203237518"},
		{"CIMI", "001010123456789"},
		{"CPMS", "+CPMS: 0,10,0,10,0,10"},
	}
	switch {
	case line == "":
		return false
	case strings.HasPrefix(upper, "AT+CMGS="):
		_, _ = m.master.WriteString("\r\n> ")
		return true
	}
	for _, a := range answers {
		if strings.Contains(upper, a.part) {
			m.say(a.answer)
			break
		}
	}
	m.say("OK")
	return false
}

// take keeps a message and returns the modem's answer to it.
func (m *FakeModem) take(pdu string) string {
	if m.refuse {
		return "+CMS ERROR: 38" // network out of order
	}
	got, err := readTPDU(pdu)
	if err != nil {
		got.Text = err.Error()
	}
	select {
	case m.arrived <- got:
	default: // no test sends that many without looking
	}
	return "+CMGS: 1\r\n\r\nOK"
}

var errTPDU = errors.New("not an SMS-SUBMIT")

// readTPDU reads a message of the direction to the network (3GPP TS 23.040,
// section 9.2.2.2) behind the address of the service centre.
func readTPDU(text string) (m ModemMessage, err error) {
	b, err := hex.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return m, err
	}
	defer func() {
		if recover() != nil { // cut off
			err = errTPDU
		}
	}()
	b = b[1+b[0]:]
	first, digits, kind := b[0], int(b[2]), b[3]
	b = b[4:]
	if kind&0x70 == 0x10 {
		m.To = "+"
	}
	for i := range digits {
		m.To += string('0' + rune(b[i/2]>>(4*(i%2))&0xf))
	}
	b = b[(digits+1)/2:]
	coding := b[1]
	b = b[2:]
	switch first & 0x18 { // the form of the validity period
	case 0x10:
		b = b[1:]
	case 0x08, 0x18:
		b = b[7:]
	}
	length, data := int(b[0]), b[1:]
	header := 0
	if first&0x40 != 0 {
		header = 1 + int(data[0])
		m.Header = hex.EncodeToString(data[:header])
	}
	if coding&0x0c == 0x08 {
		m.Coding = "ucs2"
		var units []uint16
		for i := header; i+1 < length; i += 2 {
			units = append(units, binary.BigEndian.Uint16(data[i:]))
		}
		m.Text = string(utf16.Decode(units))
		return m, nil
	}
	m.Coding = "gsm"
	skip := (header*8 + 6) / 7
	var septets []byte
	for i := skip; i < length; i++ {
		at := i * 7
		two := uint(data[at/8])
		if at/8+1 < len(data) {
			two |= uint(data[at/8+1]) << 8
		}
		septets = append(septets, byte(two>>(at%8))&0x7f)
	}
	m.Text = septetText(septets)
	return m, nil
}

// septetText decodes the part of the GSM alphabet that tests use, from a table
// of its own: a mistake of the product's must not agree with itself.
func septetText(septets []byte) string {
	table := map[byte]rune{
		0x00: '@', 0x01: '£', 0x02: '$', 0x0b: 'Ø', 0x0c: 'ø', 0x0e: 'Å', 0x0f: 'å', 0x10: 'Δ', 0x11: '_',
		0x1c: 'Æ', 0x1d: 'æ', 0x5b: 'Ä', 0x5c: 'Ö', 0x5e: 'Ü', 0x7b: 'ä', 0x7c: 'ö', 0x7e: 'ü',
	}
	extension := map[byte]rune{
		0x14: '^', 0x28: '{', 0x29: '}', 0x2f: '\\', 0x3c: '[', 0x3d: '~', 0x3e: ']', 0x40: '|', 0x65: '€',
	}
	var b bytes.Buffer
	for i := 0; i < len(septets); i++ {
		c := septets[i]
		r, known := table[c]
		switch {
		case c == modemEscape && i+1 < len(septets):
			i++
			r = extension[septets[i]]
		case !known:
			r = rune(c)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// openTerminal makes a pseudo terminal (pty(7)) that passes octets on as they
// are.
func openTerminal() (master *os.File, device string, err error) {
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, "", &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	master = os.NewFile(uintptr(fd), "/dev/ptmx")
	control := func(request uintptr, argument unsafe.Pointer) {
		if err != nil {
			return
		}
		if _, _, no := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), request, uintptr(argument)); no != 0 {
			err = fmt.Errorf("ioctl %#x: %w", request, no)
		}
	}
	var number, lock int32
	control(syscall.TIOCSPTLCK, unsafe.Pointer(&lock))
	control(syscall.TIOCGPTN, unsafe.Pointer(&number))
	var mode syscall.Termios
	control(syscall.TCGETS, unsafe.Pointer(&mode))
	mode.Iflag, mode.Oflag, mode.Lflag = 0, 0, 0
	mode.Cflag |= syscall.CS8
	control(syscall.TCSETS, unsafe.Pointer(&mode))
	if err != nil {
		master.Close()
		return nil, "", err
	}
	return master, fmt.Sprintf("/dev/pts/%d", number), nil
}
