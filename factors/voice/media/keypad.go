package media

import (
	"encoding/binary"
	"strings"

	"github.com/portvakt/portvakt/factors/voice/audio"
)

// How keys are pressed, in packets: 120 ms of tone and as much pause, which
// every exchange takes, and the end of an event three times (RFC 4733, section
// 2.5.1.4).
const (
	keySlots   = 6
	endSlots   = 2 // after the first end
	gapSlots   = 6
	pauseSlots = 50 // a comma
	keyLevel   = -8 // dBm0 of each frequency
	volume     = 10 // the same, as an event has it: -dBm0
)

// maxKeys is how many keys wait to be pressed; an extension has at most a dozen.
const maxKeys = 100

// A keypad presses keys one after the other. The zero value is ready.
type keypad struct {
	jobs []job

	code  byte    // of the event that is being sent
	slot  uint16  // the next packet of the event, from 1; 0 is none
	began uint32  // its timestamp
	tone  []int16 // the rest of a key that is sent as sound
	rest  int     // packets of pause
}

// A job is what one Send asked for.
type job struct {
	keys string
	done chan struct{}
}

// add reports whether there is room.
func (k *keypad) add(keys string, done chan struct{}) bool {
	waiting := len(keys)
	for _, j := range k.jobs {
		waiting += len(j.keys)
	}
	if waiting > maxKeys || len(k.jobs) >= maxKeys {
		return false
	}
	k.jobs = append(k.jobs, job{keys, done})
	return true
}

func (k *keypad) end() {
	for _, j := range k.jobs {
		close(j.done)
	}
	*k = keypad{}
}

// A step is what the next packet is to have.
type step uint8

const (
	stepSound step = iota // nothing of ours
	stepEvent
	stepTone
	stepPause
)

// step decides what the packet with timestamp ts has: a key as an event, or as
// sound.
func (k *keypad) step(asEvent bool, ts uint32) step {
	for k.slot == 0 && len(k.tone) == 0 && k.rest == 0 {
		if len(k.jobs) == 0 {
			return stepSound
		}
		j := &k.jobs[0]
		if j.keys == "" {
			close(j.done)
			k.jobs = k.jobs[1:]
			continue
		}
		key := j.keys[0]
		j.keys = j.keys[1:]
		switch code := strings.IndexByte("0123456789*#", key); {
		case key == ',':
			k.rest = pauseSlots
		case code < 0:
		case asEvent:
			k.code, k.slot, k.began = byte(code), 1, ts //nolint:gosec // below 12
		default:
			k.tone = audio.Press(string(key), keySlots*packetTime, gapSlots*packetTime, keyLevel)
		}
	}
	switch {
	case k.slot > 0:
		return stepEvent
	case len(k.tone) > 0:
		return stepTone
	}
	k.rest--
	return stepPause
}

// event appends the next packet's payload (RFC 4733, section 2.3) to dst, and
// reports whether it is the first of the event.
func (k *keypad) event(dst []byte) (payload []byte, first bool) {
	first = k.slot == 1
	flags := byte(volume)
	if k.slot >= keySlots {
		flags |= 0x80
	}
	dst = append(dst, k.code, flags)
	dst = binary.BigEndian.AppendUint16(dst, min(k.slot, keySlots)*packetSamples)
	if k.slot++; k.slot > keySlots+endSlots {
		k.slot, k.rest = 0, gapSlots
	}
	return dst, first
}

// sound fills a frame with the next part of a tone.
func (k *keypad) sound(frame []int16) {
	clear(frame[copy(frame, k.tone):])
	k.tone = k.tone[min(len(frame), len(k.tone)):]
}
