package once

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

func TestWhetherARequestMayHaveLeft(t *testing.T) {
	hangUp := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close()
	}
	for _, row := range []struct {
		what    string
		handler http.HandlerFunc
		secure  bool // by a certificate nobody knows
		closed  bool // before it is asked
		status  int
		unsent  bool
		err     string
	}{
		{what: "a reply", handler: func(http.ResponseWriter, *http.Request) {}, status: 200},
		{what: "a redirect", handler: http.RedirectHandler("/", http.StatusTemporaryRedirect).ServeHTTP, status: 307},
		{what: "hung up on", handler: hangUp, err: "the connection broke before the reply"},
		{what: "nobody there", closed: true, unsent: true, err: "no connection: "},
		{what: "a stranger's certificate", secure: true, unsent: true, err: "no connection: tls: "},
	} {
		t.Run(row.what, func(t *testing.T) {
			var asked atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				row.handler(w, r)
			}))
			server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshake
			if row.secure {
				server.StartTLS()
			} else {
				server.Start()
			}
			defer server.Close()
			if row.closed {
				server.Close()
			}
			transport := Transport(&tls.Config{MinVersion: tls.VersionTLS12}, 1<<10)
			for range 2 { // the second finds no connection that was kept
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
				if err != nil {
					t.Fatal(err)
				}
				reply, unsent, err := Send(transport, r)
				if unsent != row.unsent || (err == nil) != (row.err == "") || err != nil && !strings.HasPrefix(err.Error(), row.err) {
					t.Errorf("unsent %v, error %v; want %v, %q", unsent, err, row.unsent, row.err)
				}
				if err == nil {
					_ = reply.Body.Close()
					if reply.StatusCode != row.status {
						t.Errorf("status %d, want %d", reply.StatusCode, row.status)
					}
				}
			}
			want := int32(2)
			if row.unsent {
				want = 0
			}
			if got := asked.Load(); got != want {
				t.Errorf("it was asked %d times, want %d", got, want)
			}
		})
	}
}

// TestNoConnectionIsKept: a GET that breaks on a kept connection is sent again by
// the client of HTTP, and so would a message be.
func TestNoConnectionIsKept(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.Close()
	}))
	defer server.Close()
	transport := Transport(nil, 1<<10)
	defer transport.CloseIdleConnections()
	for _, want := range []string{"", "the connection broke before the reply"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, unsent, err := Send(transport, r)
		if unsent || (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Fatalf("unsent %v, error %v; want %q", unsent, err, want)
		}
		if err == nil {
			_, _ = io.Copy(io.Discard, reply.Body)
			_ = reply.Body.Close()
		}
	}
	if got := asked.Load(); got != 2 {
		t.Errorf("it was asked %d times, want 2", got)
	}
}

func TestARequestThatIsGivenUpMayHaveLeft(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		cancel()
		<-released
	}))
	defer server.Close()
	defer close(released)
	transport := Transport(nil, 1<<10)
	ask := func() (bool, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, unsent, err := Send(transport, r)
		if err == nil {
			_ = reply.Body.Close()
		}
		return unsent, err
	}
	if unsent, err := ask(); unsent || err == nil || err.Error() != "no reply in time" {
		t.Errorf("given up while it is answered: unsent %v, %v", unsent, err)
	}
	if unsent, err := ask(); !unsent || err == nil || err.Error() != "no connection in time" {
		t.Errorf("given up before: unsent %v, %v", unsent, err)
	}
}
