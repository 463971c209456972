package email

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
)

// A fakeServer is a mail server, by a library, that answers as a test wants.
type fakeServer struct {
	address         string
	mail, rcpt, end error
	slow            time.Duration // before the answer to a message

	mu  sync.Mutex
	got []string
}

func (f *fakeServer) NewSession(*smtp.Conn) (smtp.Session, error) { return &fakeSession{f}, nil }

type fakeSession struct{ *fakeServer }

func (s *fakeSession) Mail(string, *smtp.MailOptions) error { return s.mail }
func (s *fakeSession) Rcpt(string, *smtp.RcptOptions) error { return s.rcpt }
func (s *fakeSession) Reset()                               {}
func (s *fakeSession) Logout() error                        { return nil }

func (s *fakeSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.got = append(s.got, string(text))
	s.mu.Unlock()
	<-time.After(s.slow)
	return s.end
}

func (f *fakeServer) start(t *testing.T, ca *peer.CA) Config {
	t.Helper()
	cert := ca.Issue(t, peer.CertRequest{})
	pair, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(f)
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.Domain = "localhost"
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		serving.Wait()
	})
	f.address = l.Addr().String()
	return config(func(c *Config) {
		c.Server, c.CA, c.Timeout = f.address, ca.File, 5*time.Second
		c.AskAfter = time.Second
	})
}

func reply(code int) error {
	return &smtp.SMTPError{Code: code, Message: "anna.larsen@example.org: mark, 123456"}
}

func TestAnswersOfTheServer(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	for _, row := range []struct {
		what    string
		fake    *fakeServer
		timeout time.Duration
		want    string // "sent", "unknown", or why not
		down    bool
	}{
		{"it takes the message", &fakeServer{}, 0, "sent", false},
		{"it takes the sender not now", &fakeServer{mail: reply(451)}, 0, "answers 451", true},
		{"it does not take the sender", &fakeServer{mail: reply(553)}, 0, "answers 553", true},
		{"it takes the recipient not now", &fakeServer{rcpt: reply(450)}, 0, "answers 450", false},
		{"it does not know the recipient", &fakeServer{rcpt: reply(550)}, 0, "answers 550", false},
		{"it does not take the message", &fakeServer{end: reply(554)}, 0, "answers 554", true},
		{"its disk is full", &fakeServer{end: reply(452)}, 0, "answers 452", true},
		{"it does not say whether it took the message", &fakeServer{slow: 2 * time.Second}, 500 * time.Millisecond, "unknown", false},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			fake := row.fake
			c := fake.start(t, ca)
			if row.timeout > 0 {
				c.Timeout = row.timeout
			}
			s, err := newServer(c)
			if err != nil {
				t.Fatal(err)
			}
			err = s.send(t.Context(), message{"anna.larsen@example.org", "s", "123456"})
			got := "unknown"
			not, ok := errors.AsType[*notSent](err)
			switch {
			case err == nil:
				got = "sent"
			case ok:
				got = not.reason
			}
			if !strings.Contains(got, row.want) || ok && not.down != row.down {
				t.Errorf("%v, want %s, down %t", err, row.want, row.down)
			}
			if err != nil {
				leaksNothing(t, err.Error())
				if strings.Contains(err.Error(), "mark") {
					t.Errorf("the server's words are in %q", err)
				}
			}
		})
	}
}

// plainTalk is a server that says what it likes, to what it does not read.
func plainTalk(t *testing.T, talk func(*bufio.Reader, net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				talk(bufio.NewReader(c), c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// What is no answer of SMTP is not quoted either: a server may say back what it
// was sent.
func TestNonsenseIsNotQuoted(t *testing.T) {
	t.Parallel()
	for _, greeting := range []string{"mark anna 123456\r\n", "mark\r\n", "9\r\n", "220\r\n"} {
		address := plainTalk(t, func(_ *bufio.Reader, c net.Conn) { _, _ = io.WriteString(c, greeting) })
		s, err := newServer(config(func(c *Config) { c.Server, c.TLS, c.Timeout = address, tlsNone, time.Second }))
		if err != nil {
			t.Fatal(err)
		}
		err = s.send(t.Context(), message{"anna@example.org", "s", "123456"})
		not, ok := errors.AsType[*notSent](err)
		if !ok || !not.down {
			t.Fatalf("%q: %v, want that it was not sent", greeting, err)
		}
		leaksNothing(t, err.Error())
		if strings.Contains(err.Error(), "mark") {
			t.Errorf("the server's words are in %q", err)
		}
	}
}

// Somebody on the way takes STARTTLS out of the offer, or answers for the
// server: the code and the password stay here.
func TestNothingIsSaidWithoutTLS(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ what, offer, starttls, want string }{
		{"STARTTLS is not offered", "250-mail\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n", "220 go\r\n", "no STARTTLS"},
		{"STARTTLS is offered and refused", "250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", "454 not now\r\n", "454"},
		{"STARTTLS is taken, and no TLS spoken", "250-mail\r\n250 STARTTLS\r\n", "220 go\r\n250 mail\r\n", ""},
		{"answers are put behind STARTTLS", "250-mail\r\n250 STARTTLS\r\n", "220 go\r\n250-mail\r\n250 AUTH PLAIN\r\n235 ok\r\n250 ok\r\n", ""},
		{"EHLO is not known", "502 what\r\n", "220 go\r\n", ""},
	} {
		t.Run(row.what, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var said strings.Builder
			address := plainTalk(t, func(r *bufio.Reader, c net.Conn) {
				_, _ = fmt.Fprint(c, "220 mail\r\n")
				for {
					line, err := r.ReadString('\n')
					mu.Lock()
					said.WriteString(line)
					mu.Unlock()
					switch {
					case err != nil:
						return
					case strings.HasPrefix(line, "EHLO"):
						_, _ = io.WriteString(c, row.offer)
					case strings.HasPrefix(line, "STARTTLS"):
						_, _ = io.WriteString(c, row.starttls)
					default:
						_, _ = io.WriteString(c, "250 ok\r\n")
					}
				}
			})
			s, err := newServer(config(func(c *Config) {
				c.Server, c.Timeout, c.User, c.Password = address, time.Second, "portvakt", secret.New("mail-password")
			}))
			if err != nil {
				t.Fatal(err)
			}
			err = s.send(t.Context(), message{"anna@example.org", "s", "123456"})
			if not, ok := errors.AsType[*notSent](err); !ok || !strings.Contains(not.reason, row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, word := range []string{"AUTH", "MAIL", "RCPT", "DATA", "anna", "123456"} {
				if strings.Contains(said.String(), word) {
					t.Errorf("%s was said: %q", word, said.String())
				}
			}
		})
	}
}

// A server that never answers is not waited for longer than timeout, at any
// point of the conversation.
func TestSlowServersAreBounded(t *testing.T) {
	t.Parallel()
	for what, talk := range map[string]func(*bufio.Reader, net.Conn){
		"no greeting": func(r *bufio.Reader, _ net.Conn) { _, _ = io.Copy(io.Discard, r) },
		"no end of the greeting": func(_ *bufio.Reader, c net.Conn) {
			for {
				if _, err := io.WriteString(c, "220-patience\r\n"); err != nil {
					return
				}
				<-time.After(10 * time.Millisecond)
			}
		},
		"a line without end": func(_ *bufio.Reader, c net.Conn) {
			for {
				if _, err := io.WriteString(c, strings.Repeat("2", 1024)); err != nil {
					return
				}
				<-time.After(10 * time.Millisecond)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s, err := newServer(config(func(c *Config) {
				c.Server, c.Timeout, c.TLS = plainTalk(t, talk), 500*time.Millisecond, tlsNone
			}))
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			err = s.send(t.Context(), message{"anna@example.org", "s", "123456"})
			if _, ok := errors.AsType[*notSent](err); !ok || time.Since(began) > 5*time.Second {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		})
	}
}
