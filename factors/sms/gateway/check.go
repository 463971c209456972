package gateway

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"sync"
	"time"
)

// A Status tells whether a provider could be reached, without sending.
type Status struct {
	Name   string
	Kind   string
	Target string // host and port, or the program
	// Err says why it could not be reached.
	Err error
	// Expires is when the gateway's certificate does; zero without TLS.
	Expires time.Time
}

// Check tries to reach every provider at once: a connection with TLS to the
// gateway's host, or to its proxy; the program of a command.
func (c *Chain) Check(ctx context.Context) []Status {
	all := make([]Status, len(c.links))
	var wg sync.WaitGroup
	for i, l := range c.links {
		wg.Go(func() {
			limited, cancel := context.WithTimeout(ctx, l.timeout)
			defer cancel()
			if p, ok := l.Provider.(interface{ check(context.Context) Status }); ok {
				all[i] = p.check(limited)
			}
			all[i].Name, all[i].Kind = l.Name(), l.kind
		})
	}
	wg.Wait()
	return all
}

func (h *httpProvider) check(ctx context.Context) Status {
	target := h.url
	if h.cfg.Proxy != "" {
		if proxy, err := url.Parse(h.cfg.Proxy); err == nil {
			target = proxy
		}
	}
	s := Status{Target: hostPort(target)}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Target)
	if err != nil {
		s.Err = err
		return s
	}
	defer func() { _ = conn.Close() }()
	if target.Scheme != "https" {
		return s
	}
	cfg := h.tls.Clone()
	cfg.ServerName = target.Hostname()
	secured := tls.Client(conn, cfg)
	if s.Err = secured.HandshakeContext(ctx); s.Err == nil {
		s.Expires = secured.ConnectionState().PeerCertificates[0].NotAfter
	}
	return s
}

func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
