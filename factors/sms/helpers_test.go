package sms

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/sms/gateway"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

var idKey = []byte("0123456789abcdef")

// records is a login.Records in memory.
type records struct {
	mu   sync.Mutex
	rev  uint64
	m    map[string]login.Value
	fail error
}

func (r *records) Get(ctx context.Context, key string) (login.Value, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.m[key]
	switch {
	case r.fail != nil:
		return login.Value{}, r.fail
	case ctx.Err() != nil:
		return login.Value{}, ctx.Err()
	case !ok:
		return login.Value{}, login.ErrNotFound
	}
	return v, nil
}

func (r *records) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.fail != nil:
		return r.fail
	case ctx.Err() != nil:
		return ctx.Err()
	case r.m[key].Rev != rev:
		return login.ErrConflict
	}
	if r.m == nil {
		r.m = make(map[string]login.Value)
	}
	r.rev++
	r.m[key] = login.Value{Data: bytes.Clone(data), Rev: r.rev}
	return nil
}

func (r *records) all() map[string]login.Value {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.m)
}

// A sink is a Sender that keeps what it was given.
type sink struct {
	mu    sync.Mutex
	texts []string
	to    []phone.Number
	ready error
	do    func(context.Context) error

	messages []gateway.Message
}

func (s *sink) Ready(phone.Number) error { return s.ready }

func (s *sink) Deliver(ctx context.Context, m gateway.Message) error {
	s.mu.Lock()
	s.texts, s.to, s.messages = append(s.texts, m.Text), append(s.to, m.To), append(s.messages, m)
	do := s.do
	s.mu.Unlock()
	if do != nil {
		return do(ctx)
	}
	return nil
}

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.texts)
}

// code is the code of the newest message.
func (s *sink) code(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.texts) == 0 {
		t.Fatal("no message was sent")
	}
	return regexp.MustCompile(`^[0-9]{6}`).FindString(s.texts[len(s.texts)-1])
}

// words is a Texts of two languages.
type words struct{}

func (words) Text(lang, key string, args ...string) string {
	format := map[string]string{
		"nb": "%v er koden din for %v. Den gjelder i %v minutter, så skriv den nå.",
		"uk": "%v – код для %v, %v хвилин",
	}[lang]
	if format == "" {
		format = "%v is your code for %v. It is valid for %v minutes."
	}
	if key != textKey {
		return key
	}
	named := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		named[args[i]] = args[i+1]
	}
	return fmt.Sprintf(format, named["Code"], named["Service"], named["Minutes"])
}

func config(change ...func(*Config)) Config {
	c := DefaultConfig()
	c.Numbers.Countries = []string{"NO", "SE"}
	c.Provider = []gateway.Config{{
		Name: "gw", Kind: "http", URL: "https://sms.example.org/", JSON: `{"to": "{to}", "text": "{text}"}`, Token: secret.New("x"),
	}}
	for _, f := range change {
		f(&c)
	}
	return c
}

// A world is a factor with what is around it.
type world struct {
	*Factor
	sink    *sink
	records *records
	log     *logintest.Log
}

// build makes a factor over records, which may be those of another one.
func build(t testing.TB, r *records, change ...func(*Config)) world {
	t.Helper()
	w := world{sink: new(sink), records: r, log: new(logintest.Log)}
	cfg := config(change...)
	f, err := New(cfg, w.sink, caps.New(cfg.Caps, caps.SMS, r, idKey, w.log.Logger()), idKey, w.log.Logger(), words{})
	if err != nil {
		t.Fatal(err)
	}
	w.Factor = f
	return w
}

// person has the i-th Norwegian mobile number in the directory.
func person(i int) login.User {
	return login.User{
		Account:  login.Account{ID: fmt.Sprintf("id-%d", 7*i), Name: "anna", Phones: []string{fmt.Sprintf("+47 4%07d", i)}},
		Language: "en", Client: "vpn",
	}
}

// first is the person's first method.
func (w world) first(t testing.TB, u login.User) login.Method {
	t.Helper()
	ms := w.Methods(u)
	if len(ms) == 0 {
		t.Fatal("no method")
	}
	return ms[0]
}

// enrolled is a credential of a telephone.
func enrolled(t testing.TB, number string, verified bool) login.Credential {
	t.Helper()
	data, err := json.Marshal(book.Phone{Number: number, Verified: verified})
	if err != nil {
		t.Fatal(err)
	}
	return login.Credential{ID: number, Kind: CredentialKind, Data: data}
}
