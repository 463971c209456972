package cloudtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/voice/cloud"
)

// A FakeTelnyx is a fake of Telnyx Verify's dtmf_confirm.
type FakeTelnyx struct {
	*httptest.Server
	t testing.TB
	// Key, Profile are what it wants.
	Key, Profile string
	// Answer, when set, answers the request for a call in its place.
	Answer func(w http.ResponseWriter, r *http.Request)
	// Polled tells of polls, one at least since it told before.
	Polled chan struct{}

	mu     sync.Mutex
	states []string
	id     string
	polls  int
	To     []string // numbers that were called
}

// StartFakeTelnyx starts a fake whose calls go through the states, one a poll;
// "-" is a poll that fails, and the last one stays.
func StartFakeTelnyx(t testing.TB, states ...string) *FakeTelnyx {
	t.Helper()
	f := &FakeTelnyx{
		t: t, states: states, Key: "mark-token-telnyx", Profile: "12ade33a-21c0-473b-b055-b3c836e1c292",
		id: "a1b2c3d4-e5f6-7890-abcd-ef1234567890", Polled: make(chan struct{}, 1),
	}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.Close)
	return f
}

// Config is a provider that calls through the fake.
func (f *FakeTelnyx) Config() cloud.Config {
	return cloud.Config{Name: "fake", Kind: cloud.KindTelnyx, URL: f.URL, Token: secret.New(f.Key), Profile: f.Profile}
}

func (f *FakeTelnyx) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+f.Key {
		reply(w, http.StatusUnauthorized, map[string]any{"errors": []any{map[string]any{"code": "10009", "detail": "mark-reply"}}})
		return
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/v2/verify_profiles/"+f.Profile:
		reply(w, http.StatusOK, map[string]any{"data": map[string]any{"id": f.Profile, "record_type": "verification_profile"}})
	case r.Method == http.MethodPost && r.URL.Path == "/v2/verifications/dtmf_confirm":
		f.begin(w, r)
	case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v2/verifications/"):
		f.poll(w, strings.TrimPrefix(r.URL.Path, "/v2/verifications/"))
	default:
		reply(w, http.StatusNotFound, map[string]any{"errors": []any{}})
	}
}

func (f *FakeTelnyx) begin(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var asked map[string]string
	if err := json.Unmarshal(body, &asked); err != nil || r.Header.Get("Content-Type") != "application/json" {
		f.t.Errorf("fake Telnyx: a request that is no JSON: %v", err)
	}
	if len(asked) != 2 || !number(asked["phone_number"]) || asked["verify_profile_id"] != f.Profile {
		f.t.Errorf("fake Telnyx: a request with %v", asked)
	}
	if f.Answer != nil {
		f.Answer(w, r)
		return
	}
	f.mu.Lock()
	f.To = append(f.To, asked["phone_number"])
	f.mu.Unlock()
	f.state(w, "pending")
}

func (f *FakeTelnyx) poll(w http.ResponseWriter, id string) {
	if id != f.id {
		f.t.Errorf("fake Telnyx: a poll for %q", id)
	}
	f.mu.Lock()
	state := f.states[min(f.polls, len(f.states)-1)]
	f.polls++
	f.mu.Unlock()
	select {
	case f.Polled <- struct{}{}:
	default:
	}
	if state == "-" {
		reply(w, http.StatusServiceUnavailable, map[string]any{})
		return
	}
	f.state(w, state)
}

func (f *FakeTelnyx) state(w http.ResponseWriter, state string) {
	reply(w, http.StatusOK, map[string]any{"data": map[string]any{
		"id": f.id, "type": "dtmf_confirm", "record_type": "verification", "status": state, "timeout_secs": 300,
		"verify_profile_id": f.Profile, "created_at": "2026-02-20T15:30:00.000000", "updated_at": "2026-02-20T15:30:00.000000",
	}})
}
