package media

import (
	"encoding/binary"
	"os"
	"testing"
	"testing/synctest"

	"github.com/portvakt/portvakt/e2e/peer"
)

// recorded are the RTP packets of a capture that Debian's sip-tester has, and
// that others have tested their telephones with.
func recorded(t *testing.T, name string) (packets [][]byte) {
	t.Helper()
	peer.Need(t, "sipp")
	file, err := os.ReadFile("/usr/share/sip-tester/" + name + ".pcap")
	if err != nil {
		t.Fatal(err)
	}
	// A pcap file of Ethernet: headers of 24 octets, and of 16 a frame; then
	// Ethernet, IPv4 and UDP with 42 together.
	for rest := file[24:]; len(rest) > 16; {
		size := int(binary.LittleEndian.Uint32(rest[8:]))
		packets = append(packets, rest[16+42:16+size])
		rest = rest[16+size:]
	}
	return packets
}

func TestRecordedKeysOfOthers(t *testing.T) {
	for name, want := range map[string]string{
		"0": "0", "1": "1", "2": "2", "3": "3", "4": "4", "5": "5", "6": "6", "7": "7", "8": "8", "9": "9",
		"star": "*", "pound": "#",
	} {
		packets := recorded(t, "dtmf_2833_"+name)
		synctest.Test(t, func(t *testing.T) {
			s, f := fake(t, describe("m=audio 4000 RTP/AVP 0 101", "a=rtpmap:101 telephone-event/8000"))
			s.Start()
			f.give(there, packets...)
			if got := pressed(s); got != want || s.Dropped() != (Dropped{}) {
				t.Errorf("%s: got %q of %d packets, dropped %+v", name, got, len(packets), s.Dropped())
			}
		})
	}
}

func TestRecordedSpeechOfOthersHasNoKeys(t *testing.T) {
	packets := recorded(t, "g711a")
	synctest.Test(t, func(t *testing.T) {
		s, f := fake(t, soundOnly)
		s.Start()
		f.give(there, packets...)
		if got := pressed(s); got != "" || !s.Heard() || s.Dropped() != (Dropped{}) {
			t.Errorf("got %q of %d packets, dropped %+v", got, len(packets), s.Dropped())
		}
	})
}
