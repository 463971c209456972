package gateway

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/internal/web"
)

const (
	callbackWithin = 10 * time.Second // for a whole callback
	maxCallbacks   = 64               // connections at the same time
)

// A Receiver listens for the callbacks of gateways. A reload makes another
// Chain, and tells the Receiver of it by Use.
type Receiver struct {
	*web.Server
	chain atomic.Pointer[Chain]
}

// NewReceiver listens on an address; with the port 0 on one of the kernel's
// choice.
func NewReceiver(ctx context.Context, addr netip.AddrPort, log *slog.Logger) (*Receiver, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("receipts_listen: %w", err)
	}
	return newReceiver(l, log), nil
}

// newReceiver receives what comes to l. Strangers can take the connections of
// other strangers only, and each for no longer than a callback.
func newReceiver(l net.Listener, log *slog.Logger) *Receiver {
	r := &Receiver{}
	h := &http.Server{
		Handler: r, ReadTimeout: callbackWithin, WriteTimeout: callbackWithin,
		MaxHeaderBytes: maxReply, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	h.SetKeepAlivesEnabled(false) // who asks now and then would keep his connection for ever
	r.Server = web.Start(l, maxCallbacks, h)
	return r
}

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
