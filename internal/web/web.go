package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"golang.org/x/net/netutil"
)

// A Server serves from [Start] until Close.
type Server struct {
	http *http.Server
	addr netip.AddrPort
	wg   sync.WaitGroup
}

// Start serves what comes to l, most connections at a time.
func Start(l net.Listener, most int, h *http.Server) *Server {
	s := &Server{http: h}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		s.addr = tcp.AddrPort()
	}
	s.wg.Go(func() { _ = h.Serve(netutil.LimitListener(l, most)) })
	return s
}

// Addr is where the Server listens.
func (s *Server) Addr() netip.AddrPort { return s.addr }

// Close ends the listener, and answers that are not done when ctx is.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	s.wg.Wait()
	return err
}
