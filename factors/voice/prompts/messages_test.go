package prompts

import (
	"bytes"
	"encoding/binary"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T, cfg Config) *Set {
	t.Helper()
	s, err := Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatPeopleAreTold(t *testing.T) {
	s := open(t, Config{Organisation: "the University of Oslo"})
	at := open(t, Config{SayAddress: true})
	for _, c := range []struct {
		what, want string
		got        Message
	}{
		{
			"approve", "This is the University of Oslo. Somebody is signing in to vpn with your account. If it is you, press the hash key to approve. If it is not you, press zero and then hash.",
			s.Approve("en", Details{Service: "vpn", Place: "192.0.2.17"}),
		},
		{
			"with digits to match", "Det här är the University of Oslo. Någon loggar in på vpn med ditt konto. Om det är du, tryck de två siffrorna på din skärm, och sedan fyrkant. Om det inte är du, tryck noll och sedan fyrkant.",
			s.Approve("sv", Details{Service: "vpn", Match: true}),
		},
		{
			"with a PIN", "Hier ist the University of Oslo. Jemand meldet sich mit Ihrem Konto bei vpn an. Wenn Sie es sind, wählen Sie Ihre PIN, und dann Raute. Wenn Sie es nicht sind, drücken Sie null, dann Raute.",
			s.Approve("de", Details{Service: "vpn", PIN: true}),
		},
		{
			"with both, and no names", "Ici le service de connexion de votre organisation. Quelqu'un se connecte avec votre compte. Si c'est vous, tapez les deux chiffres affichés à l'écran, puis votre code secret, puis dièse. Si ce n'est pas vous, tapez zéro, puis dièse.",
			at.Approve("fr", Details{Match: true, PIN: true}),
		},
		{
			"with the address", "This is the sign-in service of your organisation. Somebody is signing in to wifi with your account. The sign-in comes from the address: 1 9 2 point 0 point 2 point 1 7. If it is you, press the hash key to approve. If it is not you, press zero and then hash.",
			at.Approve("en", Details{Service: "wifi", Place: "192.0.2.17"}),
		},
		{
			"a code", "Dette er the University of Oslo. Koden din er: 1, 2, 3, 4, 5, 6. Én gang til: 1, 2, 3, 4, 5, 6. Ha det bra.",
			s.Code("nb", "123 456"),
		},
		{"approved", "Thank you. The sign-in is approved. Goodbye.", s.Approved("en")},
		{"denied", "The sign-in is refused. Goodbye.", s.Denied("en")},
		{"fraud", "The sign-in was stopped and your account is protected. Please call the service desk. Goodbye.", s.Fraud("en")},
		{"wrong digits", "Those were not the digits on the screen. Please try again.", s.WrongMatch("en")},
		{"anything wrong", "That was not right. Please try again.", s.Again("en")},
		{"too late", "The time is up. Goodbye.", s.TimeUp("en")},
		{"goodbye", "Kuulemiin.", s.Goodbye("fi")},
		{"a test", "This is the University of Oslo. This is a test call. Please press the hash key.", s.TestCall("en")},
	} {
		if c.got.Text != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.what, c.got.Text, c.want)
		}
		if l := level(c.got.Audio); l < -30 {
			t.Errorf("%s: got a level of %.1f dB", c.what, l)
		}
	}
}

// Attack: who signs in chooses the Calling-Station-Id on many devices, and it
// would be read to the owner of the account in our voice.
func TestOnlyAddressesAreSaidOfAPlace(t *testing.T) {
	s := open(t, Config{SayAddress: true})
	want := s.Approve("en", Details{Service: "vpn"})
	for _, place := range []string{"", "00-11-22-33-44-55", "your desk, press hash", "2001:db8::1", "192.0.2.17:500", "192.0.2.17%eth0", "1.2.3"} {
		if got := s.Approve("en", Details{Service: "vpn", Place: place}); got.Text != want.Text || !slices.Equal(got.Audio, want.Audio) {
			t.Errorf("%q is said: %q", place, got.Text)
		}
	}
	if got := s.Approve("en", Details{Service: "vpn", Place: "::ffff:192.0.2.17"}).Text; !strings.Contains(got, "1 9 2 point 0 point 2 point 1 7.") {
		t.Errorf("got %q", got)
	}
}

// octets makes a sound searchable.
func octets(audio []int16) []byte {
	b := make([]byte, 0, 2*len(audio))
	for _, v := range audio {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

// has reports whether a clip is in a sound.
func has(audio, clip []int16) bool { return bytes.Contains(octets(audio), octets(clip)) }

func TestACodeIsSaidTwiceDigitByDigit(t *testing.T) {
	s := open(t, Config{})
	for _, lang := range s.Languages() {
		audio := octets(s.Code(lang, "907").Audio)
		for _, name := range []string{clipCode, "9", "0", "7", clipOnceMore, "9", "0", "7", clipGoodbye} {
			_, after, found := bytes.Cut(audio, octets(s.speeches[lang].clips[name].appendTo(nil)))
			if !found {
				t.Fatalf("%s: %s is not said in its turn", lang, name)
			}
			audio = after
		}
		if len(audio) > 0 {
			t.Errorf("%s: something follows the goodbye", lang)
		}
	}
}

func TestTheSoundSaysWhatTheTextSays(t *testing.T) {
	s := open(t, Config{})
	for _, lang := range s.Languages() {
		sp := s.speeches[lang]
		for _, m := range []Message{
			s.Approve(lang, Details{PIN: true}), s.Fraud(lang),
		} {
			audio := octets(m.Audio)
			for _, name := range ClipNames() {
				// Words that are in other sentences too.
				if len(name) == 1 || name == clipPoint || name == clipThenHash {
					continue
				}
				said := bytes.Contains(audio, octets(sp.clips[name].appendTo(nil)))
				if written := strings.Contains(m.Text, sp.texts[name]); said != written {
					t.Errorf("%s/%s: said: %v, written: %v in %q", lang, name, said, written, m.Text)
				}
			}
		}
	}
}

func TestCallsShareTheSound(t *testing.T) {
	s := open(t, Config{SayAddress: true})
	d := Details{Service: "vpn"}
	a, b := s.Approve("nb", d), s.Approve("no", d)
	if &a.Audio[0] != &b.Audio[0] {
		t.Error("the same message was put together twice")
	}
	if c := s.Approve("nb", Details{Service: "vpn", Match: true}); slices.Equal(a.Audio, c.Audio) {
		t.Error("another message is the same sound")
	}
	before := len(s.built)
	s.Code("nb", "123456")
	s.Approve("nb", Details{Service: "vpn", Place: "192.0.2.1"})
	if len(s.built) != before {
		t.Error("a message of one call is kept")
	}
	for i := range 2 * maxBuilt {
		s.Approve("nb", Details{Service: strings.Repeat("x", i)})
	}
	if len(s.built) > maxBuilt {
		t.Errorf("got %d messages kept, want at most %d", len(s.built), maxBuilt)
	}
}

// A call must ring, be answered and be decided within what a VPN waits for.
func TestMessagesAreShort(t *testing.T) {
	s := open(t, Config{})
	for _, lang := range s.Languages() {
		for _, c := range []struct {
			what  string
			m     Message
			limit time.Duration
		}{
			{"approve", s.Approve(lang, Details{Service: "vpn"}), 14 * time.Second},
			{"approve with everything", s.Approve(lang, Details{Service: "vpn", Match: true, PIN: true}), 20 * time.Second},
			{"a code", s.Code(lang, "123456"), 24 * time.Second},
			{"fraud", s.Fraud(lang), 8 * time.Second},
			{"approved", s.Approved(lang), 5 * time.Second},
		} {
			if got := time.Duration(len(c.m.Audio)) * time.Second / Rate; got > c.limit {
				t.Errorf("%s: %s takes %v, want at most %v", lang, c.what, got, c.limit)
			}
		}
	}
}
