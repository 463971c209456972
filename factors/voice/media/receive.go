package media

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/portvakt/portvakt/factors/fault"
	"github.com/portvakt/portvakt/factors/voice/audio"
	"github.com/portvakt/portvakt/login"
)

// Bounds of packets, in octets. A packet of Ethernet is 1500; sound of 20 ms
// takes 172.
const (
	minPacket = 12
	maxPacket = 1500
	minEvent  = 4
)

// relatchAfter is how long the port that sound comes from must be silent before
// another one counts.
const relatchAfter = 2 * time.Second

// maxErrors is after how many errors in a row a socket is given up.
const maxErrors = 100

// A receiver is what only the receiving goroutine has.
type receiver struct {
	s      *Session
	a      *agreement
	header rtp.Header
	packet rtp.Packet
	plain  []byte
	pcm    []int16
	last   time.Time // when a packet came from the latched port
	keys   eventReader
	ear    ear
}

// receive takes packets until the socket is closed.
func (s *Session) receive() {
	r := &receiver{s: s, plain: make([]byte, maxPacket)}
	b := make([]byte, maxPacket+1)
	for failed := 0; failed < maxErrors; {
		n, from, err := s.conn.ReadFromUDPAddrPort(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			if failed++; failed == maxErrors {
				s.log.Error("gave up receiving the sound of a call", slog.Any(login.KeyErr, err))
			}
			continue
		}
		failed = 0
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if fault.Guard(s.log, func() { r.take(b[:n], from, time.Now()) }) != nil {
			return // a call without keys ends by itself
		}
	}
}

// take takes one packet. What is dropped is counted, and never answered.
func (r *receiver) take(b []byte, from netip.AddrPort, now time.Time) {
	a := r.s.agreed.Load()
	if a == nil {
		return // nobody knows yet who the far side is
	}
	if a != r.a {
		if r.a != nil && r.a.to != a.to {
			r.s.latched.Store(nil)
		}
		r.a = a
	}
	// Attack: whoever learns the port sends keys to it.
	if a.remote == nil && from.Addr() != a.to.Addr() {
		r.s.stats.foreign.Add(1)
		return
	}
	if len(b) < minPacket || len(b) > maxPacket || b[0]>>6 != 2 {
		r.s.stats.malformed.Add(1)
		return
	}
	if rtcp := b[1] >= 192 && b[1] <= 223; rtcp { // RFC 5761, section 4
		return
	}
	if a.remote != nil {
		plain, err := a.decrypt.DecryptRTP(r.plain, b, &r.header)
		if errors.Is(err, srtp.ErrFailedToVerifyAuthTag) {
			r.s.stats.unauthentic.Add(1)
			return
		} else if err != nil {
			r.s.stats.malformed.Add(1)
			return
		}
		b = plain
	}
	// Our own SSRC is our own packet, sent back (RFC 3550, section 8.2).
	if err := r.packet.Unmarshal(b); err != nil || r.packet.SSRC == r.s.ssrc || !fits(a.kinds[r.packet.PayloadType], len(r.packet.Payload)) {
		r.s.stats.malformed.Add(1)
		return
	}
	if !r.latch(from, now) {
		r.s.stats.foreign.Add(1)
		return
	}
	r.s.heard.Store(true)
	r.listen(now)
}

// fits reports whether a payload of a kind may have a size.
func fits(k kind, size int) bool {
	switch k {
	case pcma, pcmu:
		return size > 0
	case events:
		return size >= minEvent
	default:
		return k == noise
	}
}

// latch decides whether sound may come from a port, and has ours go there. The
// first one is it; the one of the answer takes its place, as does any after a
// while of silence. With SRTP every packet here is the far side's.
func (r *receiver) latch(from netip.AddrPort, now time.Time) bool {
	at := r.s.latched.Load()
	if at == nil || *at != from {
		if at != nil && r.a.remote == nil && from != r.a.to && now.Sub(r.last) < relatchAfter {
			return false
		}
		to := from
		r.s.latched.Store(&to)
	}
	r.last = now
	return true
}

// listen takes the keys out of a packet.
func (r *receiver) listen(now time.Time) {
	p := &r.packet
	law := audio.MuLaw
	switch r.a.kinds[p.PayloadType] {
	case events:
		if key := r.keys.take(p.SSRC, p.SequenceNumber, p.Timestamp, p.Payload, now); key != 0 {
			r.s.press(key, SourceEvent)
		}
		return
	case pcma:
		law = audio.ALaw
	case pcmu:
	default:
		r.ear.pause(p.SSRC, p.SequenceNumber)
		return
	}
	if r.s.cfg.Hear != nil {
		r.pcm = law.Decode(r.pcm[:0], p.Payload)
		r.s.cfg.Hear(r.pcm)
	}
	if r.a.events {
		return
	}
	for _, key := range r.ear.take(p.SSRC, p.SequenceNumber, p.Timestamp, p.Payload, law) {
		r.s.press(key, SourceSound)
	}
}

// press hands on a key. Telephones have no A to D.
func (s *Session) press(key byte, source string) {
	if !s.started.Load() || key >= 'A' {
		return
	}
	select {
	case s.keys <- Key{Digit: key, Source: source}:
	default: // nobody reads, and no message asks for so many
	}
}
