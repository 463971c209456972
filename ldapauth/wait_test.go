package ldapauth

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// dribble hands on what is written a few octets at a time, slower than an
// exchange waits eagerly.
type dribble struct{ net.Conn }

func (d dribble) Write(b []byte) (int, error) {
	for part := range slices.Chunk(b, 1+len(b)/3) {
		<-time.After(2 * eager)
		if _, err := d.Conn.Write(part); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// An exchange that takes longer than it waits eagerly goes on, in pieces, on
// connections of every kind.
func TestSlowAnswersAreWaitedFor(t *testing.T) {
	t.Parallel()
	cert := httptest.NewTLSServer(nil)
	cert.Close()
	tcp := func(t *testing.T) (ours, theirs net.Conn) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
		if theirs, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		return ours, theirs
	}
	for name, conns := range map[string]func(t *testing.T) (ours, theirs net.Conn){
		"a pipe": func(*testing.T) (ours, theirs net.Conn) {
			ours, theirs = net.Pipe()
			return ours, dribble{theirs}
		},
		"TCP": func(t *testing.T) (ours, theirs net.Conn) { ours, theirs = tcp(t); return ours, dribble{theirs} },
		"TLS": func(t *testing.T) (ours, theirs net.Conn) {
			ours, theirs = tcp(t)
			server := tls.Server(dribble{theirs}, cert.TLS)
			go func() { _ = server.Handshake() }()
			client := tls.Client(ours, &tls.Config{InsecureSkipVerify: true})
			if err := client.Handshake(); err != nil {
				t.Fatal(err)
			}
			return client, server
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, theirs := conns(t)
			done := make(chan struct{})
			go func() {
				defer close(done)
				(&fake{}).serve(theirs, sane)
			}()
			c := newConn(ours)
			for password, want := range map[string]int32{"secret": 0, "wrong": 49} {
				res, err := c.bind(t.Context(), time.Now().Add(time.Minute), fakeAlice, password)
				if err != nil || res.code != want {
					t.Errorf("%s: got %d %v, want %d", password, res.code, err, want)
				}
			}
			if !c.reusable() {
				t.Error("the connection is not to be used again")
			}
			ctx, cancel := context.WithTimeout(t.Context(), eager/2)
			defer cancel()
			_, err := c.bind(ctx, time.Now().Add(time.Minute), fakeAlice, "secret")
			if err == nil || c.reusable() {
				t.Errorf("given up: got %v, usable: %v", err, c.reusable())
			}
			c.close()
			<-done
		})
	}
}

// An answer that comes while its login is given up leaves a deadline of the past
// on the connection, which is not the next one's.
func TestAConnectionInterruptedAtItsEndIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe()
	t.Cleanup(func() { _ = theirs.Close() })
	c := newConn(ours)
	ctx, cancel := context.WithCancel(t.Context())
	err := c.guard(ctx, time.Now().Add(time.Minute), func() error {
		if err := c.wait.watch(); err != nil {
			return err
		}
		cancel()
		return nil // the answer was there
	})
	if err != nil || c.reusable() {
		t.Errorf("got %v, usable: %v; want the answer, and no second question", err, c.reusable())
	}
	c.close()
}

// A request that the kernel does not take at once is sent all the same.
func TestLargeRequests(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(op byte, id int32, body reader) []byte {
		_, password := bindOf(body)
		if op == opBindRequest && password == strings.Repeat("x", maxMessage/2) {
			return bytes.Clone(reply(id, opBindResponse, 0, ""))
		}
		return reply(id, opBindResponse, 49, "")
	})
	nc, err := net.Dial("tcp", strings.TrimPrefix(f.URL, "ldap://"))
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.(*net.TCPConn).SetWriteBuffer(4 << 10)
	c := newConn(nc)
	defer c.close()
	for range 3 {
		res, err := c.bind(t.Context(), time.Now().Add(time.Minute), fakeAlice, strings.Repeat("x", maxMessage/2))
		if err != nil || res.code != 0 {
			t.Fatalf("got %d %v", res.code, err)
		}
	}
}
