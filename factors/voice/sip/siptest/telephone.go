package siptest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"github.com/portvakt/portvakt/factors/voice/sip/internal/setup"
)

// A Telephone waits for calls. Its methods are safe for concurrent use.
type Telephone struct {
	socket net.PacketConn
	at     *net.UDPAddr
	ua     *sipgo.UserAgent
	client *sipgo.Client
	events chan Event

	serving sync.WaitGroup
	calls   sync.WaitGroup
	closing chan struct{}
	deaf    atomic.Bool // whether messages are dropped

	mu     sync.Mutex
	closed bool
	call   *call // the one there is
	last   *tape // what was heard in it, or in the one before
}

// Why a telephone does not do what it is asked to.
var (
	ErrNoCall = errors.New("siptest: there is no such call")
	ErrClosed = errors.New("siptest: the telephone is closed")
)

// Start makes a telephone on a free UDP port of 127.0.0.1. The caller calls
// Close.
func Start(ctx context.Context) (*Telephone, error) {
	setup.Sipgo()
	silent := slog.New(slog.DiscardHandler)
	t := &Telephone{events: make(chan Event, eventsAhead), closing: make(chan struct{}), last: new(tape)}
	ua, err := sipgo.NewUA(
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(silent), sip.WithTransportLayerReadFilter(t.admit)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(silent)),
	)
	if err != nil {
		return nil, err
	}
	t.ua = ua
	if err := t.serve(ctx, silent); err != nil {
		return nil, errors.Join(fmt.Errorf("telephone: %w", err), ua.Close())
	}
	return t, nil
}

func (t *Telephone) serve(ctx context.Context, silent *slog.Logger) error {
	server, err := sipgo.NewServer(t.ua, sipgo.WithServerLogger(silent))
	if err != nil {
		return err
	}
	if t.client, err = sipgo.NewClient(t.ua, sipgo.WithClientLogger(silent)); err != nil {
		return err
	}
	t.answerRequests(server)
	if t.socket, err = (&net.ListenConfig{}).ListenPacket(ctx, "udp", "127.0.0.1:0"); err != nil {
		return err
	}
	t.at = t.socket.LocalAddr().(*net.UDPAddr) //nolint:forcetypeassert // of "udp"
	read := &listener{PacketConn: t.socket, read: make(chan struct{})}
	t.serving.Go(func() { _ = server.ServeUDP(read) })
	<-read.read
	return nil
}

// A listener says when it is read from: only then does sipgo send by it.
type listener struct {
	net.PacketConn
	once sync.Once
	read chan struct{}
}

// ReadFrom reads a datagram.
func (l *listener) ReadFrom(b []byte) (int, net.Addr, error) {
	l.once.Do(func() { close(l.read) })
	return l.PacketConn.ReadFrom(b)
}

// Addr is where it is called: host and port.
func (t *Telephone) Addr() string { return t.at.String() }

// Events tell what happens, in order. Close closes it. When nobody reads, later
// ones are lost.
func (t *Telephone) Events() <-chan Event { return t.events }

// Answer takes the call that rings.
func (t *Telephone) Answer() error {
	c, err := t.current()
	if err != nil {
		return err
	}
	c.answer.Do(func() { close(c.picked) })
	return nil
}

// Press presses keys in the call, 0 to 9, * and #, and returns when that is
// done; a comma waits a second. It reports [ErrNoCall] when the call is not
// answered, or is over before.
func (t *Telephone) Press(ctx context.Context, keys string) error {
	c, err := t.current()
	if err != nil {
		return err
	}
	select {
	case <-c.talking:
	default:
		return ErrNoCall
	}
	select {
	case <-c.sound.Send(keys):
	case <-c.over:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-c.over:
		return ErrNoCall
	default:
		return nil
	}
}

// HangUp ends the call. One that rings is refused as busy.
func (t *Telephone) HangUp() error {
	c, err := t.current()
	if err != nil {
		return err
	}
	c.hang.Do(func() { close(c.down) })
	return nil
}

// Sound is what was heard in the call, or in the last one when there is none:
// 8000 samples a second, as it came, two minutes at most.
func (t *Telephone) Sound() []int16 {
	t.mu.Lock()
	last := t.last
	t.mu.Unlock()
	return last.copy()
}

func (t *Telephone) current() (*call, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return nil, ErrClosed
	case t.call == nil, t.call.ending():
		return nil, ErrNoCall
	}
	return t.call, nil
}

// Close ends the call there is and waits until nothing of the telephone runs.
func (t *Telephone) Close() error {
	t.mu.Lock()
	was := t.closed
	t.closed = true
	t.mu.Unlock()
	if was {
		return nil
	}
	close(t.closing)
	t.calls.Wait()
	t.deaf.Store(true)
	// What came just now is still being dealt with by goroutines of sipgo that
	// nobody can wait for. Without its socket sipgo would open another one to
	// answer, and never close it.
	<-time.After(inHand)
	err := errors.Join(t.ua.Close(), ignore(t.socket.Close(), net.ErrClosed))
	t.serving.Wait()
	close(t.events)
	return errors.Join(err, t.ua.TransportLayer().Close())
}

// inHand is how long a message may take until it has been handed over.
const inHand = 100 * time.Millisecond

func (t *Telephone) admit(_ sip.TransportReadProps, data []byte) ([]byte, error) {
	if t.deaf.Load() {
		return nil, nil
	}
	return data, nil
}

func ignore(err, known error) error {
	if errors.Is(err, known) {
		return nil
	}
	return err
}

// begin makes c the call, unless there is one. One that is just ending is
// waited for: its caller may be calling again.
func (t *Telephone) begin(c *call) bool {
	before, begun := t.tryBegin(c)
	if before == nil || !before.ending() {
		return begun
	}
	<-before.cleared
	_, begun = t.tryBegin(c)
	return begun
}

func (t *Telephone) tryBegin(c *call) (before *call, begun bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.call != nil {
		return t.call, false
	}
	t.calls.Add(1)
	t.call, t.last = c, &c.tape
	return nil, true
}

func (t *Telephone) end() {
	t.mu.Lock()
	close(t.call.cleared)
	t.call = nil
	t.mu.Unlock()
	t.calls.Done()
}

// find is the call that a request belongs to.
func (t *Telephone) find(req *sip.Request) *call {
	t.mu.Lock()
	defer t.mu.Unlock()
	if id := req.CallID(); t.call != nil && id != nil && id.Value() == t.call.req.CallID().Value() {
		return t.call
	}
	return nil
}

// eventsAhead is how many events wait for the reader.
const eventsAhead = 64

// tell hands on an event. Those that come again by themselves leave room for
// the others.
func (t *Telephone) tell(e Event) {
	if e.Kind == Heard && len(t.events) > eventsAhead/2 {
		return
	}
	select {
	case t.events <- e:
	default:
	}
}

// An Event is something that happens to a telephone.
type Event struct {
	Kind Kind
	// Caller is the user of the caller's address, of Ringing.
	Caller string
	// Sound is how long the call has been heard so far, and Level how loud the
	// last second was, in dB below full scale; of Heard.
	Sound time.Duration
	Level float64
	// Ours is whether it was ended here, of Over.
	Ours bool
}

// A Kind is what happens.
type Kind int

// The kinds of events, in the order of a call.
const (
	Ringing Kind = iota
	Answered
	Heard // each second of sound
	Over
)
