package email

import (
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// leaksNothing fails when an error or log tells what operators must not read.
func leaksNothing(t testing.TB, what string) {
	t.Helper()
	for _, mark := range []string{"anna", "123456", "mail-password", "wrong-password", "unknown@"} {
		if strings.Contains(what, mark) {
			t.Errorf("%q leaks in %q", mark, what)
		}
	}
}

// An arrived message, decoded.
type arrived struct {
	mail.Header
	subject, body string
}

func read(t testing.TB, raw string) arrived {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		t.Error(err)
	}
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		t.Error(err)
	}
	return arrived{m.Header, subject, strings.ReplaceAll(string(text), "\r\n", "\n")}
}

func TestExim(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	s := peer.StartExim(t, ca.Issue(t, peer.CertRequest{}))
	site := func(change ...func(*Config)) Config {
		c := config(change...)
		if c.Server == "mail.example.org:587" {
			c.Server = s.StartTLS
		}
		if c.CA == "" {
			c.CA = ca.File
		}
		if c.User == "" {
			c.User, c.Password = s.User, secret.New(s.Password)
		}
		c.Timeout = 10 * time.Second
		return c
	}
	open := func(c Config) *server {
		srv, err := newServer(c)
		if err != nil {
			t.Fatal(err)
		}
		return srv
	}

	for _, row := range []struct {
		what   string
		change func(*Config)
	}{
		{"STARTTLS", func(*Config) {}},
		{"TLS from the first octet", func(c *Config) { c.Server, c.TLS = s.TLS, tlsOnly }},
	} {
		srv := open(site(row.change))
		if err := srv.check(t.Context()); err != nil {
			t.Errorf("%s: check: %v", row.what, err)
		}
		m := message{"anna.larsen@example.org", "Koden din for å logge inn på «vpn»", "123456 er koden – skriv den nå.\n.\nSlutt"}
		if err := srv.send(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", row.what, err)
		}
		got := read(t, s.Next(t))
		if got.subject != m.subject || got.body != m.body+"\n" {
			t.Errorf("%s: arrived %q, %q", row.what, got.subject, got.body)
		}
		for name, want := range map[string]string{
			"From": `"Portvakt" <portvakt@example.org>`, "To": "<anna.larsen@example.org>", "Auto-Submitted": "auto-generated",
			"Content-Type": "text/plain; charset=UTF-8", "Mime-Version": "1.0", "Bcc": "", "Cc": "",
		} {
			if got.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", row.what, name, got.Get(name), want)
			}
		}
		if id := got.Get("Message-Id"); !strings.HasSuffix(id, "@example.org>") {
			t.Errorf("%s: Message-Id %q", row.what, id)
		}
		if _, err := got.Date(); err != nil {
			t.Errorf("%s: %v", row.what, err)
		}
	}

	for _, row := range []struct {
		what, to string
		change   func(*Config)
		want     string
		down     bool
	}{
		{"a recipient it does not know", s.Unknown, func(*Config) {}, "the server answers 550", false},
		{"a recipient elsewhere", "anna@elsewhere.example", func(*Config) {}, "the server answers 550", false},
		{"a wrong password", "anna@example.org", func(c *Config) { c.User, c.Password = s.User, secret.New("wrong-password") }, "the server answers 535", true},
		{"a certificate of somebody else", "anna@example.org", func(c *Config) { c.CA = peer.NewCA(t).File }, "unknown authority", true},
		{"TLS where STARTTLS is spoken", "anna@example.org", func(c *Config) { c.TLS = tlsOnly }, "speaks no TLS", true},
		{"no TLS where it is demanded", "anna@example.org", func(c *Config) { c.TLS, c.User = tlsNone, "none" }, "the server answers 5", true},
		{"another port", "anna@example.org", func(c *Config) { c.Server = "127.0.0.1:1" }, "connection refused", true},
	} {
		c := site(row.change)
		if c.User == "none" {
			c.User, c.Password = "", secret.Value{}
		}
		err := open(c).send(t.Context(), message{row.to, "s", "123456"})
		not, ok := errors.AsType[*notSent](err)
		if !ok || !strings.Contains(not.reason, row.want) || not.down != row.down {
			t.Errorf("%s: %v, want %q", row.what, err, row.want)
		}
		if err != nil {
			leaksNothing(t, err.Error())
		}
	}

	// A sign-in from the question to the answer.
	log := new(logintest.Log)
	f, err := New(site(), new(logintest.Records), idKey, log.Logger(), words{})
	if err != nil {
		t.Fatal(err)
	}
	u := anna()
	u.Language = "nb"
	m := f.Methods(u)[0]
	memo, err := f.Prompt(t.Context(), u, m)
	if err != nil {
		t.Fatal(err)
	}
	typed := inMessage.FindString(read(t, s.Next(t)).body)
	if err := f.Check(t.Context(), u, m, memo, login.Cleartext(typed)); err != nil {
		t.Errorf("the code that arrived: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	leaksNothing(t, log.String())

	// The machine hangs: the kernel takes the connection, nobody answers.
	s.Pause()
	defer s.Resume()
	c := site(func(c *Config) { c.CA = ca.File })
	c.Timeout = 300 * time.Millisecond
	began := time.Now()
	err = open(c).send(t.Context(), message{"anna@example.org", "s", "123456"})
	if _, ok := errors.AsType[*notSent](err); !ok || time.Since(began) > 5*time.Second {
		t.Errorf("a server that hangs: %v after %v", err, time.Since(began))
	}
}
