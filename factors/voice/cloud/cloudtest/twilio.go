package cloudtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/voice/cloud"
)

// A FakeTwilio is a fake of Twilio's calls, version 2010-04-01.
type FakeTwilio struct {
	*httptest.Server
	t testing.TB
	// Account, Token are what it wants as user and password.
	Account, Token string
	// Answer, when set, answers the request for a call in its place.
	Answer func(w http.ResponseWriter, r *http.Request)
	// Lose cuts the connection once the call is placed, before the reply.
	Lose bool
	// Query is added to each address that it posts to.
	Query string

	person func(*Call)
	client *http.Client

	mu      sync.Mutex
	calls   []*Call
	stopped []string
	people  sync.WaitGroup
}

// StartFakeTwilio starts a fake whose telephones are answered by person, in a
// goroutine for each.
func StartFakeTwilio(t testing.TB, person func(*Call)) *FakeTwilio {
	t.Helper()
	f := &FakeTwilio{
		t: t, person: person, client: &http.Client{Timeout: 10 * time.Second},
		Account: "AC0123456789abcdef0123456789abcdef", Token: "mark-token-" + strings.ToLower(t.Name()),
	}
	f.Token = strings.NewReplacer("/", "-", "_", "-").Replace(f.Token)
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() {
		f.people.Wait()
		f.Close()
	})
	return f
}

// Config is a provider that calls through the fake, or through a proxy in
// front of it at another address.
func (f *FakeTwilio) Config(callbackURL string) cloud.Config {
	return cloud.Config{
		Name: "fake", Kind: cloud.KindTwilio, URL: f.URL, Account: f.Account, Token: secret.New(f.Token),
		From: "+4777644000", CallbackURL: callbackURL,
	}
}

// Calls are the calls that were placed.
func (f *FakeTwilio) Calls() []*Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Stopped are the calls that were ended by a request.
func (f *FakeTwilio) Stopped() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.stopped)
}

func (f *FakeTwilio) serve(w http.ResponseWriter, r *http.Request) {
	if user, password, ok := r.BasicAuth(); !ok || user != f.Account || password != f.Token {
		refuse(w, http.StatusUnauthorized, 20003)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, "/2010-04-01/Accounts/"+f.Account+"/Calls")
	sid := strings.TrimSuffix(strings.TrimPrefix(rest, "/"), ".json")
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, 20404)
	case r.Method == http.MethodGet && rest == ".json":
		reply(w, http.StatusOK, map[string]any{"calls": []any{}, "page": 0, "page_size": 1})
	case r.Method == http.MethodPost && rest == ".json":
		f.place(w, r)
	case r.Method == http.MethodPost && callName.MatchString(sid):
		f.update(w, r, sid)
	default:
		f.t.Errorf("fake Twilio: %s %s is not documented", r.Method, r.URL.Path)
		refuse(w, http.StatusMethodNotAllowed, 20004)
	}
}

// The documented parameters of a call that this program may use, and what they
// may be.
var callFields = map[string]func(string) bool{
	"To":                   number,
	"From":                 number,
	"Twiml":                func(s string) bool { return len([]rune(s)) <= 4000 && s != "" },
	"Url":                  address,
	"Method":               oneOf("GET", "POST"),
	"StatusCallback":       address,
	"StatusCallbackMethod": oneOf("GET", "POST"),
	"StatusCallbackEvent":  oneOf("initiated", "ringing", "answered", "completed"),
	"Timeout":              between(1, 600),
	"TimeLimit":            between(1, 14400),
	"SendDigits":           regexp.MustCompile(`^[0-9A-D#*wW]{1,32}$`).MatchString,
}

var (
	e164     = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	callName = regexp.MustCompile(`^CA[0-9a-f]{32}$`)
)

func number(s string) bool { return e164.MatchString(s) }

func address(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Hostname() == "127.0.0.1")
}

func oneOf(allowed ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(allowed, s) }
}

func between(low, high int) func(string) bool {
	return func(s string) bool {
		n, err := strconv.Atoi(s)
		return err == nil && n >= low && n <= high
	}
}

func (f *FakeTwilio) place(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		f.t.Errorf("fake Twilio: a call by %q", r.Header.Get("Content-Type"))
	}
	if err := r.ParseForm(); err != nil {
		f.t.Errorf("fake Twilio: %v", err)
	}
	for name, values := range r.PostForm {
		may, known := callFields[name]
		for _, v := range values {
			if !known || !may(v) {
				f.t.Errorf("fake Twilio: a call with %s = %q", name, v)
			}
		}
		if len(values) > 1 && name != "StatusCallbackEvent" {
			f.t.Errorf("fake Twilio: a call with %s twice", name)
		}
	}
	if r.PostForm.Get("To") == "" || r.PostForm.Get("From") == "" {
		f.t.Errorf("fake Twilio: a call without To or From")
	}
	if r.PostForm.Has("Twiml") == r.PostForm.Has("Url") {
		f.t.Errorf("fake Twilio: a call with both or none of Twiml and Url")
	}
	if f.Answer != nil {
		f.Answer(w, r)
		return
	}
	f.mu.Lock()
	c := &Call{fake: f, SID: fmt.Sprintf("CA%032x", len(f.calls)+1), Request: maps.Clone(r.PostForm), over: make(chan struct{})}
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	f.people.Go(func() { f.person(c) })
	if f.Lose {
		panic(http.ErrAbortHandler)
	}
	reply(w, http.StatusCreated, c.resource("queued"))
}

// update ends a call.
func (f *FakeTwilio) update(w http.ResponseWriter, r *http.Request, sid string) {
	if err := r.ParseForm(); err != nil || len(r.PostForm) != 1 || r.PostForm.Get("Status") != "completed" {
		f.t.Errorf("fake Twilio: a call changed by %v", r.PostForm)
	}
	for _, c := range f.Calls() {
		if c.SID == sid {
			f.mu.Lock()
			f.stopped = append(f.stopped, sid)
			f.mu.Unlock()
			c.stop()
			reply(w, http.StatusOK, c.resource("completed"))
			return
		}
	}
	refuse(w, http.StatusNotFound, 20404)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// Refuse answers as the service does, for Answer.
func Refuse(w http.ResponseWriter, status, code int) { refuse(w, status, code) }

func refuse(w http.ResponseWriter, status, code int) {
	reply(w, status, map[string]any{"code": code, "message": "mark-reply", "status": status})
}
