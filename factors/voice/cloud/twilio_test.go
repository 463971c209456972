package cloud_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/cloud/cloudtest"
)

const prompt = "en-GB: Sign-in to vpn. Press the number sign."

func TestWhatHappensToTheTelephoneDecides(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		person func(*cloudtest.Call)
		match  string
		want   string
		heard  string
	}{
		{"she presses #", func(c *cloudtest.Call) {
			c.Ring()
			c.Answer()
			c.Press("#")
		}, "", "approved", prompt + "|en-GB: Thank you."},
		{"she answers before the service said it rings", func(c *cloudtest.Call) {
			c.Answer()
			c.Press("#")
		}, "", "approved", prompt + "|en-GB: Thank you."},
		{"she keys the digits and #, the prompt is not in the way", func(c *cloudtest.Call) {
			c.Answer()
			c.Press("42#")
		}, "42", "approved", prompt + "|en-GB: Thank you."},
		{"wrong digits, then silence, then the right ones", func(c *cloudtest.Call) {
			c.Answer()
			c.Press("24#")
			c.Silence()
			c.Press("42#")
		}, "42", "approved", prompt + "|" + prompt + "|en-GB: Thank you."},
		{"she hears it twice before she presses", func(c *cloudtest.Call) {
			c.Answer()
			c.Silence()
			c.Press("#")
		}, "", "approved", prompt + "|" + prompt + "|en-GB: Thank you."},
		{"she presses *", func(c *cloudtest.Call) {
			c.Answer()
			c.Press("*")
		}, "", "fraud", prompt + "|en-GB: Refused."},
		{"she hangs up", func(c *cloudtest.Call) {
			c.Ring()
			c.Answer()
			c.HangUp()
		}, "", "denied", prompt},
		{"she hangs up between the digits", func(c *cloudtest.Call) {
			c.Answer()
			c.Press("4")
			c.HangUp()
		}, "42", "denied", prompt},
		{"the line is busy, or she declines", (*cloudtest.Call).Busy, "", "busy, rang true", ""},
		{"nobody answers", func(c *cloudtest.Call) {
			c.Ring()
			c.NoAnswer()
		}, "", "no_answer, rang true", ""},
		{"the number does not exist", (*cloudtest.Call).Fail, "", "unreachable, rang false", ""},
		{"the call breaks off while it rings", func(c *cloudtest.Call) {
			c.Ring()
			c.Fail()
		}, "", "unreachable, rang true", ""},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			s := twilio(t, row.person)
			if got := s.call(t, approval(t, &keypad{match: row.match})); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if calls := s.fake.Calls(); len(calls) != 1 || strings.Join(calls[0].Heard, "|") != row.heard {
				t.Errorf("heard %q, want %q", calls[0].Heard, row.heard)
			}
		})
	}
}

func TestAVoicemailBoxDecidesNothing(t *testing.T) {
	t.Parallel()
	s := twilio(t, func(c *cloudtest.Call) {
		c.Answer()
		for c.Gathering() {
			c.Silence()
		}
	})
	k := new(keypad)
	c := approval(t, k)
	c.Talk = 50 * time.Millisecond
	if got, want := s.call(t, c), "no_key, rang true"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if k.pressed() != "" {
		t.Errorf("keys %q", k.pressed())
	}
}

func TestACallThatOnlyTellsEndsAfterTwoSayings(t *testing.T) {
	t.Parallel()
	s := twilio(t, (*cloudtest.Call).Answer)
	c := approval(t, new(keypad))
	c.Keys = nil
	if got := s.call(t, c); got != "approved" {
		t.Errorf("got %s, want no error", got)
	}
	if got, want := strings.Join(s.fake.Calls()[0].Heard, "|"), prompt+"|"+prompt; got != want {
		t.Errorf("heard %q, want %q", got, want)
	}
}

func TestTheRequestSaysHowLongAndTo(t *testing.T) {
	t.Parallel()
	s := twilio(t, (*cloudtest.Call).Busy)
	c := approval(t, new(keypad))
	c.To = to(t, "+47 412 34 567,,123")
	c.Ring, c.Talk = 25*time.Second, 40*time.Second
	s.call(t, c)
	got := s.fake.Calls()[0].Request
	for name, want := range map[string]string{
		"To": "+4741234567", "From": "+4777644000", "Timeout": "25", "TimeLimit": "55", "SendDigits": "wwww123",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
}

func TestALongPromptIsFetched(t *testing.T) {
	t.Parallel()
	s := twilio(t, func(c *cloudtest.Call) {
		c.Answer()
		c.Press("#")
	})
	c := approval(t, new(keypad))
	c.Prompt.Text = strings.Repeat("å & ", 1200)
	if got := s.call(t, c); got != "approved" {
		t.Errorf("got %s, want approved", got)
	}
	call := s.fake.Calls()[0]
	if call.Request.Get("Url") == "" || len(call.Heard) == 0 || call.Heard[0] != "en-GB: "+c.Prompt.Text {
		t.Errorf("by %q, heard %.60q", call.Request.Get("Url"), call.Heard)
	}
}

// A name of a service comes from outside, and would be a document of the call.
func TestAPromptCannotAddVerbs(t *testing.T) {
	t.Parallel()
	const hostile = `</Say></Gather><Redirect>https://evil.example/</Redirect><Dial>+1900</Dial><!-- ]]> & "' &amp;`
	s := twilio(t, func(c *cloudtest.Call) {
		c.Answer()
		c.Press("*")
	})
	c := approval(t, new(keypad))
	c.Prompt.Text, c.Language = hostile, `en"/><Hangup/>`
	if got := s.call(t, c); got != "fraud" {
		t.Errorf("got %s, want fraud", got)
	}
	if got := s.fake.Calls()[0].Heard[0]; got != "en-GB: "+hostile {
		t.Errorf("heard %q", got)
	}
}

func TestVoicesSpeakTheLanguage(t *testing.T) {
	t.Parallel()
	for language, want := range map[string]string{
		"nb": "nb-NO", "nn": "nb-NO", "no": "nb-NO", "nn-NO": "nb-NO", "en": "en-GB", "en-US": "en-GB", "de-AT": "de-DE",
		"sv": "sv-SE", "DA": "da-DK", "fi": "fi-FI", "fr": "fr-FR", "": "en-GB", "uk": "en-GB",
	} {
		if got := cloud.VoiceOf(language); got != want {
			t.Errorf("%q: %s, want %s", language, got, want)
		}
	}
}

func TestATelephoneFallsSilentWhenNobodyWaits(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		before func(*cloudtest.Call)
		stop   func(context.CancelFunc, *site)
	}{
		{"the login ended while it rang", (*cloudtest.Call).Ring, func(cancel context.CancelFunc, _ *site) { cancel() }},
		{"the login ended while it was talked", func(c *cloudtest.Call) {
			c.Answer()
			c.Press("4")
		}, func(cancel context.CancelFunc, _ *site) { cancel() }},
		{"the program ends", (*cloudtest.Call).Ring, func(_ context.CancelFunc, s *site) { _ = s.Close() }},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			rings := make(chan struct{})
			s := twilio(t, func(c *cloudtest.Call) {
				row.before(c)
				close(rings)
				<-c.Over()
			})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			k := &keypad{match: "42"}
			go func() { ended <- s.Call(ctx, approval(t, k)) }()
			<-rings
			row.stop(cancel, s)
			if got, want := outcome(t, <-ended), "stopped, rang true"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if len(s.fake.Stopped()) != 1 {
				t.Errorf("stopped %v", s.fake.Stopped())
			}
		})
	}
}

func TestAnEndedLoginRingsNobody(t *testing.T) {
	t.Parallel()
	s := twilio(t, (*cloudtest.Call).Busy)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, want := outcome(t, s.Call(ctx, approval(t, new(keypad)))), "stopped, rang false"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := len(s.fake.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestRefusalsOfTheService(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what         string
		status, code int
		want         string
	}{
		{"wrong credentials", 401, 20003, "refused, rang false"},
		{"the account may not call", 403, 20005, "refused, rang false"},
		{"a number that is none", 400, 21211, "unreachable, rang false"},
		{"a country the account may not call", 400, 21215, "refused, rang false"},
		{"too many requests", 429, 20429, "unavailable, rang false"},
		{"the service is down", 503, 0, "unavailable, rang false"},
		{"a proxy lost it on the way", 504, 0, "unavailable, rang true"},
		{"a redirect", 307, 0, "unavailable, rang true"},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				t.Error("a redirect was followed")
			}))
			defer other.Close()
			s := twilio(t, (*cloudtest.Call).Busy)
			s.fake.Answer = func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", other.URL)
				cloudtest.Refuse(w, row.status, row.code)
			}
			if got := s.call(t, approval(t, new(keypad))); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
		})
	}
}

func TestAServiceThatCannotBeReachedRangNobody(t *testing.T) {
	t.Parallel()
	s := twilio(t, (*cloudtest.Call).Busy, func(c *cloud.Config) { c.URL = "http://127.0.0.1:1" })
	err := s.Call(t.Context(), approval(t, new(keypad)))
	if got, want := outcome(t, err), "unavailable, rang false"; got != want || !voice.Unrung(err) {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := s.Check(t.Context()); err == nil {
		t.Error("the check finds nothing")
	}
}

// The reply is lost, and the telephone rings: it must not ring again through
// the next provider, and what she presses counts.
func TestACallWhoseReplyWasLostGoesOn(t *testing.T) {
	t.Parallel()
	s := twilio(t, func(c *cloudtest.Call) {
		c.Ring()
		c.Answer()
		c.Press("#")
	})
	s.fake.Lose = true
	if got := s.call(t, approval(t, new(keypad))); got != "approved" {
		t.Errorf("got %s, want approved", got)
	}
}

func TestALostReplyOfWhichNothingIsHeardMayHaveRung(t *testing.T) {
	t.Parallel()
	s := twilio(t, func(*cloudtest.Call) {})
	s.fake.Lose = true
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if got := outcome(t, s.Call(ctx, approval(t, new(keypad)))); !strings.HasSuffix(got, ", rang true") {
		t.Errorf("got %s, want a failure that may have rung", got)
	}
}

func TestCheckAsksWithoutRinging(t *testing.T) {
	t.Parallel()
	s := twilio(t, (*cloudtest.Call).Busy)
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("with the right token: %v", err)
	}
	s.fake.Token = "another"
	if err := s.Check(t.Context()); err == nil {
		t.Error("with a wrong token: no error")
	}
	if n := len(s.fake.Calls()); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestManyCallsAtOnceAreToldApart(t *testing.T) {
	t.Parallel()
	s := twilio(t, func(c *cloudtest.Call) {
		c.Answer()
		if strings.HasSuffix(c.Request.Get("To"), "1") {
			c.Press("#")
		} else {
			c.Press("*")
		}
	})
	const calls = 32
	ended := make(chan string, calls)
	for i := range calls {
		c := approval(t, new(keypad))
		want := "approved"
		c.To = to(t, "+4741234561")
		if i%2 == 0 {
			c.To, want = to(t, "+4741234562"), "fraud"
		}
		go func() {
			if got := outcome(t, s.Call(t.Context(), c)); got != want {
				ended <- got
				return
			}
			ended <- ""
		}()
	}
	for range calls {
		if got := <-ended; got != "" {
			t.Errorf("got %s for another's", got)
		}
	}
}
