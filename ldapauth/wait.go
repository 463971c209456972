package ldapauth

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// eager is how long an exchange waits before it looks out for the end of its
// context too: nearly all are over by then, and looking out costs as much as
// the rest of the waiting.
const eager = 20 * time.Millisecond

// writeSlack is how much later than its exchange a write may end. The deadline
// of writes is only moved when it has to be.
const writeSlack = 10 * time.Second

// A waiter sends and reads on a connection, in the goroutine that wants the
// answer.
//
// On a connection without TLS it asks the runtime to wait for the answer before
// it sends the request, and so spares the read that finds nothing, with which
// every wait would begin.
type waiter struct {
	nc       net.Conn
	raw      syscall.RawConn // nil with TLS
	deadline time.Time
	ctx      context.Context //nolint:containedctx // lives as long as an exchange
	stop     func() bool     // ends looking out for the end of ctx; nil before
	writeBy  time.Time       // the deadline of writes in force

	polled func(fd uintptr) bool // poll, made once
	unsent []byte
	into   []byte
	n      int
	err    error
}

func newWaiter(nc net.Conn) *waiter {
	w := &waiter{nc: nc}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			w.raw, w.polled = raw, w.poll
		}
	}
	return w
}

// begin opens an exchange.
func (w *waiter) begin(ctx context.Context, deadline time.Time) error {
	w.ctx, w.deadline, w.unsent = ctx, deadline, nil
	if soon := time.Now().Add(eager); soon.Before(deadline) {
		return w.nc.SetReadDeadline(soon)
	}
	return w.watch()
}

// watch looks out for the end of the context.
func (w *waiter) watch() error {
	if err := w.nc.SetReadDeadline(w.deadline); err != nil {
		return err
	}
	w.stop = func() bool { return true }
	if w.ctx.Done() != nil {
		w.stop = context.AfterFunc(w.ctx, w.interrupt)
	}
	return nil
}

// interrupt ends the exchange under way.
func (w *waiter) interrupt() { _ = w.nc.SetDeadline(time.Unix(1, 0)) }

// end closes an exchange and reports whether its context ended it.
func (w *waiter) end() (interrupted bool) {
	interrupted = w.stop != nil && !w.stop()
	w.ctx, w.stop, w.into = nil, nil, nil
	return interrupted
}

// send sends a request, at the latest when its answer is waited for.
func (w *waiter) send(request []byte) error {
	if w.raw == nil {
		return w.write(request)
	}
	w.unsent = request
	return nil
}

func (w *waiter) write(b []byte) error {
	if w.writeBy.Before(w.deadline) {
		w.writeBy = w.deadline.Add(writeSlack)
		if err := w.nc.SetWriteDeadline(w.writeBy); err != nil {
			return err
		}
	}
	_, err := w.nc.Write(b)
	return err
}

// read waits for something to read.
func (w *waiter) read(into []byte) (n int, err error) {
	for {
		n, err = w.readOnce(into)
		if n > 0 || w.stop != nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if err := w.watch(); err != nil {
			return 0, err
		}
	}
}

func (w *waiter) readOnce(into []byte) (int, error) {
	if w.raw == nil {
		return w.nc.Read(into)
	}
	w.into, w.n, w.err = into, 0, nil
	if err := w.raw.Read(w.polled); err != nil {
		return 0, err
	}
	if len(w.unsent) > 0 && w.err == nil {
		// The kernel did not take all of it at once.
		rest := w.unsent
		w.unsent = nil
		if err := w.write(rest); err != nil {
			return 0, err
		}
		return w.readOnce(into)
	}
	return w.n, w.err
}

// poll is called when something may be readable, and before the first wait.
// It returns false to wait.
func (w *waiter) poll(fd uintptr) bool {
	if len(w.unsent) > 0 {
		n, err := ignoreEINTR(syscall.Write, fd, w.unsent)
		if err != nil && !errors.Is(err, syscall.EAGAIN) {
			w.err = os.NewSyscallError("write", err)
			return true
		}
		w.unsent = w.unsent[max(n, 0):]
		return len(w.unsent) > 0
	}
	n, err := ignoreEINTR(syscall.Read, fd, w.into)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return false
	case err != nil:
		w.err = os.NewSyscallError("read", err)
	case n == 0:
		w.err = io.EOF
	default:
		w.n = n
	}
	return true
}

func ignoreEINTR(call func(int, []byte) (int, error), fd uintptr, b []byte) (int, error) {
	for {
		n, err := call(int(fd), b)
		if !errors.Is(err, syscall.EINTR) {
			return n, err
		}
	}
}
