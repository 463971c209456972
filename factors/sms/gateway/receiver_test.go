package gateway

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A pipes listener takes the other ends of pipes, which wait as those of the
// kernel do.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func newPipes() *pipes {
	return &pipes{waiting: make(chan net.Conn, 4*maxCallbacks), closed: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.waiting:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p.waiting <- theirs
	return ours
}

const strangers = "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"

// askOn asks on a connection and reads the answer.
func askOn(c net.Conn, r *bufio.Reader) error {
	if _, err := io.WriteString(c, strangers); err != nil {
		return err
	}
	answer, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return errors.Join(err, answer.Body.Close())
}

// Strangers who fill the listener keep it no longer than callbacks take,
// whatever they do with their connections.
func TestStrangersDoNotKeepTheListener(t *testing.T) {
	t.Parallel()
	for name, hold := range map[string]func(net.Conn){
		"saying nothing":       func(net.Conn) {},
		"beginning a request":  func(c net.Conn) { _, _ = io.WriteString(c, "GET / HTTP/1.1\r\nX: ") },
		"stopping in the body": func(c net.Conn) { _, _ = io.WriteString(c, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n") },
		"reading no answer":    func(c net.Conn) { _, _ = io.WriteString(c, strangers) },
		"asking now and then": func(c net.Conn) {
			for r := bufio.NewReader(c); askOn(c, r) == nil; {
				time.Sleep(callbackWithin / 2)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newPipes()
				r := newReceiver(l, slog.New(slog.DiscardHandler))
				var theirs []net.Conn
				var holding sync.WaitGroup
				for range maxCallbacks {
					c := l.dial()
					theirs = append(theirs, c)
					holding.Go(func() { hold(c) })
				}
				synctest.Wait()
				ours := l.dial()
				began := time.Now()
				_ = ours.SetDeadline(began.Add(10 * callbackWithin))
				err := askOn(ours, bufio.NewReader(ours))
				if took := time.Since(began); err != nil || took > 3*callbackWithin {
					t.Errorf("a callback was answered after %v: %v", took, err)
				}
				for _, c := range append(theirs, ours) {
					_ = c.Close()
				}
				holding.Wait()
				if err := r.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// At the same time there are so many and no more.
func TestConnectionsOfCallbacksAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newPipes()
		r := newReceiver(l, slog.New(slog.DiscardHandler))
		for range 3 * maxCallbacks {
			defer l.dial().Close()
		}
		synctest.Wait()
		if n := len(l.waiting); n != 2*maxCallbacks {
			t.Errorf("%d connections wait, want %d", n, 2*maxCallbacks)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
