package media

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/voice/audio"
)

// give hands packets over and waits until they are dealt with.
func (f *fakeSocket) give(from netip.AddrPort, packets ...[]byte) {
	for _, b := range packets {
		f.in <- datagram{b, from}
	}
	synctest.Wait()
}

// sound is packets of 20 ms with keys in them, or anything else.
func sound(kind uint8, law audio.Law, pcm []int16) (packets [][]byte) {
	for seq := uint16(0); len(pcm) >= packetSamples; seq++ {
		packets = append(packets, packet(kind, seq, uint32(seq)*packetSamples, law.Encode(nil, pcm[:packetSamples])...))
		pcm = pcm[packetSamples:]
	}
	return packets
}

func keySound(keys string, level float64) []int16 {
	return append(audio.Press(keys, 80*time.Millisecond, 80*time.Millisecond, level), make([]int16, packetSamples)...)
}

func TestKeysComeBySoundFromWhoHasNoEvents(t *testing.T) {
	for _, level := range []float64{-4, -14, -24} {
		for kind, law := range map[uint8]audio.Law{typePCMA: audio.ALaw, typePCMU: audio.MuLaw} {
			synctest.Test(t, func(t *testing.T) {
				s, f := fake(t, soundOnly)
				s.Start()
				f.give(there, sound(kind, law, keySound("1234567890*#", level))...)
				if got := pressed(s); got != "1 2 3 4 5 6 7 8 9 0 * #" {
					t.Errorf("%v at %v dBm0: got %q", law, level, got)
				}
			})
		}
	}
}

// An exchange that sends an event lets the beginning of the tone through.
func TestAKeyDoesNotCountBothAsEventAndAsSound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		s.Start()
		f.give(there, sound(typePCMA, audio.ALaw, keySound("5", -10))...)
		f.give(there, packet(96, 99, 16000, event('5', false, 160)...))
		if got := pressed(s); got != "5" {
			t.Errorf("got %q, want one", got)
		}
	})
}

func TestLostAndLateSound(t *testing.T) {
	press := func() [][]byte {
		return sound(typePCMA, audio.ALaw, append(audio.Press("5", 240*time.Millisecond, 0, -10), make([]int16, 4*packetSamples)...))
	}
	for _, c := range []struct {
		name  string
		alter func([][]byte) [][]byte
		want  string
	}{
		{"all comes", func(p [][]byte) [][]byte { return p }, "5"},
		{"one is lost", func(p [][]byte) [][]byte { return append(p[:5], p[6:]...) }, "5"},
		{"three are lost", func(p [][]byte) [][]byte { return append(p[:5], p[8:]...) }, "5"},
		{"one is late", func(p [][]byte) [][]byte { p[5], p[6] = p[6], p[5]; return p }, "5"},
		{"all come twice", func(p [][]byte) [][]byte {
			var twice [][]byte
			for _, b := range p {
				twice = append(twice, b, b)
			}
			return twice
		}, "5"},
		{"the sender sends no silence between two presses", func(p [][]byte) [][]byte {
			var two [][]byte
			for seq, at := range []uint32{0, 1, 2, 3, 4, 9, 10, 11, 12} {
				two = append(two, packet(typePCMA, uint16(seq), at*packetSamples, p[seq][12:]...))
			}
			return two
		}, "5 5"},
		{"the sender says that there is silence between two presses", func(p [][]byte) [][]byte {
			p[5] = packet(typeNoise, 5, 5*packetSamples, 60)
			return p
		}, "5 5"},
		{"what says so comes late", func(p [][]byte) [][]byte {
			quiet := packet(typeNoise, 0, 0, 60)
			for i := range p {
				p[i][3]++
			}
			return append(append(p[:6:6], quiet), p[6:]...)
		}, "5"},
		{"the sender's clock begins again during the tone", func(p [][]byte) [][]byte {
			for _, b := range p[6:] {
				b[4] ^= 0x80
			}
			return p
		}, "5"},
		{"another sender goes on with the tone", func(p [][]byte) [][]byte {
			for _, b := range p[6:] {
				b[11]++
			}
			return p
		}, "5"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, f := fake(t, soundOnly)
			s.Start()
			f.give(there, c.alter(press())...)
			if got := pressed(s); got != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		})
	}
}

func TestKeysBeforeTheAnswerOfTheCallAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		f.give(there, packet(96, 1, 1000, event('5', false, 160)...))
		if !s.Heard() {
			t.Error("it was heard")
		}
		s.Start()
		f.give(there, packet(96, 2, 1000, event('5', true, 320)...), packet(96, 3, 5000, event('6', true, 320)...))
		if got := pressed(s); got != "6" {
			t.Errorf("got %q, want only the key that was pressed after the answer", got)
		}
	})
}

// RFC 3264, section 6.1: what comes to us has the numbers of our offer; many
// send those of their answer.
func TestTypesOfEvents(t *testing.T) {
	const other = "a=rtpmap:96 telephone-event/8000"
	for _, c := range []struct {
		name, answer string
		kind         uint8
		want         string
	}{
		{"that of offer and answer", describe("m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000"), 101, "5"},
		{"that of the answer", describe("m=audio 4000 RTP/AVP 8 96", other), 96, "5"},
		{"that of the offer, and the answer has another", describe("m=audio 4000 RTP/AVP 8 96", other), 101, "5"},
		{"that of the offer, which is something else in the answer", describe("m=audio 4000 RTP/AVP 8 96 101", other, "a=rtpmap:101 x/8000"), 101, ""},
		{"that of the offer, and the answer has none", soundOnly, 101, ""},
		{"another", describe("m=audio 4000 RTP/AVP 8 96", other), 97, ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, f := fake(t, c.answer)
			s.Start()
			f.give(there, packet(c.kind, 1, 1000, event('5', false, 160)...))
			if got := pressed(s); got != c.want {
				t.Errorf("%s: got %q, want %q", c.name, got, c.want)
			}
		})
	}
}

func TestPacketsThatAreDropped(t *testing.T) {
	key := event('5', false, 160)
	good := packet(96, 1, 1000, key...)
	altered := func(at int, x byte) []byte {
		b := append([]byte(nil), good...)
		b[at] = x
		return b
	}
	elsewhere := netip.MustParseAddrPort("192.0.2.3:4000")
	for _, c := range []struct {
		name string
		from netip.AddrPort
		b    []byte
		want Dropped
	}{
		{"forged, from another address", elsewhere, good, Dropped{Foreign: 1}},
		{"nothing", there, nil, Dropped{Malformed: 1}},
		{"cut off", there, good[:11], Dropped{Malformed: 1}},
		{"too large", there, append(append([]byte(nil), good...), make([]byte, maxPacket)...), Dropped{Malformed: 1}},
		{"another version", there, altered(0, 0x40), Dropped{Malformed: 1}},
		{"more sources than octets", there, altered(0, 0x8f), Dropped{Malformed: 1}},
		{"padding longer than the packet", there, altered(0, 0xa0), Dropped{Malformed: 1}},
		{"a header extension longer than the packet", there, altered(0, 0x90), Dropped{Malformed: 1}},
		{"a payload type that nobody agreed on", there, altered(1, 97), Dropped{Malformed: 1}},
		{"an event cut off", there, good[:15], Dropped{Malformed: 1}},
		{"sound without octets", there, packet(8, 1, 1), Dropped{Malformed: 1}},
		{"RTCP", there, altered(1, 200), Dropped{}},
		{"a key that telephones do not have", there, packet(96, 1, 1000, event('A', false, 160)...), Dropped{}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, f := fake(t, withEvents)
			s.Start()
			f.give(c.from, c.b)
			if got := pressed(s); got != "" || s.Dropped() != c.want {
				t.Errorf("%s: keys %q, dropped %+v, want %+v", c.name, got, s.Dropped(), c.want)
			}
			if s.Heard() != (c.want == Dropped{} && !strings.Contains(c.name, "RTCP")) {
				t.Errorf("%s: heard is %v", c.name, s.Heard())
			}
		})
	}
}

func TestOurOwnPacketsAreNoKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		s.Start()
		s.Send("5")
		wait(200 * time.Millisecond)
		for _, p := range f.packets() {
			b, _ := p.Marshal()
			f.give(there, b)
		}
		if got := pressed(s); got != "" || s.Heard() {
			t.Errorf("got %q", got)
		}
	})
}

func TestTheFarSidesPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		s.Start()
		to := func() uint16 {
			wait(packetTime)
			out := f.packets()
			return out[len(out)-1].to.Port()
		}
		seq, ts := uint16(0), uint32(0)
		press := func(from uint16) string {
			seq, ts = seq+1, ts+4000
			f.give(netip.AddrPortFrom(there.Addr(), from), packet(96, seq, ts, event('1', true, 160)...))
			return pressed(s)
		}
		if to() != 4000 {
			t.Error("we send to the port of the answer at first")
		}
		if press(4444) != "1" || to() != 4444 {
			t.Error("sound comes from another port, behind NAT: ours goes there")
		}
		if press(5555) != "" || to() != 4444 {
			t.Error("attack: a second port is not heard beside the first")
		}
		if press(4000) != "1" || to() != 4000 {
			t.Error("the port of the answer goes before one that was first")
		}
		if press(4444) != "" {
			t.Error("then the other one is not heard")
		}
		wait(relatchAfter)
		if press(6666) != "1" || to() != 6666 {
			t.Error("after silence, sound may come from another port")
		}
	})
}

// What nobody reads must not grow, and not stop the sound.
func TestUnreadKeysAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		s.Start()
		for i := range 3 * keysAhead {
			f.give(there, packet(96, uint16(i), uint32(i)*4000, event('1', true, 160)...))
		}
		if got := len(strings.Fields(pressed(s))); got != keysAhead {
			t.Errorf("got %d keys, want %d", got, keysAhead)
		}
		s.Close()
		if _, ok := <-s.Keys(); ok {
			t.Error("the keys of a closed session have no end")
		}
	})
}
