package prompts

import (
	"net/netip"
	"strings"
	"time"
)

// Details are what a person is told of a sign-in before she approves it.
type Details struct {
	// Service is the name of the RADIUS client; may be empty.
	Service string
	// Place is where the device says it is (Calling-Station-Id). It is said
	// when it is an IPv4 address and the configuration wants it; anything else
	// is not: whoever signs in can choose it (attack: words of his own in our
	// voice).
	Place string
	// Match and PIN are whether the digits on the screen, and her PIN, must be
	// keyed.
	Match, PIN bool
}

// How long it is quiet.
const (
	betweenClauses   = 120 * time.Millisecond
	betweenSentences = 350 * time.Millisecond
	betweenDigits    = 300 * time.Millisecond
	betweenGroups    = 700 * time.Millisecond // of three digits
	beforeAgain      = time.Second
)

// Approve asks whether a sign-in is hers, and says which keys to press.
func (s *Set) Approve(lang string, d Details) Message {
	ask := []string{clipApprove}
	switch {
	case d.Match && d.PIN:
		ask = []string{clipMatch, clipThenPIN, clipThenHash}
	case d.Match:
		ask = []string{clipMatch, clipThenHash}
	case d.PIN:
		ask = []string{clipPIN, clipThenHash}
	}
	build := func(b *builder) {
		b.organisation()
		b.service(d.Service)
		b.address(d.Place)
		b.say(ask...)
		b.say(clipNotYou)
	}
	if s.spoken(d.Place).IsValid() {
		return s.build(lang, build)
	}
	return s.kept(lang, "approve\x00"+strings.Join(ask, "\x00")+"\x00"+d.Service, build)
}

// Code says a code digit by digit, slowly and twice. What is not a digit is
// not said.
func (s *Set) Code(lang, code string) Message {
	return s.build(lang, func(b *builder) {
		b.organisation()
		for _, name := range []string{clipCode, clipOnceMore} {
			b.lead(name)
			b.pause(betweenSentences)
			b.digits(code)
			b.pause(beforeAgain)
		}
		b.say(clipGoodbye)
	})
}

// Approved tells that the sign-in goes on, and takes leave.
func (s *Set) Approved(lang string) Message { return s.sentences(lang, clipApproved, clipGoodbye) }

// Denied tells that the sign-in was refused, and takes leave.
func (s *Set) Denied(lang string) Message { return s.sentences(lang, clipDenied, clipGoodbye) }

// Fraud tells that the sign-in was stopped and what to do, and takes leave.
func (s *Set) Fraud(lang string) Message { return s.sentences(lang, clipFraud, clipGoodbye) }

// WrongMatch tells that the digits were not those on the screen.
func (s *Set) WrongMatch(lang string) Message { return s.sentences(lang, clipWrongMatch) }

// Again tells that what was keyed was not right, and not what of it.
func (s *Set) Again(lang string) Message { return s.sentences(lang, clipAgain) }

// TimeUp tells that nothing was keyed in time, and takes leave.
func (s *Set) TimeUp(lang string) Message { return s.sentences(lang, clipTimeUp, clipGoodbye) }

// Goodbye takes leave.
func (s *Set) Goodbye(lang string) Message { return s.sentences(lang, clipGoodbye) }

// TestCall says who calls, that it is a test, and to press #.
func (s *Set) TestCall(lang string) Message {
	return s.sentences(lang, clipOrganisation, clipTestCall)
}

func (s *Set) sentences(lang string, clips ...string) Message {
	return s.kept(lang, strings.Join(clips, "\x00"), func(b *builder) {
		for _, name := range clips {
			if name == clipOrganisation {
				b.organisation()
			} else {
				b.say(name)
			}
		}
	})
}

// kept is a message that many calls have in common.
func (s *Set) kept(lang, key string, fn func(*builder)) Message {
	lang = s.Match(lang)
	key = lang + "\x00" + key
	s.mu.Lock()
	m, ok := s.built[key]
	s.mu.Unlock()
	if ok {
		return m
	}
	m = s.build(lang, fn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.built) < maxBuilt {
		s.built[key] = m
	}
	return m
}

func (s *Set) build(lang string, fn func(*builder)) Message {
	b := &builder{set: s, speech: s.speeches[s.Match(lang)]}
	fn(b)
	return Message{Text: strings.TrimSpace(b.text.String()), Audio: b.audio}
}

// spoken is the address of a place that is said, or none.
func (s *Set) spoken(place string) netip.Addr {
	if a, err := netip.ParseAddr(place); err == nil && s.sayAddress && a.Unmap().Is4() {
		return a.Unmap()
	}
	return netip.Addr{}
}

// A builder puts one message together.
type builder struct {
	set    *Set
	speech *speech
	text   strings.Builder
	audio  []int16
}

// say adds a sentence of one or more clauses.
func (b *builder) say(clauses ...string) {
	for i, name := range clauses {
		if i == 0 {
			b.pause(betweenSentences)
		} else {
			b.pause(betweenClauses)
		}
		b.clip(name, b.speech.texts[name])
	}
}

func (b *builder) clip(name, text string) {
	b.write(" ", text)
	b.sound(name)
}

// lead adds what digits follow.
func (b *builder) lead(name string) {
	b.say(name)
	b.write("", ":")
}

func (b *builder) write(parts ...string) {
	for _, p := range parts {
		b.text.WriteString(p)
	}
}

func (b *builder) sound(name string) { b.audio = b.speech.clips[name].appendTo(b.audio) }

// pause is quiet for a while, but not before anything was said.
func (b *builder) pause(d time.Duration) {
	if len(b.audio) > 0 {
		b.audio = append(b.audio, make([]int16, d*Rate/time.Second)...)
	}
}

func (b *builder) organisation() {
	b.pause(betweenSentences)
	b.clip(clipOrganisation, b.speech.who(b.set.organisation))
}

// service says the name if there is a recording of it; the text always does.
func (b *builder) service(name string) {
	recorded := ServiceClip(name)
	if _, ok := b.speech.clips[recorded]; !ok {
		recorded = clipService
	}
	b.pause(betweenSentences)
	b.clip(recorded, b.speech.service(name))
}

// digits says them one by one. Commas make voices of other services slow down.
func (b *builder) digits(digits string) {
	n := 0
	for _, d := range digits {
		if d < '0' || d > '9' {
			continue
		}
		switch {
		case n == 0:
			b.write(" ")
		case n%3 == 0:
			b.pause(betweenGroups)
			b.write(", ")
		default:
			b.pause(betweenDigits)
			b.write(", ")
		}
		b.write(string(d))
		b.sound(string(d))
		n++
	}
	b.write(".")
}

// address says where from, if that is wanted.
func (b *builder) address(place string) {
	a := b.set.spoken(place)
	if !a.IsValid() {
		return
	}
	b.lead(clipAddress)
	for i, number := range strings.Split(a.String(), ".") {
		if i > 0 {
			b.pause(betweenDigits)
			b.write(" ", b.speech.texts[clipPoint])
			b.sound(clipPoint)
		}
		for _, d := range number {
			b.pause(betweenDigits / 2)
			b.write(" ", string(d))
			b.sound(string(d))
		}
	}
	b.write(".")
}
