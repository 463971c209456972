package ldapauth

import (
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
)

// A fake is an LDAP server that does what no real one can be made to do: be
// silent, late, wrong. It notes the operations it gets.
type fake struct {
	URL   string
	conns atomic.Int64

	mu  sync.Mutex
	ops []byte
}

// An answer is what a fake does with one request: the octets it sends, nil
// for silence.
type answer func(op byte, id int32, body reader) []byte

// startFake starts one that ends with the test.
func startFake(t testing.TB, answer answer) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{URL: "ldap://" + l.Addr().String()}
	f.start(t, l, answer)
	return f
}

// startFakeTLS starts one that is spoken to over TLS.
func startFakeTLS(t testing.TB, c peer.Cert, answer answer) *fake {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{URL: "ldaps://" + l.Addr().String()}
	f.start(t, l, answer)
	return f
}

func (f *fake) start(t testing.TB, l net.Listener, answer answer) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			f.conns.Add(1)
			mu.Lock()
			open = append(open, nc)
			mu.Unlock()
			wg.Go(func() { f.serve(nc, answer) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, nc := range open {
			_ = nc.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
}

func (f *fake) serve(nc net.Conn, answer answer) {
	defer nc.Close()
	c := newConn(nc)
	for {
		m, err := c.read()
		if err != nil {
			return
		}
		id, op, body, _, err := m.message()
		if err != nil || op == opUnbindRequest {
			return
		}
		f.mu.Lock()
		f.ops = append(f.ops, op)
		f.mu.Unlock()
		if b := answer(op, id, slices.Clone(body)); b != nil {
			if _, err := nc.Write(b); err != nil {
				return
			}
		}
	}
}

// took returns the operations since the last call.
func (f *fake) took() []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	ops := f.ops
	f.ops = nil
	return ops
}

// fakeConfig is a configuration for fakes.
func fakeConfig(fakes ...*fake) Config {
	c := DefaultConfig()
	for _, f := range fakes {
		c.Servers = append(c.Servers, f.URL)
	}
	c.Insecure = true
	c.Base = "dc=example,dc=test"
	c.BindDN, c.BindPassword = "cn=svc,dc=example,dc=test", secret.New("svcpass")
	return c
}

// reply writes a response with an LDAPResult.
func reply(id int32, op byte, code int32, diagnostic string) []byte {
	var w writer
	m := w.begin(tagSequence)
	w.integer(tagInteger, id)
	o := w.begin(op)
	w.integer(tagEnumerated, code)
	w.text(tagOctets, "")
	w.text(tagOctets, diagnostic)
	w.end(o)
	w.end(m)
	return w.b
}

// entryOf writes a SearchResultEntry.
func entryOf(id int32, dn string, attrs ...string) []byte {
	var w writer
	m := w.begin(tagSequence)
	w.integer(tagInteger, id)
	o := w.begin(opSearchEntry)
	w.text(tagOctets, dn)
	all := w.begin(tagSequence)
	for i := 0; i < len(attrs); i += 2 {
		one := w.begin(tagSequence)
		w.text(tagOctets, attrs[i])
		set := w.begin(tagSet)
		w.text(tagOctets, attrs[i+1])
		w.end(set)
		w.end(one)
	}
	w.end(all)
	w.end(o)
	w.end(m)
	return w.b
}

// reference writes a SearchResultReference.
func reference(id int32, url string) []byte {
	var w writer
	m := w.begin(tagSequence)
	w.integer(tagInteger, id)
	o := w.begin(opSearchReference)
	w.text(tagOctets, url)
	w.end(o)
	w.end(m)
	return w.b
}

const fakeAlice = "uid=alice,dc=example,dc=test"

// sane answers as a directory with alice in it, whose password is "secret".
func sane(op byte, id int32, body reader) []byte {
	switch op {
	case opBindRequest:
		dn, password := bindOf(body)
		if dn == fakeAlice && password == "secret" || dn == "cn=svc,dc=example,dc=test" {
			return reply(id, opBindResponse, 0, "")
		}
		return reply(id, opBindResponse, 49, "")
	case opSearchRequest:
		done := reply(id, opSearchDone, 0, "")
		base, _ := body.want(tagOctets)
		scope, _ := body.want(tagEnumerated)
		if scope[0] == scopeBase {
			return append(entryOf(id, string(base)), done...)
		}
		if contains(body, "alice") {
			return append(entryOf(id, fakeAlice, "entryUUID", "id-of-alice", "uid", "alice"), done...)
		}
		return done
	}
	return nil
}

// bindOf is the name and the password of a BindRequest.
func bindOf(body reader) (dn, password string) {
	_, _ = body.want(tagInteger)
	d, _ := body.want(tagOctets)
	p, _ := body.want(tagSimple)
	return string(d), string(p)
}

func contains(body reader, text string) bool {
	for i := range body {
		if len(body)-i >= len(text) && string(body[i:i+len(text)]) == text {
			return true
		}
	}
	return false
}

// isService reports whether a request is the service account's bind.
func isService(op byte, body reader) bool {
	if op != opBindRequest {
		return false
	}
	dn, _ := bindOf(body)
	return dn == "cn=svc,dc=example,dc=test"
}

// silent takes connections and never says anything.
func silent(byte, int32, reader) []byte { return nil }
