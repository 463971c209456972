package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

const (
	callbackWithin = 10 * time.Second // for a whole callback
	maxCallbacks   = 64               // connections at the same time
)

// A Receiver listens for the callbacks of gateways. A reload makes another
// Chain, and tells the Receiver of it by Use.
type Receiver struct {
	server *http.Server
	addr   netip.AddrPort
	chain  atomic.Pointer[Chain]
	wg     sync.WaitGroup
}

// NewReceiver listens on an address; with the port 0 on one of the kernel's
// choice.
func NewReceiver(ctx context.Context, addr netip.AddrPort, log *slog.Logger) (*Receiver, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("receipts_listen: %w", err)
	}
	r := &Receiver{}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok {
		r.addr = tcp.AddrPort()
	}
	r.server = &http.Server{
		Handler: r, ReadTimeout: callbackWithin, WriteTimeout: callbackWithin, IdleTimeout: callbackWithin,
		MaxHeaderBytes: maxReply, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	r.wg.Go(func() { _ = r.server.Serve(&limited{Listener: l, free: make(chan struct{}, maxCallbacks)}) })
	return r, nil
}

// Addr is where the Receiver listens.
func (r *Receiver) Addr() netip.AddrPort { return r.addr }

// Use has callbacks go to a Chain from now on; nil to none.
func (r *Receiver) Use(c *Chain) { r.chain.Store(c) }

// ServeHTTP handles one callback.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if c := r.chain.Load(); c != nil {
		c.Receipts().ServeHTTP(w, req)
		return
	}
	http.NotFound(w, req)
}

// Close ends the listener, and callbacks that are not done when ctx is.
func (r *Receiver) Close(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, r.server.Close())
	}
	r.wg.Wait()
	return err
}

// A limited listener has so many connections open and no more: strangers can
// take those of other strangers only.
type limited struct {
	net.Listener
	free chan struct{}
}

func (l *limited) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: conn, leave: sync.OnceFunc(func() { <-l.free })}, nil
}

type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
