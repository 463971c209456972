package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// Options are what [Serve] may be told.
type Options struct {
	// Log gets refused peers. Nil logs nothing.
	Log *slog.Logger
	// Backup copies the database. Nil: the KV itself, when it is a
	// [Backuper]; a sealed KV is none.
	Backup Backuper
	// Status describes the daemon, in a form of its own, for [KV.Status]. It
	// must not block. Nil: there is none.
	Status func() ([]byte, error)
}

// A Backuper writes a consistent copy of its database.
type Backuper interface {
	Backup(ctx context.Context, w io.Writer) error
}

const (
	maxConns = 64
	// requestTime bounds a request that is neither a scan nor a backup.
	requestTime = 30 * time.Second
	// stallTime bounds those: "portvakt list | less" is read by a person.
	stallTime = 10 * time.Minute
)

// Serve answers requests with kv until ctx ends, then closes l and all
// connections and waits for them. It returns nil when ctx has ended.
func Serve(ctx context.Context, l net.Listener, kv store.KV, o Options) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Backup == nil {
		o.Backup, _ = kv.(Backuper)
	}
	return (&server{kv: kv, o: o, slots: make(chan struct{}, maxConns)}).run(ctx, l)
}

// run is Serve.
func (s *server) run(ctx context.Context, l net.Listener) error {
	defer s.conns.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { _ = l.Close() }() // the one below may not have ended
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = c.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return fmt.Errorf("admin socket: %w", err)
		case err != nil:
			// No descriptors, most likely; commands can wait.
			s.o.Log.LogAttrs(ctx, slog.LevelWarn, "admin socket cannot accept", slog.Any(login.KeyErr, err))
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		select {
		case s.slots <- struct{}{}:
			s.conns.Go(func() {
				defer func() { <-s.slots }()
				s.serve(ctx, c)
			})
		default:
			refuse(c, "too many connections to the admin socket; try again")
		}
	}
}

type server struct {
	kv    store.KV
	desk  Desk // instead of kv
	o     Options
	slots chan struct{}
	conns sync.WaitGroup
}

func refuse(c net.Conn, why string) {
	_ = c.SetDeadline(time.Now().Add(time.Second))
	_, _ = c.Write(appendFrame(nil, answerOf(errors.New(why))))
	_ = c.Close()
}

func (s *server) serve(ctx context.Context, c net.Conn) {
	uid, err := peer(c)
	// Whom the kernel let connect to the desk's socket is one of its group.
	if err != nil || s.desk == nil && !allowed(uid) {
		s.o.Log.LogAttrs(ctx, slog.LevelWarn, "admin socket refused a user who is neither root nor its own",
			slog.Int64(login.KeyUser, int64(uid)), slog.Any(login.KeyErr, err))
		refuse(c, "only root and the daemon's user may use the admin socket")
		return
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	r, w := bufio.NewReader(c), bufio.NewWriter(c)
	for {
		// A command may think as long as it likes between requests, not
		// within one.
		_ = c.SetDeadline(time.Time{})
		if _, err := r.Peek(1); err != nil {
			return
		}
		_ = c.SetDeadline(time.Now().Add(requestTime))
		m, err := readMessage(r)
		if err != nil {
			return
		}
		if s.answer(ctx, c, w, m, uid) != nil || w.Flush() != nil {
			return
		}
	}
}

// answer writes all answers to a request. An error means that the connection
// is of no use any more.
func (s *server) answer(ctx context.Context, c net.Conn, w *bufio.Writer, m message, uid uint32) error {
	ctx, cancel := context.WithTimeout(ctx, stallTime)
	defer cancel()
	send := func(m message) error {
		_ = c.SetWriteDeadline(time.Now().Add(stallTime))
		_, err := w.Write(appendFrame(w.AvailableBuffer(), m))
		return err
	}
	if s.desk != nil {
		return send(answerOf(s.atDesk(ctx, m, uid, send)))
	}
	switch m.kind {
	case opScan:
		return send(answerOf(s.kv.Scan(ctx, m.key, func(key string, v store.Value) error {
			return send(message{kind: ansValue, rev: v.Rev, key: key, data: v.Data})
		})))
	case opBackup:
		return send(answerOf(s.backup(ctx, send)))
	case opStatus:
		return send(answerOf(s.status(send)))
	}
	ctx, cancel = context.WithTimeout(ctx, requestTime)
	defer cancel()
	switch m.kind {
	case opGet:
		v, err := s.kv.Get(ctx, m.key)
		if err == nil {
			return send(message{kind: ansValue, rev: v.Rev, data: v.Data})
		}
		return send(answerOf(err))
	case opSwap:
		return send(answerOf(s.kv.Swap(ctx, m.key, m.rev, m.data)))
	case opDelete:
		return send(answerOf(s.kv.Swap(ctx, m.key, m.rev, nil)))
	}
	return send(answerOf(errors.New("the running daemon does not know this request; restart it after an update")))
}

func (s *server) backup(ctx context.Context, send func(message) error) error {
	if s.o.Backup == nil {
		return errors.New("this store cannot be copied")
	}
	return s.o.Backup.Backup(ctx, chunks(send))
}

func (s *server) status(send func(message) error) error {
	if s.o.Status == nil {
		return errors.New("this daemon has no status")
	}
	b, err := s.o.Status()
	if err != nil {
		return err
	}
	_, err = chunks(send).Write(b)
	return err
}

// chunks sends what is written as frames.
type chunks func(message) error

func (c chunks) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		part := b[:min(len(b), maxChunk)]
		if err := c(message{kind: ansChunk, data: part}); err != nil {
			return n, err
		}
		n += len(part)
		b = b[len(part):]
	}
	return n, nil
}
