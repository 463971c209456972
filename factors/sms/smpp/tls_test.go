package smpp

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login/logintest"
)

// listening is a script behind a port of this machine, with TLS when there is
// a certificate.
func listening(t *testing.T, s *script, cert *peer.Cert) string {
	t.Helper()
	s.t = t
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if cert != nil {
				pair, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile)
				if err != nil {
					t.Error(err)
				}
				conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}})
			}
			serving.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		s.drop()
		serving.Wait()
	})
	return l.Addr().String()
}

// client is one for a port.
func client(t *testing.T, cfg Config, ca string) (*Client, *logintest.Log) {
	t.Helper()
	log := new(logintest.Log)
	o := options()
	o.CA = ca
	c, err := New(cfg, o, log.Logger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		assertLeaksNothing(t, log.String())
	})
	return c, log
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	ca, stranger := peer.NewCA(t), peer.NewCA(t)
	good := ca.Issue(t, peer.CertRequest{Hosts: []string{"smsc.example.org"}})
	ended := ca.Issue(t, peer.CertRequest{Hosts: []string{"smsc.example.org"}, NotAfter: time.Now().Add(-time.Hour)})
	for _, row := range []struct {
		rule string
		cert *peer.Cert
		ca   string
		name string
		want string
	}{
		{"the name that is configured", &good, ca.File, "smsc.example.org", "sent as id-1"},
		{"without a name it is the address", &good, ca.File, "", "not sent, down: no session with the SMSC: TLS: "},
		{"another name", &good, ca.File, "other.example.org", "not sent, down: no session with the SMSC: TLS: "},
		{"another authority", &good, stranger.File, "smsc.example.org", "not sent, down: no session with the SMSC: TLS: "},
		{"the system's authorities", &good, "", "smsc.example.org", "not sent, down: no session with the SMSC: TLS: "},
		{"a certificate that has ended", &ended, ca.File, "smsc.example.org", "not sent, down: no session with the SMSC: TLS: "},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			s := &script{answer: accepts}
			c, _ := client(t, Config{Address: listening(t, s, row.cert), TLS: true, ServerName: row.name}, row.ca)
			if got := outcome(send(t, c)); !strings.HasPrefix(got, row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
			if strings.HasPrefix(row.want, "not sent") && s.bound() != 0 {
				t.Error("the password went to somebody whose certificate is not right")
			}
		})
	}
	if _, err := New(Config{Address: "a:1", TLS: true}, Options{Name: "n", User: "u", Password: options().Password, CA: "/dev/null"}, new(logintest.Log).Logger(), nil); err == nil {
		t.Error("an empty file of authorities is taken")
	}
}

func TestCheckBindsAndSendsNothing(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(t, peer.CertRequest{})
	for _, row := range []struct {
		rule string
		bind []Status
		want string
	}{
		{"all is well", nil, ""},
		{"the daemon is bound already", []Status{statusBound}, ""},
		{"wrong password", []Status{statusBadPassword}, "bind: status 0xe (ESME_RINVPASWD, wrong password)"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			s := &script{answer: accepts, bind: row.bind}
			c, _ := client(t, Config{Address: listening(t, s, &cert), TLS: true}, ca.File)
			expires, err := c.Check(t.Context())
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != row.want || time.Until(expires) < time.Hour || s.count(submitSM) != 0 {
				t.Errorf("got %q and %v, want %q", got, expires, row.want)
			}
			if row.bind == nil && s.count(unbind) != 1 {
				t.Error("it stays bound")
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, _ := client(t, Config{Address: "127.0.0.1:1"}, "")
	if _, err := c.Check(ctx); err == nil {
		t.Error("nobody there is taken for a good SMSC")
	}
}
