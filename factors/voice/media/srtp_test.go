package media

import (
	"encoding/base64"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/srtp/v3"

	"github.com/portvakt/portvakt/factors/voice/audio"
)

// A far side has the keys that an offer and its answer gave it.
type far struct {
	in, out *srtp.Context
}

// accept answers an offer with the suite of a tag.
func accept(t testing.TB, s *Session, tag int) (*far, string) {
	t.Helper()
	theirs := suiteKey{tag: tag, suite: suites[tag-1]}
	copy(theirs.master[:], "the key and the salt of the far side")
	// The key of ours is read out of the offer, as the far side does.
	prefix := "a=crypto:" + theirs.line()[:strings.Index(theirs.line(), "inline:")] + "inline:"
	_, rest, ok := strings.Cut(string(s.Offer()), prefix)
	key, _, _ := strings.Cut(rest, "\r\n")
	master, err := base64.StdEncoding.DecodeString(key)
	if !ok || err != nil {
		t.Fatalf("no key of tag %d in the offer: %v", tag, err)
	}
	ours := suiteKey{tag: tag, suite: theirs.suite, master: [keyLength + saltLength]byte(master)}
	f := &far{}
	if f.in, err = ours.context(srtp.SRTPReplayProtection(replayWindow)); err != nil {
		t.Fatal(err)
	}
	if f.out, err = theirs.context(); err != nil {
		t.Fatal(err)
	}
	return f, describe("m=audio 4000 RTP/SAVP 8 101", "a=rtpmap:101 telephone-event/8000", "a=crypto:"+theirs.line())
}

func (f *far) seal(t testing.TB, b []byte) []byte {
	t.Helper()
	out, err := f.out.EncryptRTP(nil, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func secured(t testing.TB, tag int) (*Session, *fakeSocket, *far) {
	t.Helper()
	sock := &fakeSocket{in: make(chan datagram), closed: make(chan struct{})}
	s := open(Config{Local: here, SRTP: SRTPRequired}, sock, 5000)
	t.Cleanup(func() { _ = s.Close() })
	f, answer := accept(t, s, tag)
	if err := s.Answer([]byte(answer)); err != nil {
		t.Fatal(err)
	}
	return s, sock, f
}

func TestSRTPBothWays(t *testing.T) {
	for tag := 1; tag <= len(suites); tag++ {
		synctest.Test(t, func(t *testing.T) {
			s, sock, f := secured(t, tag)
			pcm := audio.Tone(200*time.Millisecond, -10, 440)
			s.Play(pcm)
			s.Start()
			wait(210 * time.Millisecond)
			var got []byte
			for _, p := range sock.packets() {
				b, err := p.Marshal()
				if err != nil {
					t.Fatal(err)
				}
				if b, err = f.in.DecryptRTP(nil, b, nil); err != nil {
					t.Fatal(err)
				}
				got = append(got, b[12:]...)
			}
			if want := audio.ALaw.Encode(nil, pcm); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
				t.Errorf("%s: another sound came out", suites[tag-1].name)
			}
			sock.give(there, f.seal(t, packet(101, 1, 1000, event('#', false, 160)...)))
			if got := pressed(s); got != "#" || !s.Heard() {
				t.Errorf("%s: got %q", suites[tag-1].name, got)
			}
		})
	}
}

func TestWhatSRTPKeepsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, sock, f := secured(t, 1)
		s.Start()
		plain := packet(101, 1, 1000, event('5', false, 160)...)
		sock.give(there, plain)
		if s.Dropped().Unauthentic+s.Dropped().Malformed != 1 {
			t.Errorf("plain RTP: %+v", s.Dropped())
		}
		sealed := f.seal(t, plain)
		for i := range sealed {
			b := slices.Clone(sealed)
			b[i] ^= 1
			sock.give(there, b)
		}
		if got := pressed(s); got != "" || s.Heard() {
			t.Errorf("altered packets: got %q", got)
		}
		if got := s.Dropped().Unauthentic; got < uint64(len(sealed))-4 {
			t.Errorf("%d of %d altered packets were counted as such", got, len(sealed))
		}
		sock.give(there, sealed, sealed, f.seal(t, packet(101, 2, 9000, event('6', false, 160)...)), sealed)
		if got := pressed(s); got != "5 6" {
			t.Errorf("the packet itself, and played back: got %q", got)
		}
	})
}

// With SRTP the key says who it is: an exchange behind NAT may have any address.
func TestWithSRTPTheAddressMayDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, sock, f := secured(t, 1)
		s.Start()
		nat := netip.MustParseAddrPort("198.51.100.1:1024")
		sock.give(nat, packet(101, 1, 1000, event('5', false, 160)...))
		sock.give(there, f.seal(t, packet(8, 1, 1000, 0xd5)))
		sock.give(nat, f.seal(t, packet(101, 2, 1000, event('6', false, 160)...)))
		wait(packetTime)
		out := sock.packets()
		if got := pressed(s); got != "6" || out[len(out)-1].to != nat {
			t.Errorf("got %q, and sent to %v", got, out[len(out)-1].to)
		}
	})
}
