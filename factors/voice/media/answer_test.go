package media

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/voice/audio"
)

var farKey = base64.StdEncoding.EncodeToString([]byte("thirty octets, a key and salt!"))

// agreedTo says what was agreed: where to, what we send, and whether encrypted.
func agreedTo(a *agreement) string {
	text := fmt.Sprintf("%v %v=%d", a.to, a.law, a.sound)
	if a.events {
		text += fmt.Sprintf(" events=%d", a.event)
	}
	if a.encrypt != nil {
		text += fmt.Sprintf(" srtp=%d", a.remote.tag)
	}
	return text
}

// answered is a session of a mode, without a network, that got an answer.
func answered(t testing.TB, mode, text string) (*Session, error) {
	t.Helper()
	f := &fakeSocket{closed: make(chan struct{})}
	s := open(Config{Local: here, SRTP: mode}, f, 5000)
	t.Cleanup(func() { _ = s.Close() })
	return s, s.Answer([]byte(text))
}

func TestAnswers(t *testing.T) {
	const events = "a=rtpmap:101 telephone-event/8000"
	for _, c := range []struct {
		name, answer string
		want         string
	}{
		{"all that was offered", describe("m=audio 4000 RTP/AVP 8 0 101", events, "a=fmtp:101 0-16"), "192.0.2.2:4000 PCMA=8 events=101"},
		{"mu-law first", describe("m=audio 4000 RTP/AVP 0 8 101", events), "192.0.2.2:4000 PCMU=0 events=101"},
		{"no events", soundOnly, "192.0.2.2:4000 PCMA=8"},
		{"events of its own number", withEvents, "192.0.2.2:4000 PCMA=8 events=96"},
		{"sound of its own number", describe("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 pcmu/8000/1"), "192.0.2.2:4000 PCMU=97"},
		{"events of several rates", describe("m=audio 4000 RTP/AVP 0 100 101", "a=rtpmap:100 telephone-event/48000", events), "192.0.2.2:4000 PCMU=0 events=101"},
		{"another codec before", describe("m=audio 4000 RTP/AVP 9 3 8", "a=rtpmap:9 G722/8000"), "192.0.2.2:4000 PCMA=8"},
		{"an address of the medium", describe("m=audio 4000 RTP/AVP 8", "c=IN IP4 192.0.2.77"), "192.0.2.77:4000 PCMA=8"},
		{"lines in another order, and unknown ones", "v=0\no=x 1 1 IN IP4 gw\ns= \nc=IN IP4 192.0.2.2\nb=WEIRD:x\nt=0 0\na=X-nat:0\nm=audio 4000 RTP/AVP 8\nb=AS:80\n", "192.0.2.2:4000 PCMA=8"},
		{"no end of the last line", strings.TrimSpace(soundOnly), "192.0.2.2:4000 PCMA=8"},
		{"media that were not offered", describe("m=audio 4000 RTP/AVP 8", "m=video 0 RTP/AVP 31"), "192.0.2.2:4000 PCMA=8"},
		{"silent on hold, but for us", describe("a=inactive", "m=audio 4000 RTP/AVP 8", "a=sendrecv"), "192.0.2.2:4000 PCMA=8"},
		{"a crypto line, though none was offered", describe("m=audio 4000 RTP/AVP 8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+farKey), "192.0.2.2:4000 PCMA=8"},
	} {
		s, err := answered(t, SRTPOff, c.answer)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := agreedTo(s.agreed.Load()); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestAnswersThatCannotBeUsed(t *testing.T) {
	medium := func(lines ...string) string { return describe(append([]string{"m=audio 4000 RTP/AVP 8"}, lines...)...) }
	address := func(c string) string { return strings.ReplaceAll(soundOnly, "c=IN IP4 192.0.2.2", "c=IN "+c) }
	for _, c := range []struct {
		name, answer string
		want         error
	}{
		{"nothing", "", ErrMalformed},
		{"another text", "<html>", ErrMalformed},
		{"a port that is no number", describe("m=audio x RTP/AVP 8"), ErrMalformed},
		{"a port that there is not", describe("m=audio 70000 RTP/AVP 8"), ErrMalformed},
		{"no medium", describe(), ErrRefused},
		{"port 0", describe("m=audio 0 RTP/AVP 8"), ErrRefused},
		{"another medium", describe("m=video 4000 RTP/AVP 8"), ErrRefused},
		{"another protocol", describe("m=audio 4000 UDP/TLS/RTP/SAVP 8"), ErrRefused},
		{"SRTP that was not offered", describe("m=audio 4000 RTP/SAVP 8"), ErrRefused},
		{"inactive", medium("a=inactive"), ErrRefused},
		{"inactive as a whole", describe("a=inactive", "m=audio 4000 RTP/AVP 8"), ErrRefused},
		{"only other codecs", describe("m=audio 4000 RTP/AVP 9 18 101", "a=rtpmap:101 telephone-event/8000"), ErrCodec},
		{"a number of ours for something else", describe("m=audio 4000 RTP/AVP 8", "a=rtpmap:8 opus/48000/2"), ErrCodec},
		{"A-law of another rate", describe("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/16000"), ErrCodec},
		{"stereo", describe("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 PCMA/8000/2"), ErrCodec},
		{"formats that are no payload types", describe("m=audio 4000 RTP/AVP 128 -1 x 1000000000000000000000"), ErrCodec},
		{"no address", strings.ReplaceAll(soundOnly, "c=IN IP4 192.0.2.2\r\n", ""), ErrAddress},
		{"an empty address", address("IP4 "), ErrAddress},
		{"a name", address("IP4 gateway.example.org"), ErrAddress},
		{"on hold", address("IP4 0.0.0.0"), ErrAddress},
		{"multicast", address("IP4 224.2.36.42"), ErrAddress},
		{"multicast with a lifetime", address("IP4 224.2.36.42/127"), ErrAddress},
		{"everybody", address("IP4 255.255.255.255"), ErrAddress},
		{"our own machine", address("IP4 127.0.0.1"), ErrAddress},
		{"IPv6 of an IPv4 call", address("IP6 2001:db8::1"), ErrAddress},
		{"IPv6 as IPv4", address("IP4 2001:db8::1"), ErrAddress},
		{"an interface of ours", address("IP6 fe80::1%eth0"), ErrAddress},
		{"more octets than any answer", medium(strings.Repeat("a=x\r\n", maxAnswer)), ErrTooLarge},
		{"more lines than any answer", medium(strings.Repeat("a=x\r\n", maxLines+1)), ErrTooLarge},
		{"more formats than any answer", describe("m=audio 4000 RTP/AVP" + strings.Repeat(" 8", maxFormats+1)), ErrTooLarge},
	} {
		s, err := answered(t, SRTPOff, c.answer)
		if !errors.Is(err, c.want) || s.agreed.Load() != nil {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestAnswersAboutSRTP(t *testing.T) {
	const plain, secure = "m=audio 4000 RTP/AVP 8", "m=audio 4000 RTP/SAVP 8"
	line := func(tag int, suite, rest string) string { return fmt.Sprintf("a=crypto:%d %s %s", tag, suite, rest) }
	const s80, s32 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
	good := line(1, s80, "inline:"+farKey)
	for _, c := range []struct {
		name, mode string
		lines      []string
		want       string // tag, "plain", or an error
	}{
		{"80 bits", SRTPRequired, []string{secure, good}, "1"},
		{"32 bits", SRTPRequired, []string{secure, line(2, s32, "inline:"+farKey)}, "2"},
		{"a lifetime", SRTPRequired, []string{secure, good + "|2^31"}, "1"},
		{"a hint about replays", SRTPRequired, []string{secure, good + " WSH=64"}, "1"},
		{"optional, and wanted", SRTPOptional, []string{plain, good}, "1"},
		{"optional, and wanted in the stricter way", SRTPOptional, []string{secure, good}, "1"},
		{"optional, and not wanted", SRTPOptional, []string{plain}, "plain"},

		{"required, and plain RTP", SRTPRequired, []string{plain}, "insecure"},
		{"required, and a key for what says it is plain", SRTPRequired, []string{plain, good}, "insecure"},
		{"required, and no key", SRTPRequired, []string{secure}, "insecure"},
		{"optional, and no key for what says it is encrypted", SRTPOptional, []string{secure}, "insecure"},
		{"optional, and a broken key", SRTPOptional, []string{plain, good[:40]}, "insecure"},
		{"a tag that was not offered", SRTPRequired, []string{secure, line(3, s80, "inline:"+farKey)}, "insecure"},
		{"no tag", SRTPRequired, []string{secure, "a=crypto:x " + s80 + " inline:" + farKey}, "insecure"},
		{"the suite of another tag", SRTPRequired, []string{secure, line(1, s32, "inline:"+farKey)}, "insecure"},
		{"a suite that was not offered", SRTPRequired, []string{secure, line(1, "NULL_HMAC_SHA1_80", "inline:"+farKey)}, "insecure"},
		{"no encryption", SRTPRequired, []string{secure, good + " UNENCRYPTED_SRTP"}, "insecure"},
		{"no check", SRTPRequired, []string{secure, good + " unauthenticated_srtp"}, "insecure"},
		{"a master key identifier", SRTPRequired, []string{secure, good + "|2^20|1:4"}, "insecure"},
		{"a master key identifier alone", SRTPRequired, []string{secure, good + "|1:4"}, "insecure"},
		{"two keys", SRTPRequired, []string{secure, good + "|2^20|1:4;inline:" + farKey + "|2^20|2:4"}, "insecure"},
		{"a key by another method", SRTPRequired, []string{secure, line(1, s80, "uri:"+farKey)}, "insecure"},
		{"a short key", SRTPRequired, []string{secure, line(1, s80, "inline:"+farKey[:36])}, "insecure"},
		{"a long key", SRTPRequired, []string{secure, line(1, s80, "inline:"+farKey+farKey)}, "insecure"},
		{"a line cut off", SRTPRequired, []string{secure, "a=crypto:1 " + s80}, "insecure"},
	} {
		s, err := answered(t, c.mode, describe(c.lines...))
		got := "insecure"
		switch a := s.agreed.Load(); {
		case err == nil && a.remote == nil:
			got = "plain"
		case err == nil:
			got = fmt.Sprint(a.remote.tag)
		case !errors.Is(err, ErrInsecure):
			got = err.Error()
		case strings.Contains(err.Error(), farKey[:8]):
			t.Errorf("%s: the error has the key: %v", c.name, err)
		}
		if got != c.want {
			t.Errorf("%s: got %s (%v), want %s", c.name, got, err, c.want)
		}
	}
}

// Attack: a far side that has no key sends ours back.
func TestOurOwnKeyIsNotTheFarSides(t *testing.T) {
	s, _ := answered(t, SRTPRequired, "")
	err := s.Answer([]byte(describe("m=audio 4000 RTP/SAVP 8", "a=crypto:"+s.local[0].line())))
	if !errors.Is(err, ErrInsecure) {
		t.Errorf("got %v", err)
	}
}

func TestALaterAnswerReplacesTheFirst(t *testing.T) {
	lines := []string{"m=audio 4000 RTP/SAVP 8", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + farKey}
	s, err := answered(t, SRTPRequired, describe(lines...))
	if err != nil {
		t.Fatal(err)
	}
	first := s.agreed.Load()
	if err := s.Answer([]byte(describe(lines...))); err != nil || s.agreed.Load() != first {
		t.Errorf("the same answer again: %v, or it changed something", err)
	}
	if err := s.Answer([]byte("no")); err == nil || s.agreed.Load() != first {
		t.Errorf("a bad answer: %v, or it changed something", err)
	}
	lines[0] = "m=audio 4002 RTP/SAVP 0"
	if err := s.Answer([]byte(describe(lines...))); err != nil {
		t.Fatal(err)
	}
	second := s.agreed.Load()
	if second.to.Port() != 4002 || second.law != audio.MuLaw {
		t.Errorf("got %s", agreedTo(second))
	}
	if second.decrypt != first.decrypt || second.encrypt != first.encrypt {
		t.Error("the same keys begin again: packets could be replayed, and the stream be used twice")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(withEvents)
	f.Add(soundOnly)
	f.Add(describe("a=inactive", "m=audio 4000/2 RTP/SAVP 0 8 101", "c=IN IP6 ::1", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+farKey+"|2^20|1:4 KDR=1"))
	f.Add("v=0\nm=audio 99999999999999999999 RTP/AVP 8\na=rtpmap:")
	sessions := map[string]*Session{}
	for _, mode := range []string{SRTPOff, SRTPOptional, SRTPRequired} {
		sessions[mode], _ = answered(f, mode, "")
	}
	f.Fuzz(func(t *testing.T, text string) {
		for mode, s := range sessions {
			a, err := s.read([]byte(text))
			if err != nil {
				continue
			}
			if !a.to.IsValid() || a.to.Port() == 0 || a.to.Addr().IsUnspecified() || a.to.Addr().IsMulticast() {
				t.Errorf("%s: it would send to %v", mode, a.to)
			}
			if k := a.kinds[a.sound]; k != pcma && k != pcmu || a.events && a.kinds[a.event] != events {
				t.Errorf("%s: %s", mode, agreedTo(a))
			}
			if mode == SRTPRequired && a.encrypt == nil || mode == SRTPOff && a.encrypt != nil {
				t.Errorf("%s: encrypted is %v", mode, a.encrypt != nil)
			}
		}
	})
}
