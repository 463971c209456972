package main

import (
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

// capsKey is the purpose of the key of messages and calls, which are counted
// together.
const capsKey = "caps"

// caps are those of messages or of calls.
func (s *system) caps(service caps.Service, cfg caps.Config) *caps.Caps {
	return caps.New(cfg, service, s.kv, s.ring.Steady(capsKey), s.log)
}

// called are the hints of the telephones that a person can be called at.
func (s *system) called(u login.User) []string {
	if s.voice == nil {
		return nil
	}
	return methodHints(s.voice.Methods(u))
}

// texted are the hints of those that she can be sent codes at.
func (s *system) texted(u login.User) []string {
	if s.sms == nil {
		return nil
	}
	return methodHints(s.sms.Methods(u))
}

func methodHints(methods []login.Method) (hints []string) {
	for _, m := range methods {
		hints = append(hints, m.Hint)
	}
	return hints
}

// hintOfDirectory tells who has just forgotten somebody's telephones of those
// that the directory has: they count as before.
func (s *system) hintOfDirectory(c *cobra.Command, account login.Account) {
	u := login.User{Account: account}
	left := s.called(u)
	for _, hint := range s.texted(u) {
		if !slices.Contains(left, hint) {
			left = append(left, hint)
		}
	}
	if len(left) > 0 {
		tell(c.ErrOrStderr(), "hint", "the directory has "+strings.Join(left, ", ")+", which may be called or sent codes all the same: take out there what is lost")
	}
}

// unusable says of each number in the directory that a factor does not use why
// it does not: whoever has only such numbers is refused as not enrolled.
func (s *system) unusable(account login.Account) (why []string) {
	u := login.User{Account: account}
	if s.voice != nil {
		why = s.voice.Excluded(u)
	}
	if s.sms != nil {
		why = append(why, s.sms.Excluded(u)...)
	}
	return slices.Compact(why)
}

// keysText says what a call asks of a person under a rule.
func (s *system) keysText(d login.Decision, e login.Enrollment, name string, challenge bool) string {
	kind := d.Call
	if kind == "" && s.file.Call.Match {
		kind = login.CallMatch
	}
	switch {
	case kind == login.CallPIN && pinSince(e).IsZero():
		return "wants a PIN, and there is none: portvakt user pin " + name
	case kind == login.CallPIN:
		return "the PIN, then #"
	case kind == login.CallCode && !challenge:
		return "tells a code, to whoever types password,call: the client can show no question"
	case kind == login.CallCode:
		return "tells a code to be typed"
	case kind == login.CallMatch && challenge:
		return "the digits that the client shows, then #"
	case kind == login.CallMatch:
		return "# alone, as the client can show no digits"
	}
	return "#"
}

// pinSince is when the person's PIN was set; zero for none.
func pinSince(e login.Enrollment) time.Time {
	for _, c := range e.Credentials {
		if c.Kind == voice.PINKind {
			return c.Created
		}
	}
	return time.Time{}
}

// calls reports whether one of the methods is a call.
func calls(methods []login.Method) bool {
	return slices.ContainsFunc(methods, func(m login.Method) bool { return m.Factor == voice.Name })
}

// callsText is where a person can be called, and whether she has a PIN.
func (s *system) callsText(account login.Account, e login.Enrollment) string {
	text := strings.Join(s.called(login.User{Account: account, Enrollment: e}), ", ")
	if text == "" {
		text = "no telephone that may be called"
	}
	if since := pinSince(e); !since.IsZero() {
		return text + "; PIN since " + since.Format(time.DateOnly)
	}
	return text + "; no PIN"
}
