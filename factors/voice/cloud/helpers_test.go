package cloud_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/cloud/cloudtest"
	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// leaksNothing fails when a text for operators holds what they must not read.
func leaksNothing(t testing.TB, what string) {
	t.Helper()
	for _, mark := range []string{"41234567", "mark-token", "mark-reply", "mark-secret"} {
		if strings.Contains(what, mark) {
			t.Errorf("%q leaks in %q", mark, what)
		}
	}
}

func to(t testing.TB, number string) phone.Number {
	t.Helper()
	n, err := phone.Parse(number, "NO")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A keypad decides a call as package voice does: digits to match, then # for
// yes; * is no.
type keypad struct {
	mu    sync.Mutex
	match string
	typed string
	all   string
}

func (k *keypad) press(key byte) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all += string(key)
	switch {
	case key == '*':
		return true, login.ErrFraud
	case key == '#' && k.typed == k.match:
		return true, nil
	case key == '#':
		k.typed = ""
	default:
		k.typed += string(key)
	}
	return false, nil
}

func (k *keypad) pressed() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.all
}

// approval is a call that asks for an approval.
func approval(t testing.TB, k *keypad) *voice.Call {
	return &voice.Call{
		Reference: "K7Q2M", To: to(t, "+4741234567"), Language: "en",
		Prompt: prompts.Message{Text: "Sign-in to vpn. Press the number sign."},
		Ending: func(err error) prompts.Message {
			if err != nil {
				return prompts.Message{Text: "Refused."}
			}
			return prompts.Message{Text: "Thank you."}
		},
		Keys: k.press, OneKey: k.match == "", Ring: 30 * time.Second, Talk: 30 * time.Second,
	}
}

// A site is a provider with the fake behind it, and its callback served.
type site struct {
	*cloud.Twilio
	fake *cloudtest.FakeTwilio
	log  *logintest.Log
	base string
}

func twilio(t testing.TB, person func(*cloudtest.Call), change ...func(*cloud.Config)) *site {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{fake: cloudtest.StartFakeTwilio(t, person), log: new(logintest.Log), base: "http://" + l.Addr().String() + "/call"}
	cfg := s.fake.Config(s.base)
	cfg.CallbackListen = netip.MustParseAddrPort(l.Addr().String())
	for _, c := range change {
		c(&cfg)
	}
	p, err := cloud.New(cfg, s.log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	s.Twilio = p.(*cloud.Twilio)
	server := &http.Server{Handler: s.Twilio, ReadHeaderTimeout: time.Second}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = s.Close()
		_ = server.Close()
		serving.Wait()
		leaksNothing(t, s.log.String())
	})
	return s
}

// outcome words how a call ended.
func outcome(t testing.TB, err error) string {
	t.Helper()
	if err != nil {
		leaksNothing(t, err.Error())
	}
	if f, ok := errors.AsType[*voice.Failure](err); ok {
		return fmt.Sprintf("%s, rang %t", f.Why, f.Rang)
	}
	return voice.Outcome(err)
}

func (s *site) call(t testing.TB, c *voice.Call) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return outcome(t, s.Call(ctx, c))
}

// serve hands a request to the provider; 0 for what is no request.
func serve(s *site, method, path, contentType, signature, body string) int {
	r, err := http.NewRequest(method, "http://callback/", strings.NewReader(body))
	if err != nil {
		return 0
	}
	if r.URL, err = url.ParseRequestURI(path); err != nil {
		return 0
	}
	r.Header = http.Header{"Content-Type": {contentType}, "X-Twilio-Signature": {signature}}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}
