package smpp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// A notWritten says that a request did not leave whole. An SMSC does nothing
// with a part of a pdu: only the rest would tell that it is one.
type notWritten struct{ err error }

func (n *notWritten) Error() string { return n.err.Error() }

var (
	errUnbound  = errors.New("the SMSC ended the session")
	errNoAnswer = errors.New("no answer in time")
	errBroken   = errors.New("the connection broke before the answer")
	errSilent   = errors.New("the SMSC does not answer enquire_link")
	errStuck    = errors.New("the connection takes nothing in time")
	errWindow   = errors.New("the window is full: earlier messages have no answer yet")
	errSwapped  = errors.New("an answer is of another command than its request")
)

// closeWait is how long an unbind may take.
const closeWait = 2 * time.Second

// A session is one connection. It is over when the connection breaks, when
// what comes is not SMPP, or when one side unbinds.
type session struct {
	conn    net.Conn
	timeout time.Duration // of an answer to a request of ours, and of a write
	deliver func(pdu) pdu // answers a deliver_sm
	slots   chan struct{} // one for each submit_sm without an answer
	pen     chan struct{} // who has it writes
	over    chan struct{}
	reading sync.WaitGroup

	mu       sync.Mutex
	sequence uint32
	waiting  map[uint32]waiter
	heard    time.Time
	cause    error // why it is over
}

type waiter struct {
	command command
	answer  chan pdu
}

// newSession begins to read a connection. Who calls it calls end and wait.
func newSession(conn net.Conn, timeout time.Duration, window int, deliver func(pdu) pdu) *session {
	s := &session{
		conn: conn, timeout: timeout, deliver: deliver,
		slots: make(chan struct{}, window), pen: make(chan struct{}, 1), over: make(chan struct{}),
		waiting: make(map[uint32]waiter), heard: time.Now(),
	}
	s.reading.Go(func() {
		for {
			p, err := readPDU(conn)
			if err != nil {
				s.end(err)
				return
			}
			if err := s.handle(p); err != nil {
				s.end(err)
				return
			}
		}
	})
	return s
}

// end makes the session be over, for the first cause it is given.
func (s *session) end(cause error) {
	s.mu.Lock()
	first := s.cause == nil
	if first {
		s.cause = cause
		close(s.over)
	}
	s.mu.Unlock()
	if first {
		_ = s.conn.Close() // TLS says goodbye, and that may take a while
	}
}

func (s *session) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// wait returns when nothing of a session that is over runs any more, and why
// it is over.
func (s *session) wait() error {
	s.reading.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}

// handle takes what came.
func (s *session) handle(p pdu) error {
	s.mu.Lock()
	s.heard = time.Now()
	s.mu.Unlock()
	switch {
	case p.command.isAnswer():
		return s.answered(p)
	case p.command == enquireLink:
		return s.reply(p, pdu{})
	case p.command == deliverSM:
		return s.reply(p, s.deliver(p))
	case p.command == unbind:
		_ = s.reply(p, pdu{})
		return errUnbound
	case p.command == dataSM:
		// Nobody reads it: the SMSC may forget it.
		return s.reply(p, pdu{status: statusRejected})
	case p.command == outbind, p.command == alertNotification:
		return nil // have no answer
	default:
		return s.write(context.Background(), pdu{command: genericNack, status: statusBadCommand, sequence: p.sequence})
	}
}

func (s *session) reply(to, with pdu) error {
	with.command, with.sequence = to.command.answer(), to.sequence
	return s.write(context.Background(), with)
}

// answered wakes who waits for an answer. One that nobody waits for any more
// came too late.
func (s *session) answered(p pdu) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, ok := s.waiting[p.sequence]
	if !ok {
		return nil
	}
	if p.command != genericNack && p.command != w.command.answer() {
		return errSwapped
	}
	delete(s.waiting, p.sequence)
	w.answer <- p
	return nil
}

// write sends one pdu whole, or ends the session.
func (s *session) write(ctx context.Context, p pdu) error {
	select {
	case s.pen <- struct{}{}:
		defer func() { <-s.pen }()
	case <-s.over:
		return &notWritten{errBroken}
	case <-ctx.Done():
		return &notWritten{errStuck}
	}
	if s.isOver() {
		return &notWritten{errBroken}
	}
	b := p.octets()
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.timeout)) // an error of it is one of Write
	n, err := s.conn.Write(b)
	if err == nil {
		return nil
	}
	s.end(fmt.Errorf("write: %w", err))
	if n < len(b) {
		return &notWritten{err}
	}
	return errBroken
}

// do sends a request and waits for its answer. A [*notWritten] says that it
// did not leave.
func (s *session) do(ctx context.Context, c command, body []byte) (pdu, error) {
	w := waiter{c, make(chan pdu, 1)}
	sequence := s.expect(w)
	defer s.forget(sequence)
	if err := s.write(ctx, pdu{command: c, sequence: sequence, body: body}); err != nil {
		return pdu{}, err
	}
	select {
	case p := <-w.answer:
		return p, nil
	case <-ctx.Done():
		return pdu{}, errNoAnswer
	case <-s.over:
	}
	select {
	case p := <-w.answer: // it came just before the end
		return p, nil
	default:
		return pdu{}, errBroken
	}
}

func (s *session) expect(w waiter) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		s.sequence = s.sequence%maxSequence + 1
		if _, taken := s.waiting[s.sequence]; !taken {
			s.waiting[s.sequence] = w
			return s.sequence
		}
	}
}

func (s *session) forget(sequence uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, sequence)
}

// submit hands one part over.
func (s *session) submit(ctx context.Context, body []byte) (pdu, error) {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-s.over:
		return pdu{}, &notWritten{errBroken}
	case <-ctx.Done():
		return pdu{}, &notWritten{errWindow}
	}
	return s.do(ctx, submitSM, body)
}

// bind opens the session for what the command says.
func (s *session) bind(ctx context.Context, as command, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	p, err := s.do(ctx, as, body)
	switch {
	case err != nil:
		return fmt.Errorf("bind: %w", err)
	case p.status != statusOK:
		return fmt.Errorf("bind: %w", &refusal{p.status})
	}
	return nil
}

// keep asks whether the other side lives when nothing came for that long,
// until the session is over or ctx ends, and then unbinds.
func (s *session) keep(ctx context.Context, every time.Duration) {
	timer := time.NewTimer(every)
	defer timer.Stop()
	for {
		select {
		case <-s.over:
			return
		case <-ctx.Done():
			s.unbind(context.WithoutCancel(ctx)) // the last word takes its own time
			return
		case <-timer.C:
		}
		silent := s.silence()
		if silent >= every {
			if err := s.enquire(ctx); err != nil && ctx.Err() == nil {
				s.end(err)
				return
			}
			silent = 0
		}
		timer.Reset(every - silent)
	}
}

func (s *session) silence() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.heard)
}

func (s *session) enquire(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	if _, err := s.do(ctx, enquireLink, nil); err != nil {
		return errSilent
	}
	return nil
}

// unbind ends the session in order: answers that come before the SMSC's last
// one are still taken.
func (s *session) unbind(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closeWait)
	defer cancel()
	_, _ = s.do(ctx, unbind, nil)
	s.end(net.ErrClosed)
}
