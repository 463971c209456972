package media

import (
	"testing"
	"testing/synctest"
	"time"
)

// A report is a packet of an event; after is the time since the one before.
type report struct {
	key      byte
	ssrc     uint32
	seq      uint16
	ts       uint32
	duration uint16
	end      bool
	after    time.Duration
}

// reports are the packets of a whole press, as a telephone sends it: five, and
// the end three times.
func reports(key byte, ssrc uint32, seq uint16, ts uint32) []report {
	var all []report
	for i := range uint16(8) {
		all = append(all, report{
			key: key, ssrc: ssrc, seq: seq + i, ts: ts, duration: min(i+1, 6) * 160, end: i >= 5, after: packetTime,
		})
	}
	return all
}

func without(all []report, indexes ...int) []report {
	var left []report
	for i, r := range all {
		drop := false
		for _, j := range indexes {
			drop = drop || i == j
		}
		if !drop {
			left = append(left, r)
		}
	}
	return left
}

func all(parts ...[]report) (joined []report) {
	for _, p := range parts {
		joined = append(joined, p...)
	}
	return joined
}

func swapped(r []report, i, j int) []report {
	r[i], r[j] = r[j], r[i]
	return r
}

// long is a press as it is sent for so many packets, in segments.
func long(packets int) []report {
	var held []report
	ts, duration := uint32(1000), 0
	for i := range packets {
		if duration += 160; duration > maxSegment {
			ts, duration = ts+maxSegment, duration-maxSegment
		}
		held = append(held, report{key: '#', ssrc: 1, seq: uint16(i), ts: ts, duration: uint16(duration), after: packetTime})
	}
	return held
}

// counting is of a sender that counts the timestamp up in each packet.
func counting(r []report) []report {
	for i := range r {
		r[i].ts += uint32(i) * 160
	}
	return r
}

func later(r []report, by time.Duration) []report {
	r[0].after = by
	return r
}

func TestEachPressCountsOnce(t *testing.T) {
	for _, c := range []struct {
		press   string
		reports []report
		want    string
	}{
		{"one key", reports('5', 1, 10, 1000), "5"},
		{"each key", all(reports('0', 1, 0, 0), reports('*', 1, 20, 3000), reports('#', 1, 40, 6000), reports('D', 1, 60, 9000)), "0*#D"},
		{"the first packet is lost", without(reports('5', 1, 10, 1000), 0), "5"},
		{"only one in the middle comes", reports('5', 1, 10, 1000)[3:4], "5"},
		{"only the last one comes", reports('5', 1, 10, 1000)[7:], "5"},
		{"all ends are lost", reports('5', 1, 10, 1000)[:5], "5"},
		{"all ends are lost, and the key pressed again", all(reports('5', 1, 10, 1000)[:5], reports('5', 1, 30, 4000)), "55"},
		{"the end comes first", swapped(reports('5', 1, 10, 1000), 0, 5), "5"},
		{"the end comes after the next key has begun", swapped(all(reports('1', 1, 10, 1000), reports('2', 1, 18, 3000)), 7, 8), "12"},
		{"each packet comes twice", all(reports('5', 1, 10, 1000), reports('5', 1, 10, 1000)), "5"},
		{"the end is sent again, with a new number, while the next key is down", all(
			reports('1', 1, 10, 1000), reports('2', 1, 18, 3000)[:3],
			[]report{{key: '1', ssrc: 1, seq: 21, ts: 1000, duration: 960, end: true}}, reports('2', 1, 22, 3000)), "12"},
		{"a packet of the press before last comes late", all(
			reports('1', 1, 10, 1000), reports('2', 1, 18, 3000), reports('3', 1, 26, 5000), reports('1', 1, 10, 1000)[7:]), "123"},
		{"two keys quickly", all(reports('1', 1, 10, 1000), reports('2', 1, 18, 1700)), "12"},
		{"one key twice quickly", all(reports('1', 1, 10, 1000), reports('1', 1, 18, 1700)), "11"},
		{"held for 30 s", long(1500), "#"},
		{"held for 30 s, and a segment's beginning lost", without(long(1500), 408, 409, 410, 411), "#"},
		{"the numbers wrap", reports('5', 1, 65533, 1000), "5"},
		{"the timestamps wrap", all(reports('1', 1, 10, 0xfffffff0), reports('2', 1, 20, 3000)), "12"},
		{"a sender that wrongly counts the timestamp up", counting(reports('5', 1, 10, 1000)), "5"},
		{"another sender, later", all(reports('5', 1, 10, 1000), later(reports('5', 2, 999, 77), time.Second)), "55"},
		{"another sender while the key is down", all(reports('5', 1, 10, 1000)[:4], reports('5', 2, 999, 77)), "5"},
		{"another sender later, and the end lost", all(reports('5', 1, 10, 1000)[:5], later(reports('5', 2, 999, 77), time.Second)), "55"},
		{"another sender after the end", all(reports('5', 1, 10, 1000), reports('5', 2, 999, 77)), "55"},
		{"another sender, and the first once more", all(reports('5', 1, 10, 1000), reports('6', 2, 9, 5), reports('5', 1, 17, 1000)[:1]), "56"},
		{"a sender that began again with lower numbers", all(reports('1', 1, 9000, 500000), reports('2', 1, 10, 100)), "12"},
		{"a sender whose clock began again", all(reports('1', 1, 10, 40000), reports('2', 1, 100, 16000)), "12"},
		{"no duration yet", []report{{key: '5', ssrc: 1}}, "5"},
		{"more senders than are remembered", all(
			reports('1', 1, 0, 0), reports('2', 2, 0, 0), reports('3', 3, 0, 0),
			reports('4', 4, 0, 0), reports('5', 5, 0, 0), reports('6', 6, 0, 0)), "123456"},
	} {
		var e eventReader
		var got []byte
		now := time.Now()
		for _, r := range c.reports {
			now = now.Add(r.after)
			if key := e.take(r.ssrc, r.seq, r.ts, event(r.key, r.end, r.duration), now); key != 0 {
				got = append(got, key)
			}
		}
		if string(got) != c.want {
			t.Errorf("%s: got %q, want %q", c.press, got, c.want)
		}
	}
}

func TestEventsThatAreNoKeys(t *testing.T) {
	var e eventReader
	for _, code := range []byte{16, 32, 64, 255} {
		if key := e.take(1, uint16(code), uint32(code)*2000, []byte{code, 10, 0, 160}, time.Now()); key != 0 {
			t.Errorf("event %d: got %q", code, key)
		}
	}
}

// Markers are set where they do not belong and missing where they do.
func TestTheMarkerBitSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, withEvents)
		s.Start()
		for i, r := range all(reports('5', 7, 10, 1000), reports('6', 7, 18, 3000)) {
			b := packet(96, r.seq, r.ts, event(r.key, r.end, r.duration)...)
			if i%8 != 0 {
				b[1] |= 0x80
			}
			f.in <- datagram{b, there}
		}
		synctest.Wait()
		if got := pressed(s); got != "5 6" {
			t.Errorf("got %q", got)
		}
	})
}
