package radiusd

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/internal/crew"
	"github.com/portvakt/portvakt/internal/deadline"
	"github.com/portvakt/portvakt/login"
)

const (
	// drainGrace is what requests get that were cancelled when the drain limit
	// was over.
	drainGrace = time.Second

	tick        = time.Second // flushes the journal
	expireTicks = 5           // ticks between looks at the whole reply cache
	saveTicks   = 60          // ticks between new tries to save what was learned
)

// A Conversation decides. An error means "could not decide". [login.Flow]
// implements it.
type Conversation interface {
	// Begin takes a name and a password.
	Begin(ctx context.Context, a login.Attempt) (login.Step, error)
	// Resume takes the answer to the question of a ticket.
	Resume(ctx context.Context, a login.Attempt, t login.Ticket) (login.Step, error)
	// Rehearse finds out what would become of the copy of a name and a password.
	Rehearse(ctx context.Context, a login.Attempt) error
}

// Options are what the server is given by the program around it. All but Log
// may be left out.
type Options struct {
	Log *slog.Logger
	// Records keep what is learned of clients across restarts.
	Records login.Records
	// Reply returns the encoded attributes of an Access-Accept. It must not
	// block. Its error is "could not decide": somebody without her group or
	// VLAN is not let in; what may be left out it leaves out without one.
	Reply func(client string, a login.Account) (avps []byte, err error)
	// Pass returns what an account gets at a client of what the password's server
	// has granted (see [login.Granter]); nil passes all. It must not block.
	Pass func(client string, a login.Account, granted []byte) []byte
	// Healthy makes Status-Server requests go unanswered while it returns
	// false, so that a NAS turns to its next server. It must not block.
	Healthy func() bool
}

// A Server answers RADIUS authentication requests.
type Server struct {
	flow    Conversation
	log     *slog.Logger
	records login.Records
	reply   func(client string, a login.Account) ([]byte, error)
	pass    func(client string, a login.Account, granted []byte) []byte
	healthy func() bool
	// recorder is what makes it a server of the accounting port, recording has
	// a place for each that it may be given at a time; alive is how the server
	// answers Status-Server.
	recorder  Recorder
	recording chan struct{}
	alive     radius.Code

	// accounting takes Accounting-Requests that come over TLS; nil declines
	// them. ended is closed when Serve has.
	accounting *Server
	ended      chan struct{}

	start     time.Time
	live      atomic.Pointer[live]
	reloading sync.Mutex // one reload at a time
	peers     peers
	replies   *replyCache
	admission *admission
	people    people
	deadlines deadline.Contexts
	journal   journal
	news      chan struct{}
	crew      *crew.Crew[task]
	handlers  sync.WaitGroup // of what is done beside the crew

	received atomic.Uint64
	counters counters // of datagrams without a client

	mu      sync.Mutex
	sockets []*socket
	streams streams
}

// live is what a reload exchanges at once.
type live struct {
	cfg   Config
	table *clientTable
	tls   *tlsIdentity // nil without RADIUS over TLS
}

// New checks the configuration and reads what was learned of its clients
// before. It binds nothing yet.
func New(cfg Config, flow Conversation, opts Options) (*Server, error) {
	return start(cfg, newServer(cfg, flow, opts))
}

func newServer(cfg Config, flow Conversation, opts Options) *Server {
	s := &Server{
		flow:    flow,
		log:     opts.Log,
		records: opts.Records,
		reply:   opts.Reply,
		pass:    opts.Pass,
		healthy: opts.Healthy,
		alive:   radius.CodeAccessAccept,
		ended:   make(chan struct{}),
		start:   time.Now(),
		news:    make(chan struct{}, 1),
		replies: newReplyCache(cfg.MaxReplies),
	}
	s.crew = crew.New(func(t task) { s.handle(t.ctx, t.request) })
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.journal.log = s.log
	s.admission = newAdmission()
	s.people.seed = maphash.MakeSeed()
	return s
}

// start puts the first configuration in force.
func start(cfg Config, s *Server) (*Server, error) {
	if err := s.Reload(cfg); err != nil {
		return nil, err
	}
	return s, nil
}

// Reload puts another configuration in force for requests that arrive from now
// on; those in hand end under the old one. With an error nothing has changed.
// Listen is not looked at.
func (s *Server) Reload(cfg Config) error {
	if s.recorder != nil {
		cfg = cfg.accounting()
	}
	if err := cfg.Validate(); err != nil {
		return err
	}
	var id *tlsIdentity
	if s.recorder == nil {
		var err error
		if id, err = cfg.RadSec.load(); err != nil {
			return err
		}
	}
	s.reloading.Lock()
	defer s.reloading.Unlock()
	fresh := map[string]*peer{}
	for _, c := range cfg.Clients {
		if s.peers.known(c.Name) != nil {
			continue
		}
		p := &peer{name: c.Name}
		if err := s.remember(context.Background(), p); err != nil {
			return err
		}
		fresh[c.Name] = p
	}
	for _, p := range fresh {
		s.peers.add(p)
	}
	warnings := cfg.Warnings()
	if s.recorder != nil {
		warnings = nil // the authentication port has told them
	}
	for _, w := range warnings {
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "configuration", slog.String(login.KeyHint, w))
	}
	s.admission.resize(cfg.MaxRequests, cfg.MaxHeld)
	s.replies.max.Store(int64(cfg.MaxReplies))
	s.live.Store(&live{cfg, newClientTable(cfg, s.peers.known), id})
	return nil
}

// now is the time since the server was made; it never jumps.
func (s *Server) now() time.Duration { return time.Since(s.start) }

// Listen binds the addresses. Serve does it when it was not done before.
func (s *Server) Listen(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams.stop != nil {
		return nil
	}
	var sockets []*socket
	for i, at := range s.live.Load().cfg.Listen {
		l, err := listen(ctx, at, i, func(got int) {
			s.log.LogAttrs(ctx, slog.LevelWarn, "receive buffer is smaller than wanted",
				slog.String(login.KeyAddress, at), slog.Int(login.KeyCount, got),
				slog.String(login.KeyHint, fmt.Sprintf("sysctl -w net.core.rmem_max=%d", receiveBuffer)))
		})
		if err != nil {
			for _, l := range sockets {
				err = errors.Join(err, l.conn.Close())
			}
			return err
		}
		sockets = append(sockets, l)
	}
	if s.recorder == nil {
		all, err := listenStreams(ctx, s.live.Load().cfg.RadSec.Listen)
		if err != nil {
			for _, l := range sockets {
				err = errors.Join(err, l.conn.Close())
			}
			return err
		}
		s.streams.listeners = all
	}
	s.streams.next = uint32(len(sockets)) //nolint:gosec // the configuration has few addresses
	s.streams.stop = make(chan struct{})
	s.sockets = sockets
	return nil
}

// TakeAccounting has Accounting-Requests that come over TLS recorded by the
// server of the accounting port, which must serve and end at the same time.
// Without, they are declined. It must be called before Serve.
func (s *Server) TakeAccounting(a *Server) { s.accounting = a }

// listening returns the sockets.
func (s *Server) listening() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sockets)
}

// Addrs returns the addresses that are bound, in the order of the
// configuration.
func (s *Server) Addrs() []netip.AddrPort {
	var addrs []netip.AddrPort
	for _, l := range s.listening() {
		if a, err := netip.ParseAddrPort(l.conn.LocalAddr().String()); err == nil {
			addrs = append(addrs, a)
		}
	}
	return addrs
}

// Serve answers requests until ctx is done and then drains: newcomers are
// dropped, requests in hand and answers to questions already put are answered,
// and the sockets are closed last. A server serves once. The error says when
// requests were left without an answer.
func (s *Server) Serve(ctx context.Context) error {
	defer close(s.ended)
	if err := s.Listen(ctx); err != nil {
		return err
	}
	// Requests in hand outlive ctx: that is what draining is for.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var readers, senders, keepers sync.WaitGroup
	stopSenders, stopKeeper := make(chan struct{}), make(chan struct{})
	sockets := s.listening()
	for _, l := range sockets {
		for range readersPerSocket {
			readers.Go(func() { s.read(work, l) })
		}
		senders.Go(func() { s.send(l, stopSenders) })
	}
	for _, l := range s.streams.listeners {
		readers.Go(func() { s.accept(work, l) })
	}
	keepers.Go(func() { s.keep(work, stopKeeper) })

	<-ctx.Done()
	left := s.drain(cancel)
	if s.accounting != nil {
		<-s.accounting.ended // its last replies leave over our connections
	}
	close(stopSenders)
	senders.Wait()
	var err error
	for _, l := range sockets {
		err = errors.Join(err, l.conn.Close())
	}
	cancel() // handshakes
	err = errors.Join(err, s.finish())
	readers.Wait()
	s.crew.Close()
	close(stopKeeper)
	keepers.Wait()
	if left > 0 {
		return errors.Join(err, fmt.Errorf("drain: %d requests were left without an answer", left))
	}
	s.crew.Wait()
	s.handlers.Wait()
	return err
}

// drain waits for the requests in hand and returns how many did not end.
func (s *Server) drain(cancel context.CancelFunc) int {
	idle := s.admission.drain()
	limit := time.NewTimer(s.live.Load().cfg.Drain)
	defer limit.Stop()
	select {
	case <-idle:
		return 0
	case <-limit.C:
	}
	s.admission.close()
	left, _ := s.admission.count()
	cancel()
	s.dismissAll()
	grace := time.NewTimer(drainGrace)
	defer grace.Stop()
	select {
	case <-idle:
		return left
	case <-grace.C:
		s.dismissAll() // those that were about to be held
		return left
	}
}

// keep does what has no place on the way of a request.
func (s *Server) keep(ctx context.Context, stop <-chan struct{}) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-stop:
			s.journal.flush(s.now())
			last := context.WithoutCancel(ctx) // the last chance; each has its own limit
			s.save(last)
			s.saveClocks(last)
			return
		case <-s.news:
			s.save(ctx)
			continue
		case <-ticker.C:
		}
		s.journal.flush(s.now())
		if n%expireTicks == 0 {
			s.replies.expire(s.now())
			s.dismissOverdue(s.now())
		}
		if n%saveTicks == 0 {
			s.save(ctx)
			s.saveClocks(ctx)
		}
	}
}
