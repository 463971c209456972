package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/web"
)

// Bounds of those who ask (attack S-45: exhausting the server through its side door).
const (
	requestWithin = 5 * time.Second
	idleFor       = 2 * time.Minute // above the interval of those who scrape
	maxConns      = 16
	maxHeader     = 8 << 10 // octets
)

// Listen answers GET /metrics, /healthz and /readyz on an address, and nothing else; with the port 0 on one of the kernel's choice.
// unready tells why no sign-in can be decided now, nothing when all is well.
func Listen(ctx context.Context, addr netip.AddrPort, m *Metrics, unready func() []string, log *slog.Logger) (*web.Server, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { tell(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { tell(w, unready()) })
	return web.Start(l, maxConns, &http.Server{
		Handler: mux, ReadTimeout: requestWithin, WriteTimeout: scrapeWithin + requestWithin, IdleTimeout: idleFor,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}), nil
}

// tell answers a question about health.
func tell(w http.ResponseWriter, wrong []string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if len(wrong) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprintln(w, strings.Join(wrong, "\n"))
		return
	}
	_, _ = fmt.Fprintln(w, "ok")
}
