package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"

	"github.com/portvakt/portvakt/internal/web"
)

// served serves, and returns what asks it.
func served(t *testing.T, unready func() []string) (s *web.Server, ask func(method, path string) (int, string)) {
	t.Helper()
	s, err := Listen(t.Context(), netip.MustParseAddrPort("127.0.0.1:0"), New(example), unready, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return s, func(method, path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, fmt.Sprintf("http://%v%s", s.Addr(), path), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
}

// Nothing can be changed through it, and nothing else is to be seen (S-45).
func TestS45OnlyWhatIsMeantToBeSeen(t *testing.T) {
	t.Parallel()
	_, ask := served(t, func() []string { return nil })
	for request, want := range map[[2]string]int{
		{"GET", "/metrics"}: 200, {"HEAD", "/metrics"}: 200, {"GET", "/healthz"}: 200, {"GET", "/readyz"}: 200,
		{"POST", "/metrics"}: 405, {"PUT", "/healthz"}: 405, {"DELETE", "/readyz"}: 405,
		{"GET", "/"}: 404, {"GET", "/debug/pprof/"}: 404, {"GET", "/metrics/x"}: 404,
	} {
		if code, _ := ask(request[0], request[1]); code != want {
			t.Errorf("%s: %d, want %d", request, code, want)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var wrong atomic.Pointer[[]string]
	wrong.Store(&[]string{})
	_, ask := served(t, func() []string { return *wrong.Load() })
	for _, row := range []struct {
		wrong []string
		code  int
		body  string
	}{
		{nil, 200, "ok\n"},
		{[]string{"the directory does not answer", "the store cannot write"}, 503, "the directory does not answer\nthe store cannot write\n"},
		{nil, 200, "ok\n"},
	} {
		wrong.Store(&row.wrong)
		if code, body := ask("GET", "/readyz"); code != row.code || body != row.body {
			t.Errorf("/readyz: %d %q, want %d %q", code, body, row.code, row.body)
		}
		// A service manager must not start it again because a directory is away.
		if code, body := ask("GET", "/healthz"); code != 200 || body != "ok\n" {
			t.Errorf("/healthz: %d %q", code, body)
		}
	}
}

// Whoever opens connections and says nothing takes none of the others for longer
// than a request may last (S-45).
func TestS45SilentConnectionsEnd(t *testing.T) {
	t.Parallel()
	s, ask := served(t, func() []string { return nil })
	for range maxConns {
		c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if code, _ := ask("GET", "/healthz"); code != 200 {
		t.Errorf("%d", code)
	}
}

func TestAnAddressThatIsTaken(t *testing.T) {
	t.Parallel()
	s, _ := served(t, func() []string { return nil })
	if _, err := Listen(t.Context(), s.Addr(), New(example), nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("two listen on one address")
	}
}
