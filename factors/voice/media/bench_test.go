package media

import (
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portvakt/portvakt/factors/voice/audio"
)

// pair is two sessions that call each other.
func pair(b *testing.B, mode string) [2]*Session {
	b.Helper()
	home := netip.MustParseAddr("127.0.0.1")
	both := [2]*Session{opened(b, Config{Local: home, SRTP: mode}), opened(b, Config{Local: home, SRTP: mode})}
	for i, s := range both {
		if err := s.Answer(both[1-i].Offer()); err != nil {
			b.Fatal(err)
		}
	}
	return both
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSession is what calls that run cost: each sends and receives 50
// packets a second over sockets of this machine. The processor time includes
// the kernel's, and the timers.
func BenchmarkSession(b *testing.B) {
	const pairs = 25
	for _, mode := range []string{SRTPOff, SRTPRequired} {
		b.Run("srtp="+mode, func(b *testing.B) {
			for range pairs {
				for _, s := range pair(b, mode) {
					s.Start()
					s.Play(audio.Tone(time.Minute, -10, 440))
				}
			}
			before := cpu(b)
			for b.Loop() {
				<-time.After(time.Second)
			}
			used := cpu(b) - before
			b.ReportMetric(float64(used.Microseconds())/float64(b.N)/(2*pairs), "cpu-µs/session-s")
		})
	}
}

// BenchmarkPacket is what one packet costs without the kernel.
func BenchmarkPacket(b *testing.B) {
	payload := audio.ALaw.Encode(nil, audio.Tone(packetTime, -10, 440))
	for name, answer := range map[string]string{"events": withEvents, "sound": soundOnly} {
		b.Run("receive/"+name, func(b *testing.B) {
			s, _ := fake(b, answer)
			r := &receiver{s: s, plain: make([]byte, maxPacket)}
			raw, now := packet(8, 0, 0, payload...), time.Now()
			b.ReportAllocs()
			for b.Loop() {
				raw[3]++
				if raw[3] == 0 {
					raw[2]++
				}
				r.take(raw, there, now)
			}
		})
	}
	b.Run("send", func(b *testing.B) {
		s, _ := fake(b, withEvents)
		s.conn = nowhere{s.conn}
		s.Play(audio.Tone(time.Minute, -10, 440))
		a := s.agreed.Load()
		b.ReportAllocs()
		for b.Loop() {
			s.out.next(a)
			s.out.write(a)
		}
	})
}

type nowhere struct{ socket }

func (nowhere) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return len(b), nil }

// The sessions of a benchmark understand each other's offers as answers.
func TestTwoSessionsCanTalk(t *testing.T) {
	t.Parallel()
	home := netip.MustParseAddr("127.0.0.1")
	for _, mode := range []string{SRTPOff, SRTPOptional, SRTPRequired} {
		a, b := opened(t, Config{Local: home, SRTP: mode}), opened(t, Config{Local: home, SRTP: mode})
		for s, other := range map[*Session]*Session{a: b, b: a} {
			if err := s.Answer(other.Offer()); err != nil {
				t.Fatal(err)
			}
			s.Start()
		}
		a.Send("4#")
		var got strings.Builder
		for range 2 {
			select {
			case key := <-b.Keys():
				got.WriteByte(key.Digit)
			case <-time.After(soon):
				t.Fatalf("%s: only %q came", mode, got.String())
			}
		}
		if got.String() != "4#" {
			t.Errorf("%s: got %q", mode, got.String())
		}
	}
}
