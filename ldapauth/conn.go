package ldapauth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// Bounds of what is read from a server.
const (
	maxMessage  = 1 << 20 // octets: an entry with a thousand groups has a quarter
	firstBuffer = 4 << 10
	keptBuffer  = 64 << 10 // a larger one is given back after use
)

var (
	errEmptyBind  = errors.New("ldapauth: bind with an empty name or password")
	errUnexpected = errors.New("ldapauth: server sent an answer to another question")
	errNotice     = errors.New("ldapauth: server announced that it ends the connection")
	errReferral   = errors.New("ldapauth: server referred to another one, which is never followed")
	errTooMany    = errors.New("ldapauth: server sent more entries than asked for")
	errStartTLS   = errors.New("ldapauth: server refuses StartTLS")
	errInjected   = errors.New("ldapauth: server sent clear text behind its StartTLS answer")
)

// A conn is one connection to a server, used by one goroutine and one
// operation at a time.
type conn struct {
	nc     net.Conn
	wait   *waiter
	peek   func() bool
	in     []byte // read and not yet taken: in[r:w]
	r, w   int
	out    writer
	id     int32
	broken bool // nothing further may be asked on it
	idle   time.Time
}

func newConn(nc net.Conn) *conn {
	return &conn{nc: nc, wait: newWaiter(nc), in: make([]byte, firstBuffer), peek: peeker(nc)}
}

// peeker makes a function that reports whether nothing waits to be read on an
// idle connection: no end of file, no notice of disconnection, no late answer.
func peeker(nc net.Conn) func() bool {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return func() bool { return true }
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return func() bool { return false }
	}
	var quiet bool
	var one [1]byte
	look := func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		quiet = errors.Is(err, syscall.EAGAIN)
	}
	return func() bool {
		quiet = false
		return raw.Control(look) == nil && quiet
	}
}

// startTLS protects the connection (RFC 4511, section 4.14). Whatever the
// server says but "success", nothing continues in clear.
func (c *conn) startTLS(ctx context.Context, deadline time.Time, cfg *tls.Config) error {
	var res result
	err := c.guard(ctx, deadline, func() error {
		c.id++
		c.out.b = c.out.b[:0]
		c.out.startTLSRequest(c.id)
		body, controls, err := c.ask(opExtendedResponse)
		if err != nil {
			return err
		}
		res, err = body.result(controls)
		return err
	})
	switch {
	case err != nil:
		return err
	case res.code != 0:
		return fmt.Errorf("%w: %w", errStartTLS, &resultError{res})
	case c.r != c.w:
		// What came in clear must not be read as if it had been protected
		// (CVE-2011-0411 and its kin).
		return errInjected
	}
	return c.secure(ctx, deadline, cfg)
}

// secure runs the TLS handshake.
func (c *conn) secure(ctx context.Context, deadline time.Time, cfg *tls.Config) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := c.nc.SetDeadline(deadline); err != nil {
		return err
	}
	t := tls.Client(c.nc, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("TLS: %w", err)
	}
	c.nc, c.wait = t, newWaiter(t)
	return nil
}

// bind asks the server to check a password. The result's code is for the
// caller to judge; err is only that there is no result.
func (c *conn) bind(ctx context.Context, deadline time.Time, dn, password string, controls ...string) (res result, err error) {
	// An empty password is an "unauthenticated bind", an empty name an
	// anonymous one: lenient servers answer success to both (RFC 4513,
	// section 5.1.2).
	if dn == "" || password == "" {
		return res, errEmptyBind
	}
	err = c.guard(ctx, deadline, func() error {
		c.id++
		c.out.b = c.out.b[:0]
		c.out.bindRequest(c.id, dn, password, controls...)
		body, controls, err := c.ask(opBindResponse)
		clear(c.out.b)
		if err != nil {
			return err
		}
		res, err = body.result(controls)
		return err
	})
	return res, err
}

// A query is a search (RFC 4511, section 4.5.1). Aliases are never followed.
type query struct {
	base      string
	scope     byte
	sizeLimit int32
	timeLimit int32 // seconds
	filter    []asked
	attrs     []byte // the content of AttributeSelection
	controls  []string
}

// Scopes of searches.
const (
	scopeBase    = 0
	scopeSubtree = 2
)

func (q *query) write(w *writer, id int32) {
	message := w.begin(tagSequence)
	w.integer(tagInteger, id)
	op := w.begin(opSearchRequest)
	w.text(tagOctets, q.base)
	w.integer(tagEnumerated, int32(q.scope))
	w.integer(tagEnumerated, 0)
	w.integer(tagInteger, q.sizeLimit)
	w.integer(tagInteger, q.timeLimit)
	w.boolean(false)
	filter(w, q.filter)
	attrs := w.begin(tagSequence)
	w.b = append(w.b, q.attrs...)
	w.end(attrs)
	w.end(op)
	w.controls(q.controls...)
	w.end(message)
}

// search calls fn for each entry. The entry is valid during the call only.
func (c *conn) search(ctx context.Context, deadline time.Time, q *query, fn func(entry) error) (res result, err error) {
	err = c.guard(ctx, deadline, func() error {
		c.id++
		c.out.b = c.out.b[:0]
		q.write(&c.out, c.id)
		if err := c.wait.send(c.out.b); err != nil {
			return err
		}
		var referred bool
		for left := q.sizeLimit; ; {
			op, body, controls, err := c.receive()
			if err != nil {
				return err
			}
			switch op {
			case opSearchEntry:
				if left--; left < 0 {
					return errTooMany
				}
				e, err := body.entry()
				if err != nil {
					return err
				}
				if err := fn(e); err != nil {
					return err
				}
			case opSearchReference:
				referred = true
			case opSearchDone:
				if res, err = body.result(controls); err == nil && referred {
					err = errReferral
				}
				return err
			default:
				return errUnexpected
			}
		}
	})
	return res, err
}

// ask sends what is in c.out and waits for the one answer.
func (c *conn) ask(want byte) (body, controls reader, err error) {
	if err := c.wait.send(c.out.b); err != nil {
		return nil, nil, err
	}
	op, body, controls, err := c.receive()
	if err != nil {
		return nil, nil, err
	}
	if op != want {
		return nil, nil, errUnexpected
	}
	return body, controls, nil
}

// receive waits for a message that answers the request under way.
func (c *conn) receive() (op byte, body, controls reader, err error) {
	m, err := c.read()
	if err != nil {
		return 0, nil, nil, err
	}
	id, op, body, controls, err := m.message()
	switch {
	case err != nil:
		return 0, nil, nil, err
	case id == 0: // RFC 4511, section 4.4
		return 0, nil, nil, errNotice
	case id != c.id:
		return 0, nil, nil, errUnexpected
	}
	return op, body, controls, nil
}

// read returns the next whole message; it is valid until the next read.
func (c *conn) read() (reader, error) {
	for {
		n, err := framed(c.in[c.r:c.w], maxMessage)
		if err != nil {
			return nil, err
		}
		if n > 0 && c.w-c.r >= n {
			c.r += n
			return c.in[c.r-n : c.r], nil
		}
		if c.r > 0 {
			c.w = copy(c.in, c.in[c.r:c.w])
			c.r = 0
		}
		if n > len(c.in) {
			c.in = append(make([]byte, 0, n), c.in[:c.w]...)[:n]
		}
		k, err := c.wait.read(c.in[c.w:])
		c.w += k
		if err != nil && k == 0 {
			return nil, err
		}
	}
}

// guard runs an exchange with a deadline and ends it when ctx does. After any
// error the connection is broken: its answer may still come, and must never be
// taken for the next one's.
func (c *conn) guard(ctx context.Context, deadline time.Time, exchange func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.broken {
		return net.ErrClosed
	}
	if err := c.wait.begin(ctx, deadline); err != nil {
		c.broken = true
		return err
	}
	err := exchange()
	interrupted := c.wait.end()
	if err != nil || interrupted {
		c.broken = true
	}
	if err != nil && interrupted {
		return ctx.Err()
	}
	return err
}

// reusable reports whether the connection may answer another question.
func (c *conn) reusable() bool { return !c.broken && c.r == c.w }

// unbindWait is how long a polite end may take.
const unbindWait = 100 * time.Millisecond

// close says goodbye on a connection in order and closes it.
func (c *conn) close() {
	if !c.broken {
		_ = c.nc.SetDeadline(time.Now().Add(unbindWait))
		c.out.b = c.out.b[:0]
		c.out.unbindRequest(c.id + 1)
		_, _ = c.nc.Write(c.out.b)
	}
	_ = c.nc.Close()
}
