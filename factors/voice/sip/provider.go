package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/media"
	"github.com/portvakt/portvakt/login"
)

// A Provider places calls through one exchange.
type Provider struct {
	cfg   Config
	log   *slog.Logger
	e     *endpoint
	lines chan struct{} // one for each call

	soft    context.Context // ends the calls
	end     context.CancelFunc
	hard    context.Context // ends what is behind them
	endHard context.CancelFunc

	mu      sync.Mutex
	closed  bool // no more calls
	over    bool // nothing more behind them
	calls   sync.WaitGroup
	behind  sync.WaitGroup // what calls leave to be cleared up
	keeping sync.WaitGroup

	reg *registrar
}

var _ voice.Provider = (*Provider)(nil)

var (
	errClosed = errors.New("the provider is closed")
	errLines  = errors.New("as many calls as max_calls are under way")
)

// New makes a provider. Nothing is sent to the exchange before the first call,
// except that a registration is begun, which goes on until Close.
func New(cfg Config, log *slog.Logger) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	e, err := newEndpoint(cfg)
	if err != nil {
		return nil, fmt.Errorf("exchange %q: %w", cfg.Name, err)
	}
	p := &Provider{cfg: cfg, log: log.With(slog.String(login.KeyProvider, cfg.Name)), e: e, lines: make(chan struct{}, cfg.maxCalls())}
	p.soft, p.end = context.WithCancel(context.Background())
	p.hard, p.endHard = context.WithCancel(context.Background())
	p.reg = newRegistrar(p)
	if at, err := netip.ParseAddr(e.hop.host); err == nil {
		e.door.known([]netip.AddrPort{netip.AddrPortFrom(at, 0)})
	}
	if cfg.register() {
		p.keeping.Go(p.reg.keep)
	}
	return p, nil
}

// Name is the provider's name in the configuration.
func (p *Provider) Name() string { return p.cfg.Name }

// Close ends the calls, the registration, and what is left of earlier calls.
func (p *Provider) Close() error {
	p.mu.Lock()
	was := p.closed
	p.closed = true
	p.mu.Unlock()
	if was {
		return nil
	}
	p.end()
	p.calls.Wait()
	p.keeping.Wait()
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.endHard()
	p.behind.Wait()
	p.e.close()
	return nil
}

// begin counts a call, unless the provider is closed.
func (p *Provider) begin(wg *sync.WaitGroup) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	wg.Add(1)
	return true
}

// later runs what goes on behind a call, for as long as there is a provider.
func (p *Provider) later(fn func()) {
	p.mu.Lock()
	if !p.over {
		p.behind.Go(fn)
		p.mu.Unlock()
		return
	}
	p.mu.Unlock()
	fn() // hard is over, so that it ends at once
}

// Call rings a telephone; see [voice.Provider].
func (p *Provider) Call(ctx context.Context, c *voice.Call) error {
	if !p.begin(&p.calls) {
		return &voice.Failure{Why: voice.WhyStopped, Err: errClosed}
	}
	defer p.calls.Done()
	select {
	case p.lines <- struct{}{}:
		defer func() { <-p.lines }()
	default:
		return &voice.Failure{Why: voice.WhyUnavailable, Err: errLines}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.soft, func() { cancel(errClosed) })() //nolint:contextcheck // the provider's own
	return p.place(ctx, c)
}

// place tries the addresses of the exchange, until one has answered anything.
func (p *Provider) place(ctx context.Context, c *voice.Call) error {
	all, err := p.addresses(ctx)
	if err != nil {
		return &voice.Failure{Why: stoppedOr(ctx, voice.WhyUnavailable), Err: err}
	}
	return p.placeAt(ctx, c, all)
}

func (p *Provider) placeAt(ctx context.Context, c *voice.Call, all []netip.AddrPort) (err error) {
	for i, to := range all {
		err = p.callBy(ctx, c, to)
		if errors.Is(err, errLost) && voice.Unrung(err) {
			// A connection that was open from the last call, and is no more.
			err = p.callBy(ctx, c, to)
		}
		if f, ok := errors.AsType[*voice.Failure](err); !ok || f.Why != voice.WhyUnavailable || f.Rang || i == len(all)-1 {
			return err
		}
	}
	return err
}

// drop closes a connection that swallows messages, unless others call by it.
func (p *Provider) drop(to netip.AddrPort) {
	if len(p.lines) <= 1 {
		p.e.drop(to)
	}
}

func (p *Provider) addresses(ctx context.Context) ([]netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.timeout())
	defer cancel()
	all, err := p.e.hop.resolve(ctx, net.DefaultResolver)
	if err == nil {
		p.e.door.known(all)
	}
	return all, err
}

// callBy places the call by one address of the exchange.
func (p *Provider) callBy(ctx context.Context, c *voice.Call, to netip.AddrPort) error {
	shut := p.e.door.open(to.Addr())
	defer shut()
	f, err := p.e.connect(ctx, to)
	if err != nil {
		return &voice.Failure{Why: stoppedOr(ctx, voice.WhyUnavailable), Err: err}
	}
	sound, err := p.sound(f, c.Reference)
	if err != nil {
		return &voice.Failure{Why: voice.WhyMedia, Err: err}
	}
	defer func() { _ = sound.Close() }()
	number := p.cfg.dialled(c.To)
	inv := &invitation{
		p: p, e: p.e, flow: f, proof: p.proof(), offer: sound.Offer(),
		leg: newLeg(p.e.address(cmp.Or(p.cfg.From, p.cfg.User, "portvakt")), p.e.address(number)),
		to:  p.e.server.uri(number, p.cfg.Domain),
	}
	inv.call = newCall(inv.leg)
	defer p.e.calls.add(inv.call)()
	defer func() { c.Trace.Status = int(inv.call.status.Load()) }()
	limit := time.NewTimer(c.Ring)
	defer limit.Stop()
	d, sdp, err := inv.ring(ctx, limit.C)
	if err != nil {
		return err
	}
	defer d.shut()
	defer p.hangUp(d, inv.call) //nolint:contextcheck // it goes on behind the call
	if err := sound.Answer(sdp); err != nil {
		return &voice.Failure{Why: voice.WhyMedia, Rang: true, Err: err}
	}
	t := talk{call: inv.call, sound: sound, c: c}
	return t.hold(ctx)
}

func (p *Provider) proof() *proof { return &proof{user: p.cfg.authUser(), password: p.cfg.Password} }

func (p *Provider) sound(f flow, attempt string) (*media.Session, error) {
	low, high, err := parsePorts(p.cfg.RTPPorts)
	if err != nil {
		return nil, err
	}
	return media.Open(media.Config{
		Local: f.local, Public: p.e.public, PortMin: low, PortMax: high,
		SRTP: p.cfg.srtp(p.e.hop.secure()), Log: p.log.With(slog.String(login.KeyAttempt, attempt)),
	})
}

// hangUp ends an answered call, unless the far side has.
func (p *Provider) hangUp(d *dialog, c *call) {
	select {
	case <-c.gone:
		return
	default:
	}
	done := make(chan struct{})
	p.later(func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(p.hard, settled)
		defer cancel()
		d.bye(ctx)
	})
	wait(done, settle)
}

// Check registers, or asks the exchange whether it is there.
func (p *Provider) Check(ctx context.Context) error {
	if p.cfg.register() {
		return p.reg.check(ctx)
	}
	if !p.begin(&p.calls) {
		return errClosed
	}
	defer p.calls.Done()
	all, err := p.addresses(ctx)
	if err != nil {
		return err
	}
	for _, to := range all {
		if err = p.ping(ctx, to); err == nil {
			return nil
		}
	}
	return err
}

// ping sends an OPTIONS. Whatever the answer, somebody is there, unless it says
// that it is not in order or does not know us.
func (p *Provider) ping(ctx context.Context, to netip.AddrPort) error {
	defer p.e.door.open(to.Addr())()
	f, err := p.e.connect(ctx, to)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.timeout())
	defer cancel()
	uri := p.e.server.uri("", p.cfg.Domain)
	l := newLeg(p.e.address(cmp.Or(p.cfg.From, p.cfg.User, "portvakt")), uri)
	res, err := p.e.do(ctx, p.proof(), func() *sip.Request {
		req := p.e.request(f, l, sip.OPTIONS, uri)
		req.AppendHeader(p.e.contact(f))
		p.e.preload(req)
		return req
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errSilent
	case err != nil:
		return err
	case res.StatusCode == sip.StatusForbidden || res.StatusCode >= 500:
		return statusError(res.StatusCode)
	}
	return nil
}
