package email

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

var idKey = []byte("0123456789abcdef")

// words is a Texts of two languages.
type words struct{}

func (words) Text(lang, key string, args ...string) string {
	named := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		named[args[i]] = args[i+1]
	}
	switch {
	case key == subjectKey && lang == "nb":
		return "Koden din for å logge inn på " + named["Service"]
	case key == subjectKey:
		return "Your code for " + named["Service"]
	case key == bodyKey && lang == "nb":
		return fmt.Sprintf("%s er koden din for %s.\nDen gjelder i %s minutter – så skriv den nå.", named["Code"], named["Service"], named["Minutes"])
	case key == bodyKey:
		return fmt.Sprintf("%s is your code for %s.\nIt is valid for %s minutes.", named["Code"], named["Service"], named["Minutes"])
	}
	return key
}

func config(change ...func(*Config)) Config {
	c := DefaultConfig()
	c.Server, c.From = "mail.example.org:587", "Portvakt <portvakt@example.org>"
	for _, f := range change {
		f(&c)
	}
	return c
}

// anna has a mailbox.
func anna() login.User {
	return login.User{
		Account:  login.Account{ID: "id-anna", Name: "anna", Mail: "anna.larsen@example.org"},
		Language: "en", Client: "vpn",
	}
}

// A box is in place of the server, and keeps what it was given.
type box struct {
	mu   sync.Mutex
	got  []message
	fail func(context.Context) error
}

func (b *box) post(ctx context.Context, m message) error {
	b.mu.Lock()
	b.got = append(b.got, m)
	fail := b.fail
	b.mu.Unlock()
	if fail != nil {
		return fail(ctx)
	}
	return nil
}

func (b *box) all() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]message(nil), b.got...)
}

var inMessage = regexp.MustCompile(`\b[0-9]{6}\b`)

// code is the code of the newest message.
func (b *box) code(t testing.TB) string {
	t.Helper()
	all := b.all()
	if len(all) == 0 {
		t.Fatal("no message was sent")
	}
	return inMessage.FindString(all[len(all)-1].body)
}

// A world is a factor with what is around it.
type world struct {
	*Factor
	box *box
	log *logintest.Log
}

func build(t testing.TB, records login.Records, change ...func(*Config)) world {
	t.Helper()
	w := world{box: new(box), log: new(logintest.Log)}
	if records == nil {
		records = new(logintest.Records)
	}
	f, err := New(config(change...), records, idKey, w.log.Logger(), words{})
	if err != nil {
		t.Fatal(err)
	}
	f.post = w.box.post
	w.Factor = f
	return w
}

// first is the person's first method.
func (w world) first(t testing.TB, u login.User) login.Method {
	t.Helper()
	ms := w.Methods(u)
	if len(ms) != 1 {
		t.Fatalf("%d methods", len(ms))
	}
	return ms[0]
}

// fails makes the server answer an error.
func fails(err error) func(context.Context) error { return func(context.Context) error { return err } }

// slow makes the server take its time.
func slow(d time.Duration, err error) func(context.Context) error {
	return func(context.Context) error {
		<-time.After(d) // in a bubble of synctest
		return err
	}
}
