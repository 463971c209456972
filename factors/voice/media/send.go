package media

import (
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/portvakt/portvakt/login"
)

const (
	packetTime    = 20 * time.Millisecond
	packetSamples = 160
	// maxBehind is how many packets are sent at once after a late wake-up. More
	// would only fill the far side's buffer; the sound pauses instead.
	maxBehind = 3
)

// A sender sends the sound and the keys of a session.
type sender struct {
	s *Session

	mu       sync.Mutex
	closed   bool
	sound    []int16 // what is yet to play
	playing  chan struct{}
	keypad   keypad
	contexts map[int]*srtp.Context // by the tag of the key

	// The sending goroutine's.
	header    rtp.Header
	clock     uint32     // the timestamp of the next sound
	parsed    rtp.Header // for the encryption
	frame     [packetSamples]int16
	payload   []byte
	packet    []byte
	encrypted []byte
	quiet     bool // whether no sound was sent before this packet
	failed    bool
}

func (o *sender) init(s *Session) {
	o.s = s
	o.contexts = make(map[int]*srtp.Context)
	// RFC 4568, section 6.4: a sequence number that begins low does not wrap
	// before the far side has its first packet, even if that is lost.
	start := random64()
	o.header = rtp.Header{Version: 2, SSRC: s.ssrc, SequenceNumber: uint16(start >> 49)}
	o.clock = uint32(start & 0xffffffff)
	o.payload = make([]byte, 0, packetSamples)
	o.packet = make([]byte, maxPacket)
	o.encrypted = make([]byte, maxPacket)
	o.quiet = true
}

// context is the one for a key of ours.
func (o *sender) context(k *suiteKey) (*srtp.Context, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.contexts[k.tag]; c != nil {
		return c, nil
	}
	c, err := k.context()
	if err == nil {
		o.contexts[k.tag] = c
	}
	return c, err
}

func (o *sender) play(pcm []int16) <-chan struct{} {
	done := make(chan struct{})
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.playing != nil {
		close(o.playing)
	}
	o.sound, o.playing = pcm, done
	if o.closed || len(pcm) == 0 {
		o.sound, o.playing = nil, nil
		close(done)
	}
	return done
}

func (o *sender) send(keys string) <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	done := make(chan struct{})
	if o.closed || !o.keypad.add(keys, done) {
		close(done)
	}
	return done
}

// end closes what play and send returned.
func (o *sender) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.playing != nil {
		close(o.playing)
		o.sound, o.playing = nil, nil
	}
	o.keypad.end()
}

// run sends a packet every 20 ms of the schedule that begins now, until the
// session is closed. The schedule does not depend on when it was woken, so it
// does not drift; time is the monotonic clock, so setting the clock does not
// move it.
func (o *sender) run() {
	due := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-o.s.done:
			return
		case <-timer.C:
		}
		if late := time.Since(due); late > maxBehind*packetTime {
			// Timestamps are of the clock, not of the packets (RFC 3550,
			// section 5.1).
			missed := late / packetTime
			due = due.Add(missed * packetTime)
			o.clock += uint32(missed) * packetSamples //nolint:gosec // timestamps wrap
			o.quiet = true
		}
		if a := o.s.agreed.Load(); a != nil {
			o.next(a)
			o.write(a)
			o.header.SequenceNumber++
		}
		o.clock += packetSamples
		due = due.Add(packetTime)
		timer.Reset(time.Until(due))
	}
}

// next makes the header and the payload of a packet.
func (o *sender) next(a *agreement) {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := &o.header
	h.Timestamp = o.clock
	what := o.keypad.step(a.events, o.clock)
	if what == stepEvent {
		// All packets of an event have the timestamp of its beginning.
		h.PayloadType, h.Timestamp = a.event, o.keypad.began
		o.payload, h.Marker = o.keypad.event(o.payload[:0])
		o.quiet = true
		return
	}
	switch what {
	case stepTone:
		o.keypad.sound(o.frame[:])
	case stepPause:
		clear(o.frame[:])
	default:
		n := copy(o.frame[:], o.sound)
		clear(o.frame[n:])
		o.sound = o.sound[n:]
		if n == 0 && o.playing != nil {
			close(o.playing)
			o.sound, o.playing = nil, nil
		}
	}
	o.payload = a.law.Encode(o.payload[:0], o.frame[:])
	h.PayloadType, h.Marker = a.sound, o.quiet // RFC 3551, section 4.1
	o.quiet = false
}

// write sends the packet.
func (o *sender) write(a *agreement) {
	n, err := o.header.MarshalTo(o.packet)
	if err != nil {
		o.complain(err, a.to)
		return
	}
	out := o.packet[:n+copy(o.packet[n:], o.payload)]
	if a.encrypt != nil {
		if out, err = a.encrypt.EncryptRTP(o.encrypted, out, &o.parsed); err != nil {
			o.complain(err, a.to)
			return
		}
	}
	to := a.to
	if at := o.s.latched.Load(); at != nil && (a.remote != nil || at.Addr() == to.Addr()) {
		to = *at
	}
	if _, err := o.s.conn.WriteToUDPAddrPort(out, to); err != nil {
		o.complain(err, to)
	}
}

// complain logs the first of what may be an error every 20 ms.
func (o *sender) complain(err error, to netip.AddrPort) {
	select {
	case <-o.s.done:
		return
	default:
	}
	if !o.failed {
		o.failed = true
		o.s.log.Warn("cannot send the sound of a call", slog.String(login.KeyAddress, to.String()), slog.Any(login.KeyErr, err))
	}
}
