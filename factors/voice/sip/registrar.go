package sip

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/portvakt/portvakt/login"
)

// How long it waits before it tries again. An exchange that does not take the
// password is asked seldom: it counts, and may lock this machine out.
const (
	firstRetry   = 2 * time.Second
	longestRetry = 5 * time.Minute
	refusedRetry = 10 * time.Minute
	least        = 30 * time.Second // between two registrations that worked
)

// A registrar keeps a registration (RFC 3261, section 10), for exchanges that
// place calls for registered users only. Nobody can call us by it.
type registrar struct {
	p     *Provider
	leg   *leg
	proof *proof
	asks  time.Duration

	try   func(context.Context) (*registration, error)
	leave func(*registration)

	first chan struct{} // closed when the first attempt is over
	mu    sync.Mutex
	err   error
}

func newRegistrar(p *Provider) *registrar {
	self := p.e.address(p.cfg.User)
	r := &registrar{
		p: p, leg: newLeg(self, self), proof: p.proof(), asks: p.cfg.expires(),
		first: make(chan struct{}), err: errNotRegistered,
	}
	r.try, r.leave = r.register, r.remove
	return r
}

var errNotRegistered = errors.New("not registered at the exchange yet")

// check waits for the first attempt and tells how the last one ended.
func (r *registrar) check(ctx context.Context) error {
	select {
	case <-r.first:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// keep registers, again before each registration ends, until the provider is
// closed.
func (r *registrar) keep() {
	retry := firstRetry
	var at *registration
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-r.p.soft.Done():
			r.leave(at)
			return
		}
		now, err := r.try(r.p.soft)
		if r.p.soft.Err() != nil && err != nil {
			r.leave(at)
			return
		}
		r.tell(err, at != nil)
		if err == nil {
			at, retry = now, firstRetry
			timer.Reset(max(least, at.lasts*4/5))
			continue
		}
		at = nil
		wait := retry
		if refused(err) {
			wait = refusedRetry
		}
		retry = min(2*retry, longestRetry)
		timer.Reset(wait + rand.N(wait/4)) //nolint:gosec // only so that machines do not come together
	}
}

// tell remembers how an attempt ended, and logs a change.
func (r *registrar) tell(err error, was bool) {
	r.mu.Lock()
	before := r.err
	r.err = err
	r.mu.Unlock()
	select {
	case <-r.first:
	default:
		close(r.first)
	}
	server := slog.String(login.KeyServer, r.p.e.server.host)
	switch {
	case err == nil && !was:
		r.p.log.Info("registered at the exchange", server)
	case err != nil && (before == nil || before.Error() != err.Error()):
		r.p.log.Warn("not registered at the exchange", server, slog.String(login.KeyErr, err.Error()))
	}
}

func refused(err error) bool {
	var status statusError
	return errors.Is(err, errCredentials) || errors.Is(err, errNoPassword) || errors.Is(err, errChallenge) ||
		errors.As(err, &status) && status >= 400 && status < 500
}

// A registration is where and how long we are known.
type registration struct {
	flow  flow
	lasts time.Duration
}

func (r *registrar) register(ctx context.Context) (*registration, error) {
	all, err := r.p.addresses(ctx)
	if err != nil {
		return nil, err
	}
	for _, to := range all {
		var at *registration
		if at, err = r.at(ctx, to); err == nil || refused(err) {
			return at, err
		}
	}
	return nil, err
}

// at registers at one address of the exchange.
func (r *registrar) at(ctx context.Context, to netip.AddrPort) (*registration, error) {
	defer r.p.e.door.open(to.Addr())()
	f, err := r.p.e.connect(ctx, to)
	if err != nil {
		return nil, err
	}
	for range 2 {
		res, err := r.ask(ctx, f, r.asks)
		if err != nil {
			return nil, err
		}
		if res.StatusCode == sip.StatusIntervalToBrief {
			if least := seconds(res.GetHeader("Min-Expires")); least > r.asks && least <= maxExpires {
				r.asks = least
				continue
			}
		}
		if !res.IsSuccess() {
			return nil, statusError(res.StatusCode)
		}
		return &registration{flow: f, lasts: r.granted(res, f)}, nil
	}
	return nil, statusError(sip.StatusIntervalToBrief)
}

// ask sends a REGISTER for so long; for no time to remove it.
func (r *registrar) ask(ctx context.Context, f flow, expires time.Duration) (*sip.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, r.p.cfg.timeout())
	defer cancel()
	uri := r.p.e.server.uri("", r.p.cfg.Domain)
	res, err := r.p.e.do(ctx, r.proof, func() *sip.Request {
		req := r.p.e.request(f, r.leg, sip.REGISTER, uri)
		req.AppendHeader(r.p.e.contact(f))
		req.AppendHeader(sip.NewHeader("Expires", strconv.Itoa(int(expires.Seconds()))))
		r.p.e.preload(req)
		return req
	})
	if errors.Is(err, context.DeadlineExceeded) {
		r.p.drop(f.to)
		return nil, errSilent
	}
	return res, err
}

// granted is how long the exchange keeps our contact (RFC 3261, section
// 10.2.4).
func (r *registrar) granted(res *sip.Response, f flow) time.Duration {
	lasts := r.asks
	if given := seconds(res.GetHeader("Expires")); given > 0 {
		lasts = given
	}
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*sip.ContactHeader)
		if !ok || c.Address.Host != f.host || c.Address.Port != f.port {
			continue
		}
		if text, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.ParseUint(text, 10, 32); err == nil {
				lasts = time.Duration(n) * time.Second
			}
		}
	}
	return min(lasts, maxExpires)
}

func seconds(h sip.Header) time.Duration {
	if h == nil {
		return 0
	}
	n, err := strconv.ParseUint(h.Value(), 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// remove ends the registration, if the exchange answers soon.
func (r *registrar) remove(at *registration) {
	if at == nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.p.hard, settle)
	defer cancel()
	_, _ = r.ask(ctx, at.flow, 0)
}
