package media

import "time"

const (
	// maxSources is how many senders (SSRC) of one call are remembered: an
	// exchange changes it when it joins the call to another leg.
	maxSources = 4
	// maxMisorder is how late a packet may be before a lower sequence number
	// is a sender that began again (RFC 3550, appendix A.1).
	maxMisorder = 100
	// maxSegment is the duration at which a long event goes on as another one
	// (RFC 4733, section 2.5.1.3).
	maxSegment = 0xffff
	// minAgain is from when to when, in samples, a key can be pressed again:
	// ITU-T Q.24 asks for 40 ms of tone and 40 ms of pause.
	minAgain = 80 * 8
	// handOver is how long a key can be down between two senders.
	handOver = 500 * time.Millisecond
)

// digits are the events of DTMF (RFC 4733, section 3.2, table 3).
const digits = "0123456789*#ABCD"

// An eventReader takes telephone events, and gives each press once: at the first of
// its packets that comes, be it start, middle or end. The zero value is ready.
//
// The timestamp makes a press: all its packets have the same one. The marker
// bit of its first packet says nothing that matters, and may be lost or wrong.
type eventReader struct {
	sources [maxSources]press
	used    int    // of sources
	latest  *press // the one that came last
}

// A press is the last one of a source.
type press struct {
	ssrc, ts uint32
	before   uint32 // the timestamp of the one before
	seq      uint16
	code     byte
	ended    bool
	at       time.Time // when a packet of it came last
}

// take returns the key that a packet presses, or 0.
func (e *eventReader) take(ssrc uint32, seq uint16, ts uint32, payload []byte, now time.Time) byte {
	code, ended := payload[0], payload[1]&0x80 != 0
	if int(code) >= len(digits) {
		return 0 // flash hook, tones of modems
	}
	p, known := e.source(ssrc)
	if known && !p.follows(seq) {
		return 0
	}
	again := known && p.continues(code, ts)
	if !known && e.latest != nil {
		// The key stayed down while the exchange changed the sender.
		l := e.latest
		again = l.code == code && !l.ended && now.Sub(l.at) < handOver
	}
	before := p.ts
	switch {
	case !known:
		before = ts
	case again && ts == p.ts:
		before, code, ended = p.before, p.code, ended || p.ended
	case again:
		before = p.before
	case ts == p.before: // its end, sent once more
		return 0
	}
	*p = press{ssrc: ssrc, ts: ts, before: before, seq: seq, code: code, ended: ended, at: now}
	e.latest = p
	if again {
		return 0
	}
	return digits[code]
}

// source finds the press of a source, or the place for it.
func (e *eventReader) source(ssrc uint32) (p *press, known bool) {
	oldest := &e.sources[0]
	for i := range e.sources[:e.used] {
		p := &e.sources[i]
		if p.ssrc == ssrc {
			return p, true
		}
		if p.at.Before(oldest.at) {
			oldest = p
		}
	}
	if e.used < len(e.sources) {
		e.used++
		return &e.sources[e.used-1], false
	}
	return oldest, false
}

// follows reports whether a packet is no duplicate and not overtaken.
func (p *press) follows(seq uint16) bool {
	late := p.seq - seq
	return late >= maxMisorder
}

// continues reports whether a packet is of the press: it has its timestamp, or
// is the next segment of a long one, or of a sender that wrongly counts the
// timestamp up.
func (p *press) continues(code byte, ts uint32) bool {
	if ts == p.ts {
		return true
	}
	ahead := ts - p.ts
	return code == p.code && (ahead < minAgain || ahead == maxSegment && !p.ended)
}
