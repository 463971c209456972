package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/portvakt/portvakt/store"
)

// ErrNoDaemon is wrapped by the error of [Dial] when nobody answers: then a
// command may open the database itself.
var ErrNoDaemon = errors.New("socket: no daemon answers")

// maxClient bounds the connections of one client. It is below maxConns, so
// that several commands can work at a time.
const maxClient = 16

// maxStatus bounds what a daemon may say of itself: some 20,000 clients (octets).
const maxStatus = 64 << 20

// A KV is the daemon's KV, over its socket. Use [Dial].
type KV struct {
	path  string
	slots chan struct{}

	mu     sync.Mutex
	idle   []*conn
	closed bool
}

var (
	_ store.KV = (*KV)(nil)
	_ Backuper = (*KV)(nil)
)

type conn struct {
	net.Conn
	r *bufio.Reader
}

// Dial connects to the daemon's socket.
func Dial(ctx context.Context, path string) (*KV, error) {
	kv := &KV{path: path, slots: make(chan struct{}, maxClient)}
	c, err := kv.dial(ctx)
	if err != nil {
		return nil, err
	}
	kv.idle = append(kv.idle, c)
	return kv, nil
}

func (kv *KV) dial(ctx context.Context) (*conn, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", kv.path)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ECONNREFUSED):
		return nil, fmt.Errorf("%s: %w", kv.path, ErrNoDaemon)
	case err != nil:
		return nil, fmt.Errorf("admin socket: %w; only root and the daemon's user may use it", err)
	}
	return &conn{c, bufio.NewReader(c)}, nil
}

// do sends a request and gives each answer to fn; the last one, too, unless it
// is an error. A connection is kept only after a whole exchange.
func (kv *KV) do(ctx context.Context, req message, fn func(message) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if req.kind != opScan && req.kind != opBackup {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTime)
		defer cancel()
	}
	c, err := kv.take(ctx)
	if err != nil {
		return err
	}
	defer func() { <-kv.slots }()
	// A deadline in the past ends what is under way when the context ends.
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	last, err := exchange(c, req, fn)
	if !stop() && ctx.Err() != nil && err != nil {
		err = ctx.Err()
		last = false
	}
	kv.give(c, last && ctx.Err() == nil)
	return err
}

// exchange reports, besides the error, whether the last answer was read.
func exchange(c *conn, req message, fn func(message) error) (last bool, err error) {
	if _, err := c.Write(appendFrame(nil, req)); err != nil {
		// A daemon that refuses says why before it hangs up.
		if m, rerr := readMessage(c.r); rerr == nil && errorOf(m) != nil {
			return false, errorOf(m)
		}
		return false, fmt.Errorf("admin socket: %w", err)
	}
	for {
		m, err := readMessage(c.r)
		if err != nil {
			return false, fmt.Errorf("admin socket: daemon hung up: %w", err)
		}
		if err := errorOf(m); err != nil {
			return true, err
		}
		last := m.kind == ansDone || m.kind == ansValue && req.kind == opGet
		if err := fn(m); err != nil {
			return last, err
		}
		if last {
			return true, nil
		}
	}
}

func (kv *KV) take(ctx context.Context) (*conn, error) {
	select {
	case kv.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	kv.mu.Lock()
	if kv.closed {
		kv.mu.Unlock()
		<-kv.slots
		return nil, store.ErrClosed
	}
	if n := len(kv.idle); n > 0 {
		c := kv.idle[n-1]
		kv.idle = kv.idle[:n-1]
		kv.mu.Unlock()
		return c, nil
	}
	kv.mu.Unlock()
	c, err := kv.dial(ctx)
	if err != nil {
		<-kv.slots
	}
	return c, err
}

func (kv *KV) give(c *conn, good bool) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if !good || kv.closed {
		_ = c.Close()
		return
	}
	kv.idle = append(kv.idle, c)
}

// Get returns the value of key, or [login.ErrNotFound].
func (kv *KV) Get(ctx context.Context, key string) (v store.Value, err error) {
	if err := store.ValidKey(key); err != nil {
		return store.Value{}, err
	}
	err = kv.do(ctx, message{kind: opGet, key: key}, func(m message) error {
		v = store.Value{Data: m.data, Rev: m.rev}
		return nil
	})
	return v, err
}

// Swap replaces the value that has revision rev. After an error of the
// connection it is not known whether it has.
func (kv *KV) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if err := store.ValidSwap(key, data); err != nil {
		return err
	}
	req := message{kind: opSwap, key: key, rev: rev, data: data}
	if data == nil {
		req.kind = opDelete
	}
	return kv.do(ctx, req, func(message) error { return nil })
}

// Scan calls fn for each key with the prefix in order. fn may take minutes,
// not hours: the daemon waits for it.
func (kv *KV) Scan(ctx context.Context, prefix string, fn func(key string, v store.Value) error) error {
	if len(prefix) > store.MaxKey {
		return fmt.Errorf("prefix of %d octets: %w", len(prefix), store.ErrLimit)
	}
	return kv.do(ctx, message{kind: opScan, key: prefix}, func(m message) error {
		if m.kind == ansDone {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return fn(m.key, store.Value{Data: m.data, Rev: m.rev})
	})
}

// Backup writes a consistent copy of the daemon's database. What was written
// before an error is of no use.
func (kv *KV) Backup(ctx context.Context, w io.Writer) error {
	return kv.do(ctx, message{kind: opBackup}, func(m message) error {
		if m.kind == ansDone {
			return nil
		}
		_, err := w.Write(m.data)
		return err
	})
}

// Status returns what the daemon says of itself.
func (kv *KV) Status(ctx context.Context) ([]byte, error) {
	var b []byte
	err := kv.do(ctx, message{kind: opStatus}, func(m message) error {
		if b = append(b, m.data...); len(b) > maxStatus {
			return errors.New("admin socket: the daemon's status is too long")
		}
		return nil
	})
	return b, err
}

// Close hangs up.
func (kv *KV) Close() error {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	kv.closed = true
	for _, c := range kv.idle {
		_ = c.Close()
	}
	kv.idle = nil
	return nil
}
