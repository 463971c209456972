package radiusd

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	certs "github.com/portvakt/portvakt/e2e/peer"
)

// TestCertificatesAreReadAgain by a reload: connections go on, and new ones see
// the new certificate.
func TestCertificatesAreReadAgain(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := ca.config()
	s := run(t, cfg, script(t), Options{})
	how := ca.trusting(t, ca.device(t, "nas.example.org"))
	before := s.overTLS(t, "127.0.0.1", how)

	fresh := ca.Issue(t, certs.CertRequest{})
	for from, to := range map[string]string{fresh.CertFile: cfg.RadSec.Cert, fresh.KeyFile: cfg.RadSec.Key} {
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Reload(cfg); err != nil {
		t.Fatal(err)
	}
	after := s.overTLS(t, "127.0.0.1", how)
	old, now := before.conn.(framed).ConnectionState().PeerCertificates[0], after.conn.(framed).ConnectionState().PeerCertificates[0]
	if old.Equal(now) {
		t.Error("the certificate is the old one")
	}
	for _, d := range []*device{before, after} {
		if got := d.ask(d.login("alice", "accept")); got.code != accept {
			t.Errorf("code %d", got.code)
		}
	}
}

// TestFilesThatCannotBeRead leave the configuration in force as it is, and name
// the file.
func TestFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := ca.config()
	s := run(t, cfg, script(t), Options{})
	other := ca.Issue(t, certs.CertRequest{})
	for what, row := range map[string]struct {
		spoil func(c *RadSecConfig)
		want  string
	}{
		"no certificate": {func(c *RadSecConfig) { c.Cert = "/nowhere.pem" }, "/nowhere.pem"},
		"another's key":  {func(c *RadSecConfig) { c.Key = other.KeyFile }, "cert and key"},
		"no authority":   {func(c *RadSecConfig) { c.CA = c.Key }, "no certificate in"},
	} {
		bad := cfg
		row.spoil(&bad.RadSec)
		if err := s.Reload(bad); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", what, err, row.want)
		}
	}
	d := s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, "nas.example.org")))
	if got := d.ask(d.login("alice", "accept")); got.code != accept {
		t.Errorf("code %d", got.code)
	}
	if expires, err := cfg.RadSec.Check(); err != nil || time.Until(expires) < time.Hour || time.Until(expires) > 25*time.Hour {
		t.Errorf("the certificate ends at %v, %v", expires, err)
	}
	ended := ca.Issue(t, certs.CertRequest{NotAfter: time.Now().Add(-time.Hour)})
	cfg.RadSec.Cert, cfg.RadSec.Key = ended.CertFile, ended.KeyFile
	if _, err := cfg.RadSec.Check(); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("an ended certificate: %v", err)
	}
}

// TestAReloadEndsWhatItTakesAway: a connection that began under another
// configuration is served under the one in force, or closed.
func TestAReloadEndsWhatItTakesAway(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	for what, row := range map[string]struct {
		change func(c *Config)
		closed bool
	}{
		"nothing":               {func(*Config) {}, false},
		"the client's name":     {func(c *Config) { c.Clients[0].Name = "nas2" }, false},
		"another authority":     {func(c *Config) { c.RadSec.CA = other.File }, true},
		"the certificate":       {func(c *Config) { c.Clients[0].Certificates = []string{"nas2.example.org"} }, true},
		"the client's networks": {func(c *Config) { c.Clients[0].Networks = []string{"192.0.2.0/24"} }, true},
		"RADIUS over TLS": {func(c *Config) {
			c.RadSec.Listen, c.RadSec.Cert, c.RadSec.Key, c.RadSec.CA = nil, "", "", ""
			c.Listen, c.Clients[0].Certificates = []string{"127.0.0.1:0"}, nil
			c.Clients[0].Secret, c.Clients[0].Networks = secret.New(testSecret), []string{"127.0.0.0/8"}
		}, true},
	} {
		s := run(t, ca.config(), script(t), Options{})
		d := s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, "nas.example.org")))
		d.ask(d.login("alice", "accept"))
		cfg := ca.config()
		row.change(&cfg)
		if err := s.Reload(cfg); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		p := d.login("alice", "accept")
		d.send(p)
		if row.closed {
			d.closed()
			s.alone()
			if st := s.settledStats(); st.Dropped["certificate_ended"] != 1 {
				t.Errorf("%s: dropped %v", what, st.Dropped)
			}
		} else if got := d.reply(p); got.code != accept {
			t.Errorf("%s: code %d", what, got.code)
		}
	}
}

// TestReloadsDisturbNobody: requests on many connections are all answered while
// the configuration is read again and again.
func TestReloadsDisturbNobody(t *testing.T) {
	t.Parallel()
	const connections, requests = 4, 50
	ca := newAuthority(t)
	cfg := ca.config()
	s := run(t, cfg, script(t), Options{})
	how := ca.trusting(t, ca.device(t, "nas.example.org"))
	var devices sync.WaitGroup
	for range connections {
		d := s.overTLS(t, "127.0.0.1", how)
		devices.Go(func() {
			var all [][]byte
			for range requests {
				all = append(all, d.login("alice", "accept"))
			}
			if _, err := d.conn.Write(slices.Concat(all...)); err != nil {
				t.Error(err)
			}
			for range all {
				if n, err := d.conn.Read(make([]byte, maxPacket)); err != nil || n == 0 {
					t.Errorf("no reply: %v", err)
					return
				}
			}
		})
	}
	answered := make(chan struct{})
	go func() { devices.Wait(); close(answered) }()
	for {
		if err := s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		select {
		case <-answered:
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	if st := s.settledStats(); st.Sent["accept"] != connections*requests || st.Connections != connections {
		t.Errorf("sent %v over %d connections", st.Sent, st.Connections)
	}
}
