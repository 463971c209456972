package media

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/voice/audio"
)

func isOpen(c <-chan struct{}) bool {
	select {
	case <-c:
		return false
	default:
		return true
	}
}

func TestSilenceIsSentFromTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		wait(time.Second)
		if n := len(f.packets()); n != 0 {
			t.Fatalf("%d packets before Start", n)
		}
		begin := time.Now()
		s.Start()
		s.Start()
		wait(990 * time.Millisecond)
		out := f.packets()
		if len(out) != 50 {
			t.Fatalf("got %d packets in a second, want 50", len(out))
		}
		silence := audio.ALaw.Encode(nil, make([]int16, packetSamples))
		for i, p := range out {
			if at := p.at.Sub(begin); at != time.Duration(i)*packetTime {
				t.Errorf("packet %d at %v", i, at)
			}
			if p.SequenceNumber != out[0].SequenceNumber+uint16(i) || p.Timestamp != out[0].Timestamp+uint32(i)*packetSamples {
				t.Errorf("packet %d has number %d and time %d", i, p.SequenceNumber, p.Timestamp)
			}
			if p.SSRC != out[0].SSRC || p.PayloadType != typePCMA || p.Marker != (i == 0) || p.to != there || !slices.Equal(p.Payload, silence) {
				t.Errorf("packet %d: %v to %v", i, &p.Packet, p.to)
			}
		}
	})
}

// RFC 4568, section 6.4: numbers that begin low cannot wrap before the first
// packet arrives, which would make all of them unreadable.
func TestNumbersBeginLow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			s, f := fake(t, withEvents)
			s.Start()
			wait(0)
			if n := f.packets()[0].SequenceNumber; n >= 1<<15 {
				t.Errorf("it begins with number %d", n)
			}
		}
	})
}

func TestLateWakeUpsNeitherDriftNorBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		begin := time.Now()
		s.Start()
		wait(95 * time.Millisecond)
		f.slow(47 * time.Millisecond) // a little: made up for
		wait(105 * time.Millisecond)
		f.slow(10 * time.Second) // a machine that was asleep
		wait(11 * time.Second)
		out := f.packets()
		offset := func(p sent) time.Duration { return p.at.Sub(begin) }
		for i, p := range out {
			// The schedule of a packet is in its timestamp.
			due := time.Duration(p.Timestamp-out[0].Timestamp) * time.Second / audio.Rate
			if late := offset(p) - due; late < 0 || late > (maxBehind+1)*packetTime {
				t.Errorf("packet %d of %v is sent at %v", i, due, offset(p))
			}
			if p.SequenceNumber != out[0].SequenceNumber+uint16(i) {
				t.Errorf("packet %d has number %d", i, p.SequenceNumber)
			}
		}
		if last := out[len(out)-1]; offset(last)%packetTime != 0 {
			t.Errorf("the schedule has moved: the last packet is sent at %v", offset(last))
		}
		if n := len(out); n < 50 || n > 65 {
			t.Errorf("got %d packets: 10 s of sleep are not sent afterwards, all else is", n)
		}
	})
}

func TestPlayedSoundArrivesWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		pcm := audio.Tone(130*time.Millisecond, -10, 440)
		done := s.Play(pcm)
		if wait(time.Second); !isOpen(done) {
			t.Fatal("it is over before the call began")
		}
		s.Start()
		wait(130 * time.Millisecond)
		if !isOpen(done) {
			t.Error("it is over before its last packet has lasted 20 ms")
		}
		if wait(20 * time.Millisecond); isOpen(done) {
			t.Error("it is not over")
		}
		var got []byte
		for _, p := range f.packets() {
			got = append(got, p.Payload...)
		}
		want := audio.ALaw.Encode(nil, append(slices.Clone(pcm), make([]int16, len(got)-len(pcm))...))
		if !slices.Equal(got, want) {
			t.Error("another sound came")
		}
	})
}

func TestWhatIsPlayedIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := fake(t, withEvents)
		s.Start()
		first := s.Play(audio.Tone(time.Minute, -10, 440))
		wait(time.Second)
		second := s.Play(audio.Tone(time.Minute, -10, 440))
		if isOpen(first) || !isOpen(second) {
			t.Error("the first is to end when the second begins")
		}
		if nothing := s.Play(nil); isOpen(second) || isOpen(nothing) {
			t.Error("nothing is played at once")
		}
		last, keys := s.Play(audio.Tone(time.Minute, -10, 440)), s.Send("123")
		s.Close()
		if isOpen(last) || isOpen(keys) || isOpen(s.Play(make([]int16, 8))) || isOpen(s.Send("1")) {
			t.Error("a closed session leaves somebody waiting")
		}
	})
}

// shown is what was sent, in packets: "10s" of silence, "5+" of sound, and
// events with their durations.
func shown(out []sent) string {
	silence := audio.ALaw.Encode(nil, make([]int16, packetSamples))
	var parts []string
	last, n := "", 0
	add := func(what string) {
		if what != last && n > 0 {
			parts = append(parts, fmt.Sprintf("%d%s", n, last))
			n = 0
		}
		last = what
		n++
	}
	for _, p := range out {
		switch {
		case p.PayloadType == 96:
			mark := ""
			if p.Marker {
				mark = "!"
			}
			if p.Payload[1]&0x80 != 0 {
				mark = "."
			}
			add(fmt.Sprintf("x%c%d%s", digits[p.Payload[0]], binary.BigEndian.Uint16(p.Payload[2:]), mark))
		case slices.Equal(p.Payload, silence):
			add("s")
		default:
			add("+")
		}
	}
	add("")
	return strings.Join(parts, " ")
}

func TestKeysAreSentAsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		sound := s.Play(audio.Tone(200*time.Millisecond, -10, 440))
		s.Start()
		wait(90 * time.Millisecond)
		done := s.Send("4,x#")
		wait(1700 * time.Millisecond)
		if isOpen(done) || isOpen(sound) {
			t.Error("it is not over")
		}
		const event = "1x%c160! 1x%[1]c320 1x%[1]c480 1x%[1]c640 1x%[1]c800 3x%[1]c960."
		want := "5+ " + fmt.Sprintf(event, '4') + " 56s " + fmt.Sprintf(event, '#') + " 6s 5+ 2s"
		out := f.packets()
		if got := shown(out); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		for i, p := range out {
			want := out[0].Timestamp + uint32(i)*packetSamples
			if p.PayloadType == 96 {
				want = out[0].Timestamp + 5*packetSamples
				if i > 40 {
					want += 64 * packetSamples
				}
			}
			if p.Timestamp != want {
				t.Errorf("packet %d has time %d, want %d", i, p.Timestamp, want)
			}
		}
	})
}

func TestKeysAreSentAsSoundToWhoHasNoEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, soundOnly)
		s.Start()
		done := s.Send("0,18#")
		wait(3 * time.Second)
		if isOpen(done) {
			t.Error("it is not over")
		}
		var d audio.Detector
		var got []byte
		for _, p := range f.packets() {
			got = d.Append(got, audio.ALaw.Decode(nil, p.Payload))
		}
		if string(got) != "018#" {
			t.Errorf("got %q", got)
		}
	})
}

func TestKeysToSendAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := fake(t, withEvents)
		if isOpen(s.Send(strings.Repeat("1", maxKeys+1))) {
			t.Error("too many at once are to be left out")
		}
		for range 2 * maxKeys {
			s.Send("")
		}
		if isOpen(s.Send("1")) {
			t.Error("too many calls of Send are to be left out")
		}
	})
}
