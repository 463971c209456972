package cloud

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/netutil"
)

// A front is the listener at callback_listen. After a reload it stands before
// two providers: the one before has calls in progress, and both were given out
// with the same address. The last one to leave closes it.
type front struct {
	address     net.Addr
	certificate atomic.Pointer[tls.Certificate] // nil without TLS
	server      *http.Server
	serving     sync.WaitGroup

	mu     sync.Mutex
	behind []*Twilio // the newest first; empty when it is closed
}

// newFront binds and serves for t.
func newFront(ctx context.Context, t *Twilio, pair *tls.Certificate) (*front, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", t.cfg.CallbackListen.String())
	if err != nil {
		return nil, fmt.Errorf("callback_listen: %w", err)
	}
	f := &front{address: l.Addr(), behind: []*Twilio{t}}
	l = netutil.LimitListener(l, maxConnections)
	if pair != nil {
		f.certificate.Store(pair)
		l = tls.NewListener(l, &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.certificate.Load(), nil },
		})
	}
	f.server = &http.Server{
		Handler:           f,
		ReadHeaderTimeout: readWithin,
		ReadTimeout:       readWithin,
		WriteTimeout:      writeWithin,
		IdleTimeout:       idleWithin,
		MaxHeaderBytes:    maxHeader,
		// All that strangers ask is answered by the handler.
		DisableGeneralOptionsHandler: true,
		// What strangers send is no news.
		ErrorLog: slog.NewLogLogger(t.log.Handler(), slog.LevelDebug),
	}
	f.serving.Go(func() { _ = f.server.Serve(l) })
	return f, nil
}

// join puts t in front of those there are, with its certificate. It is false
// when the front is closed, or another one than t wants.
func (f *front) join(t *Twilio, pair *tls.Certificate) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.behind) == 0 || f.behind[0].cfg.CallbackListen != t.cfg.CallbackListen || (pair == nil) != (f.certificate.Load() == nil) {
		return false
	}
	f.behind = slices.Insert(f.behind, 0, t)
	if pair != nil {
		f.certificate.Store(pair)
	}
	return true
}

// leave takes t away, and closes the listener when nobody is left.
func (f *front) leave(t *Twilio) error {
	f.mu.Lock()
	f.behind = slices.DeleteFunc(f.behind, func(b *Twilio) bool { return b == t })
	left := len(f.behind)
	f.mu.Unlock()
	if left > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeWithin)
	defer cancel()
	err := f.server.Shutdown(ctx)
	if err != nil {
		err = f.server.Close()
	}
	f.serving.Wait()
	return err
}

// ServeHTTP hands a request to the provider whose call it names.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	behind := slices.Clone(f.behind)
	f.mu.Unlock()
	for _, t := range behind {
		if id, _, ok := t.path(r); ok && t.find(id) != nil {
			t.ServeHTTP(w, r)
			return
		}
	}
	notFound(w, r)
}

// notFound answers what no call has asked for, and ends the connection: a
// stranger could keep it for ever by asking now and then.
func notFound(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close")
	http.NotFound(w, r)
}

// path is the path of a call that a request names, and what is below it.
func (t *Twilio) path(r *http.Request) (id, rest string, ok bool) {
	// A proxy may take off the folder that callback_url ends in, or not.
	path := strings.TrimPrefix(r.URL.Path, t.base.Path)
	return strings.Cut(strings.TrimPrefix(path, "/"), "/")
}
