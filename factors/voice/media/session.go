package media

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
)

// Config is how a session reaches the far side.
type Config struct {
	// Local is the address of this machine that sound is received at.
	Local netip.Addr
	// Public is the address to announce when it is another one: behind NAT.
	Public netip.Addr
	// PortMin and PortMax are the range of the port, 0 and 0 for any.
	PortMin, PortMax int
	// SRTP is "off", "optional" (offered beside plain RTP, RFC 4568 best
	// effort) or "required". Empty is "off".
	SRTP string
	// Hear, when it is there, is given the sound of each packet that counts, as
	// it comes. It must not wait, nor keep pcm.
	Hear func(pcm []int16)
	Log  *slog.Logger
}

// The values of Config.SRTP.
const (
	SRTPOff      = "off"
	SRTPOptional = "optional"
	SRTPRequired = "required"
)

// A Key is a key that the far side pressed: 0 to 9, * or #.
type Key struct {
	Digit  byte
	Source string // SourceEvent or SourceSound
}

// How a key came.
const (
	SourceEvent = "rfc4733"
	SourceSound = "inband"
)

// keysAhead is how many keys wait for the reader; more are dropped. No message
// asks for as many.
const keysAhead = 32

// A Session is the sound of one call. Its methods are safe for concurrent use.
type Session struct {
	cfg   Config
	log   *slog.Logger
	conn  socket
	port  int
	id    uint64 // of the session description
	ssrc  uint32
	local []suiteKey // ours, as offered

	agreed  atomic.Pointer[agreement]
	latched atomic.Pointer[netip.AddrPort] // where the far side sends from
	started atomic.Bool
	heard   atomic.Bool
	stats   counters

	out  sender
	keys chan Key

	mu     sync.Mutex
	closed bool
	work   sync.WaitGroup
	done   chan struct{} // closed by Close
}

// A socket is a UDP socket, as far as a session uses it.
type socket interface {
	ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error)
	WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error)
	Close() error
}

// Open binds a port. The caller calls Close.
func Open(cfg Config) (*Session, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	conn, port, err := bind(cfg.Local.Unmap(), cfg.PortMin, cfg.PortMax)
	if err != nil {
		return nil, err
	}
	return open(cfg, conn, port), nil
}

func open(cfg Config, conn socket, port int) *Session {
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Session{
		cfg: cfg, log: log, conn: conn, port: port,
		// RFC 3550, section 5.1: all of these begin at random.
		id: random64() >> 1, ssrc: uint32(random64() >> 32),
		keys: make(chan Key, keysAhead),
		done: make(chan struct{}),
	}
	if cfg.SRTP == SRTPOptional || cfg.SRTP == SRTPRequired {
		s.local = newKeys()
	}
	s.out.init(s)
	s.work.Go(s.receive)
	return s
}

func (c Config) validate() error {
	var problems []error
	if !c.Local.IsValid() {
		problems = append(problems, errors.New("media: no local address"))
	}
	if a := c.announced(); !a.IsValid() || a.IsUnspecified() || a.IsMulticast() {
		problems = append(problems, fmt.Errorf("media: the far side cannot send to %v: give the local or the public address", a))
	}
	switch c.SRTP {
	case "", SRTPOff, SRTPOptional, SRTPRequired:
	default:
		problems = append(problems, fmt.Errorf("media: srtp is %q; use off, optional or required", c.SRTP))
	}
	return errors.Join(problems...)
}

// announced is the address that the far side is to send to.
func (c Config) announced() netip.Addr {
	if c.Public.IsValid() {
		return c.Public.Unmap().WithZone("")
	}
	return c.Local.Unmap().WithZone("")
}

func random64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint64(b[:])
}

// Start begins to send, and to take keys: silence until Play. Call it when the
// call is answered; what was pressed before is not a key. Further calls do
// nothing.
func (s *Session) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.started.Swap(true) {
		return
	}
	s.work.Go(s.out.run)
}

// Play sends a sound, at 8000 samples a second, instead of what is played now.
// The channel is closed at its end, or when it is replaced or the session
// closed. It begins with Start at the earliest. pcm may not be changed until
// then.
func (s *Session) Play(pcm []int16) <-chan struct{} { return s.out.play(pcm) }

// Send presses keys: 0 to 9, * and #; a comma waits a second, anything else is
// left out. What is played pauses meanwhile. The keys go as events (RFC 4733)
// when the answer has them, otherwise as sound. The channel is closed when all
// are sent, or the session is closed.
func (s *Session) Send(digits string) <-chan struct{} { return s.out.send(digits) }

// Keys are the keys that the far side presses, each once, when it is pressed.
// Close closes it.
func (s *Session) Keys() <-chan Key { return s.keys }

// Heard reports whether any valid RTP came from the far side.
func (s *Session) Heard() bool { return s.heard.Load() }

// Close ends the session and waits until nothing of it runs. What Play and Send
// returned is closed.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.done)
	err := s.conn.Close()
	s.work.Wait()
	s.out.end()
	close(s.keys)
	s.stats.report(s.log)
	return err
}
