package media

import "github.com/portvakt/portvakt/factors/voice/audio"

// Gaps in the sound, in samples: one as long as a pause between two presses,
// and one that is no gap but a sender that began again.
const (
	pauseGap = 40 * 8
	endless  = 60 * 8000
)

// An ear finds keys in the sound, for far sides without events. The zero value
// is ready.
//
// Lost packets are left out and not taken for a pause: a press must not count
// twice. Only a sender that says by its numbers that it lost nothing, and sent
// nothing for a while, has paused.
type ear struct {
	detector audio.Detector
	ssrc     uint32
	seq      uint16
	next     uint32 // the timestamp after the last sound
	began    bool
	pcm      []int16
	keys     []byte
}

// take returns the keys that a packet presses, until the next call.
func (e *ear) take(ssrc uint32, seq uint16, ts uint32, payload []byte, law audio.Law) []byte {
	if e.late(ssrc, seq) {
		return nil
	}
	if gap := ts - e.next; e.began && ssrc == e.ssrc && seq-e.seq == 1 && gap >= pauseGap && gap < endless {
		e.detector.Reset()
	}
	e.began, e.ssrc, e.seq = true, ssrc, seq
	e.next = ts + uint32(len(payload)) //nolint:gosec // at most maxPacket
	e.pcm = law.Decode(e.pcm[:0], payload)
	e.keys = e.detector.Append(e.keys[:0], e.pcm)
	return e.keys
}

// pause takes a packet that says that there is no sound for a while.
func (e *ear) pause(ssrc uint32, seq uint16) {
	if !e.late(ssrc, seq) {
		e.detector.Reset()
		e.began, e.ssrc, e.seq = true, ssrc, seq
	}
}

// late reports whether a packet is a duplicate or overtaken.
func (e *ear) late(ssrc uint32, seq uint16) bool {
	return e.began && ssrc == e.ssrc && e.seq-seq < maxMisorder
}
