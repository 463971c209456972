package radiusd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	certs "github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/internal/roots"
	"github.com/portvakt/portvakt/login"
)

// An authority issues what both ends of a test have.
type authority struct {
	*certs.CA
	server certs.Cert
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	ca := certs.NewCA(t)
	return &authority{ca, ca.Issue(t, certs.CertRequest{})}
}

// device issues the certificate of a device.
func (a *authority) device(t testing.TB, names ...string) certs.Cert {
	t.Helper()
	return a.Issue(t, certs.CertRequest{Name: "device", Hosts: append([]string{}, names...)})
}

// config serves TLS alone, for the client "nas" with the name nas.example.org.
func (a *authority) config() Config {
	cfg := testConfig()
	cfg.Listen = nil
	cfg.RadSec = RadSecConfig{
		Listen: []string{"127.0.0.1:0"}, Cert: a.server.CertFile, Key: a.server.KeyFile, CA: a.File,
		MaxConnections: DefaultConfig().RadSec.MaxConnections,
	}
	cfg.Clients = []ClientConfig{overTLS("nas", "nas.example.org")}
	return cfg
}

func overTLS(name string, certificates ...string) ClientConfig {
	c := DefaultClientConfig()
	c.Name, c.Certificates = name, certificates
	return c
}

// trusting is how a device connects that trusts the authority.
func (a *authority) trusting(t testing.TB, own ...certs.Cert) *tls.Config {
	t.Helper()
	pool, err := roots.Read(a.File)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}
	for _, c := range own {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = append(cfg.Certificates, pair)
	}
	return cfg
}

func leafOf(t testing.TB, c certs.Cert) *x509.Certificate {
	t.Helper()
	text, err := os.ReadFile(c.CertFile)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// A framed connection reads a packet at a time, as a datagram would come.
type framed struct{ *tls.Conn }

func (f framed) Read(b []byte) (int, error) {
	if _, err := io.ReadFull(f.Conn, b[:lengthEnd]); err != nil {
		return 0, err
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < lengthEnd || n > len(b) {
		return 0, errors.New("a reply with a bad Length")
	}
	_, err := io.ReadFull(f.Conn, b[lengthEnd:n])
	return n, err
}

// streamAddr is where the server takes RADIUS over TLS.
func (r *running) streamAddr() string { return r.streams.listeners[0].Addr().String() }

// dial connects from an address; the handshake is the caller's.
func (r *running) dial(t testing.TB, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 0)), Timeout: testWait}
	conn, err := d.DialContext(t.Context(), "tcp", r.streamAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(testWait))
	return conn
}

// overTLS is a device with a connection.
func (r *running) overTLS(t *testing.T, from string, how *tls.Config) *device {
	t.Helper()
	conn := tls.Client(r.dial(t, from), how)
	if err := conn.Handshake(); err != nil {
		t.Fatalf("handshake: %v; log %s", err, r.logs)
	}
	conn.SetDeadline(time.Time{})
	return &device{t: t, server: r, conn: framed{conn}, secret: radsecSecret}
}

// closed checks that the server closes the connection.
func (d *device) closed() {
	d.t.Helper()
	d.conn.SetReadDeadline(time.Now().Add(testWait))
	n, err := d.conn.Read(make([]byte, maxPacket))
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		d.t.Fatalf("got %d octets, %v, want a closed connection", n, err)
	}
}

// alone waits until no connection is left, nor anything of one.
func (r *running) alone() {
	r.t.Helper()
	r.until("no connection", func(st Stats) bool {
		r.streams.mu.Lock()
		defer r.streams.mu.Unlock()
		return st.Connections == 0 && r.streams.sum == (places{}) && len(r.streams.from) == 0
	})
}

// TestAConversationOverTLS is the one over UDP, with "radsec" for the secret
// (RFC 6614, section 2.3), in both versions of TLS.
func TestAConversationOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := run(t, ca.config(), script(t), Options{})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		how := ca.trusting(t, ca.device(t, "nas.example.org"))
		how.MinVersion, how.MaxVersion = version, version
		d := s.overTLS(t, "127.0.0.1", how)
		if got := d.ask(d.login("alice", "accept")); got.code != accept {
			t.Errorf("the right password got code %d", got.code)
		}
		if got := d.ask(d.unsignedLogin("alice", "wrong")); got.code != rejected {
			t.Errorf("a wrong password got code %d", got.code)
		}
		asked := d.ask(d.login("alice", "ask", attr(attrProxyState, "one"), attr(attrProxyState, "two")))
		if asked.code != challenge || strings.Join(asked.all(attrProxyState), " ") != "one two" {
			t.Errorf("the question has code %d and Proxy-State %q", asked.code, asked.all(attrProxyState))
		}
		if got := d.ask(d.login("alice", "123456", attr(attrState, asked.all(attrState)[0]))); got.code != accept {
			t.Errorf("the answer got code %d", got.code)
		}
		watchdog := d.signed()
		watchdog[0] = 12
		if got := d.ask(d.sign(watchdog)); got.code != accept {
			t.Errorf("Status-Server got code %d", got.code)
		}
		d.conn.Close()
	}
	s.alone()
	if st := s.settledStats(); st.Sent["accept"] != 4 || st.Clients["nas"].Connections != 0 || !st.Clients["nas"].OverTLS || !st.Clients["nas"].OnlyTLS {
		t.Errorf("%+v", st)
	}
}

// TestRADIUS11IsNotOffered: a peer that offers it gets RADIUS as it always was
// (RFC 9765).
func TestRADIUS11IsNotOffered(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := run(t, ca.config(), script(t), Options{})
	how := ca.trusting(t, ca.device(t, "nas.example.org"))
	how.NextProtos = []string{"radius/1.1", "radius/1.0"}
	d := s.overTLS(t, "127.0.0.1", how)
	if p := d.conn.(framed).ConnectionState().NegotiatedProtocol; p != "" {
		t.Errorf("negotiated %q, want none", p)
	}
	if got := d.ask(d.login("alice", "accept")); got.code != accept {
		t.Errorf("code %d", got.code)
	}
}

// TestS34OnlyClientsCertificatesAreServed: who has none, or one that nobody has
// named, is not heard (RFC 6614, section 2.3). The last of the rows is a
// certificate of another authority with a good name (CVE-2012-4523).
func TestS34OnlyClientsCertificatesAreServed(t *testing.T) {
	t.Parallel()
	ca, other := newAuthority(t), newAuthority(t)
	pinned := ca.device(t)
	cfg := ca.config()
	cfg.Clients = append(cfg.Clients, overTLS("pinned", certificateText(leafOf(t, pinned))[:len(fingerprintPrefix)+64]), overTLS("far", "far.example.org"), overTLS("twin", "twin.example.org"))
	cfg.Clients[2].Networks = []string{"192.0.2.0/24"}
	s := run(t, cfg, script(t), Options{})
	ended := ca.Issue(t, certs.CertRequest{Hosts: []string{"nas.example.org"}, NotAfter: time.Now().Add(-time.Hour)})
	for what, row := range map[string]struct {
		own  []certs.Cert
		want string // in the log
	}{
		"no certificate":                {nil, "didn't provide a certificate"},
		"an ended certificate":          {[]certs.Cert{ended}, "expired"},
		"another name":                  {[]certs.Cert{ca.device(t, "nas2.example.org")}, "no [[client]] names this certificate"},
		"a wildcard":                    {[]certs.Cert{ca.device(t, "*.example.org")}, "no [[client]] names this certificate"},
		"the name of another's":         {[]certs.Cert{ca.device(t)}, "no [[client]] names this certificate"},
		"the names of two":              {[]certs.Cert{ca.device(t, "nas.example.org", "twin.example.org")}, "more than one [[client]]"},
		"another network":               {[]certs.Cert{ca.device(t, "far.example.org")}, "may not come from this address"},
		"the name by another's CA":      {[]certs.Cert{other.device(t, "nas.example.org")}, "certificate signed by unknown authority"},
		"the common name of a client's": {[]certs.Cert{ca.Issue(t, certs.CertRequest{Name: "nas.example.org", Hosts: []string{}})}, "no [[client]] names this certificate"},
	} {
		conn := tls.Client(s.dial(t, "127.0.0.1"), ca.trusting(t, row.own...))
		err := conn.Handshake()
		if err == nil { // in TLS 1.3 the client is told after its handshake
			_, err = conn.Read(make([]byte, 1))
		}
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: got %v, want an alert", what, err)
		}
		conn.Close()
		s.alone()
		if log := s.logs.String(); !strings.Contains(log, row.want) {
			t.Errorf("%s: the log lacks %q: %s", what, row.want, log)
		}
		for i := range s.journal.limiters { // a line for each row
			s.journal.limiters[i].last.Store(0)
		}
	}
	for _, words := range []string{"GET / HTTP/1.1\r\n\r\n", string((&device{secret: radsecSecret}).login("alice", "accept"))} {
		conn := s.dial(t, "127.0.0.1")
		conn.Write([]byte(words))
		if _, err := io.ReadAll(conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection without TLS is left open")
		}
		s.alone()
	}
	st := s.Stats()
	if st.Notes["tls_handshake_failed"] != 5 || st.Notes["unknown_certificate"] != 6 || st.Received != 0 {
		t.Errorf("noted %v, received %d", st.Notes, st.Received)
	}
	for _, own := range []certs.Cert{pinned, ca.device(t, "NAS.example.org", "other.example.org")} {
		d := s.overTLS(t, "127.0.0.1", ca.trusting(t, own))
		if got := d.ask(d.login("alice", "accept")); got.code != accept {
			t.Errorf("code %d", got.code)
		}
	}
}

// TestTwoClientsAtOneAddress: whose a connection is says its certificate (RFC
// 6614, section 2.4), and a client that comes over UDP too is the same one.
func TestTwoClientsAtOneAddress(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := ca.config()
	both := testClient("both", "127.0.0.0/8")
	both.Certificates = []string{"both.example.org"}
	cfg.Listen, cfg.Clients = []string{"127.0.0.1:0"}, append(cfg.Clients, both)
	seen, in := make(chan string, 1), letIn(t)
	s := run(t, cfg, flowFunc(func(_ context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
		seen <- a.Via.Client
		return in, nil
	}), Options{})
	for name, want := range map[string]string{"nas.example.org": "nas", "both.example.org": "both", "": "both"} {
		d := s.device(t, "127.0.0.1")
		if name != "" {
			d = s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, name)))
		}
		d.ask(d.login("alice", "x"))
		if got := <-seen; got != want {
			t.Errorf("%q is the client %q, want %q", name, got, want)
		}
	}
	if st := s.Stats().Clients["both"]; !st.OverTLS || st.OnlyTLS || st.Connections != 1 {
		t.Errorf("%+v", st)
	}
}

// TestASignatureMayBeDemandedOverTLS, and a request without costs no connection.
func TestASignatureMayBeDemandedOverTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := ca.config()
	cfg.Clients[0].RequireMessageAuthenticator, cfg.Clients[0].SendMessageAuthenticator = yes, false
	s := run(t, cfg, script(t), Options{})
	d := s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, "nas.example.org")))
	d.silent(d.unsignedLogin("alice", "accept"), dropUnsigned)
	if got := d.ask(d.login("alice", "accept")); got.code != accept { // signed all the same
		t.Errorf("code %d", got.code)
	}
}

// TestWhatIsSeenOverTLSIsNotLearned: it proves nothing of the same client over
// UDP, where somebody may sit between (CVE-2024-3596).
func TestWhatIsSeenOverTLSIsNotLearned(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cfg := ca.config()
	cfg.Clients[0].Networks, cfg.Clients[0].Secret = []string{"127.0.0.0/8"}, secret.New(testSecret)
	cfg.Listen = []string{"127.0.0.1:0"}
	s := run(t, cfg, script(t), Options{})
	over := s.overTLS(t, "127.0.0.1", ca.trusting(t, ca.device(t, "nas.example.org")))
	for _, p := range [][]byte{over.unsignedLogin("alice", "accept"), over.login("alice", "accept"), over.unsignedLogin("alice", "accept", attr(attrProxyState, "x"))} {
		if got := over.ask(p); got.code != accept {
			t.Fatalf("code %d", got.code)
		}
	}
	if c := s.Stats().Clients["nas"]; c.RequireMessageAuthenticator != auto || c.LimitProxyState != auto {
		t.Errorf("learned %q and %q over TLS, want nothing", c.RequireMessageAuthenticator, c.LimitProxyState)
	}
	d := s.device(t, "127.0.0.1")
	d.ask(d.login("alice", "accept"))
	d.silent(d.unsignedLogin("alice", "accept"), dropUnsigned)
	if got := over.ask(over.unsignedLogin("alice", "accept")); got.code != accept {
		t.Errorf("what was learned over UDP holds over TLS: code %d", got.code)
	}
}
