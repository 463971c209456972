package media

import (
	"testing"
	"time"
)

// FuzzPacket gives a session packets of the far side: plain, so that all of
// them are looked at.
func FuzzPacket(f *testing.F) {
	f.Add(packet(8, 1, 160, 0xd5, 0xd5), packet(96, 2, 320, event('5', true, 160)...))
	f.Add([]byte{0x90, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x11, 1, 2, 3, 0xd5}, []byte{0xa0, 96})
	f.Add([]byte{0x80, 200}, []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		for _, answer := range []string{withEvents, soundOnly} {
			s, _ := fake(t, answer)
			s.started.Store(true)
			r := &receiver{s: s, plain: make([]byte, maxPacket)}
			for _, b := range [][]byte{first, first, second, second} {
				r.take(b, there, time.Now())
			}
			// A packet of sound may have several keys in it.
			if keys := pressed(s); answer == withEvents && len(keys) > len("1 2") {
				t.Errorf("two packets, each twice, press %s", keys)
			}
			_ = s.Close()
		}
	})
}
