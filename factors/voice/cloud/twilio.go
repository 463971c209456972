package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

// Bounds of a call.
const (
	maxCalls = 1024
	// hangupWithin is how long hanging up may take.
	hangupWithin = 5 * time.Second
	// endWithin is how long the last words may take after the answer.
	endWithin = 15 * time.Second
	// heardWithin is how long the service may be silent about a call that it
	// took without our reading its reply.
	heardWithin = 10 * time.Second
	// grace is how much later than the call itself its last word may come.
	grace = 15 * time.Second
)

// Twilio calls through Twilio Programmable Voice. It is safe for concurrent
// use. Keys come to its listener, see [Listener].
type Twilio struct {
	cfg     Config
	service *service
	base    *url.URL // callback_url
	log     *slog.Logger
	ended   chan struct{} // closed by Close

	mu      sync.Mutex
	calls   map[string]*dialogue // by the path of each
	closed  bool
	front   *front // nil until it listens
	calling sync.WaitGroup
}

func newTwilio(cfg Config, log *slog.Logger) (*Twilio, error) {
	base, err := url.Parse(strings.TrimRight(cfg.CallbackURL, "/"))
	if err != nil {
		return nil, errors.New("callback_url: is no address")
	}
	s, err := newService(cfg, func(r *http.Request) {
		if cfg.APIKey != "" {
			r.SetBasicAuth(cfg.APIKey, cfg.APISecret.Reveal())
			return
		}
		r.SetBasicAuth(cfg.Account, cfg.Token.Reveal())
	})
	if err != nil {
		return nil, err
	}
	return &Twilio{
		cfg: cfg, service: s, base: base, log: log,
		ended: make(chan struct{}), calls: make(map[string]*dialogue),
	}, nil
}

// Name is the provider's name in the configuration.
func (t *Twilio) Name() string { return t.cfg.Name }

// Call rings the telephone. See [voice.Provider].
func (t *Twilio) Call(ctx context.Context, c *voice.Call) error {
	d := newDialogue(c, t.base.String())
	if err := t.enter(d); err != nil {
		return err
	}
	defer t.leave(d)
	if ctx.Err() != nil {
		return &voice.Failure{Why: voice.WhyStopped, Err: ctx.Err()}
	}
	if err := t.place(ctx, d); err != nil {
		return err
	}
	return t.follow(ctx, d)
}

func (t *Twilio) enter(d *dialogue) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return &voice.Failure{Why: voice.WhyStopped, Err: net.ErrClosed}
	case len(t.calls) >= maxCalls:
		return &voice.Failure{Why: voice.WhyUnavailable, Err: fmt.Errorf("%d calls are in progress", maxCalls)}
	}
	t.calls[d.id] = d
	t.calling.Add(1)
	return nil
}

// leave forgets the path: what comes late is not found.
func (t *Twilio) leave(d *dialogue) {
	t.mu.Lock()
	delete(t.calls, d.id)
	t.mu.Unlock()
	t.calling.Done()
}

// place asks the service to call. It waits for the reply even when ctx ends:
// without the call's name nobody could make the telephone fall silent.
func (t *Twilio) place(ctx context.Context, d *dialogue) error {
	c := d.call
	form := url.Values{
		"To": {c.To.E164()}, "From": {t.cfg.From},
		"Timeout":              {seconds(c.Ring)},
		"TimeLimit":            {seconds(c.Talk + endWithin)},
		"StatusCallback":       {d.address + "/status"},
		"StatusCallbackMethod": {http.MethodPost},
		"StatusCallbackEvent":  {"ringing", "answered", "completed"},
	}
	if doc, address := d.first(); address == "" {
		form.Set("Twiml", doc)
	} else {
		form.Set("Url", address)
		form.Set("Method", http.MethodPost)
	}
	if digits := c.To.Extension(); digits != "" {
		form.Set("SendDigits", strings.Repeat("ww", c.To.Pauses())+digits) // half a second each, for the exchange to listen
	}
	r, err := t.service.ask(context.WithoutCancel(ctx), http.MethodPost, t.resource("/Calls.json"),
		"application/x-www-form-urlencoded", form.Encode())
	if err != nil {
		return t.lost(ctx, d, unplaced(ctx, err))
	}
	if !r.ok() {
		return refusedCall(r)
	}
	var call struct {
		SID string `json:"sid"`
	}
	if err := json.Unmarshal(r.body, &call); err != nil || !d.is(call.SID) {
		return t.lost(ctx, d, &voice.Failure{
			Why: voice.WhyUnavailable, Rang: true,
			Err: fmt.Errorf("status %d, but the reply does not name the call", r.status),
		})
	}
	t.log.Debug("call placed", slog.String(login.KeyProvider, t.cfg.Name), slog.String(login.KeyAttempt, c.Reference))
	return nil
}

// lost is for a call of which nobody knows whether it was placed: the service
// tells by speaking of it.
func (t *Twilio) lost(ctx context.Context, d *dialogue, err error) error {
	if voice.Unrung(err) {
		return err
	}
	timer := time.NewTimer(heardWithin)
	defer timer.Stop()
	select {
	case <-d.heard:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	case <-t.ended:
	}
	return err
}

// follow waits for the end of a call that was placed.
func (t *Twilio) follow(ctx context.Context, d *dialogue) error {
	limit := time.NewTimer(d.call.Ring + d.call.Talk + grace)
	defer limit.Stop()
	why := voice.WhyStopped
	var cause error
	select {
	case err := <-d.over:
		return err
	case <-d.decided:
		limit.Reset(endWithin)
		select {
		case err := <-d.over:
			return err
		case <-limit.C:
		case <-ctx.Done():
		case <-t.ended:
		}
	case <-limit.C:
		why, cause = voice.WhyUnavailable, errors.New("the service does not say how the call ended: can it reach callback_url?")
	case <-ctx.Done():
		cause = ctx.Err()
	case <-t.ended:
		cause = net.ErrClosed
	}
	t.hangUp(ctx, d)
	if _, done, answer := d.state(); done {
		return answer
	}
	return &voice.Failure{Why: why, Rang: true, Err: cause}
}

// hangUp ends a call, ringing or talking, also when ctx has ended.
func (t *Twilio) hangUp(ctx context.Context, d *dialogue) {
	sid, _, _ := d.state()
	if sid == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hangupWithin)
	defer cancel()
	r, err := t.service.ask(ctx, http.MethodPost, t.resource("/Calls/"+sid+".json"),
		"application/x-www-form-urlencoded", url.Values{"Status": {"completed"}}.Encode())
	if err == nil && !r.ok() {
		err = fmt.Errorf("status %d", r.status)
	}
	if err != nil {
		t.log.Warn("a call could not be ended", slog.String(login.KeyProvider, t.cfg.Name),
			slog.String(login.KeyAttempt, d.call.Reference), slog.Any(login.KeyErr, err))
	}
}

// Check asks the service for the account's calls, which needs the rights that
// calling does.
func (t *Twilio) Check(ctx context.Context) error {
	r, err := t.service.ask(ctx, http.MethodGet, t.resource("/Calls.json")+"?PageSize=1", "", "")
	if err != nil {
		return err
	}
	if !r.ok() {
		return refusedCall(r)
	}
	return nil
}

// Close ends calls in progress and the listener.
func (t *Twilio) Close() error {
	t.mu.Lock()
	first := !t.closed
	t.closed = true
	front := t.front
	t.mu.Unlock()
	if !first {
		return nil
	}
	close(t.ended)
	t.calling.Wait()
	var err error
	if front != nil {
		err = front.leave(t)
	}
	t.service.close()
	return err
}

func (t *Twilio) resource(rest string) string { return "/2010-04-01/Accounts/" + t.cfg.Account + rest }

// refusedCall is the Failure of a reply, with the number that the service's
// list of errors has.
func refusedCall(r reply) error {
	var said struct {
		Code int `json:"code"`
	}
	_ = json.Unmarshal(r.body, &said) // there may be none
	if said.Code == 0 {
		return refused(r, "")
	}
	f := refused(r, fmt.Sprintf(", code %d", said.Code))
	switch said.Code {
	case 13223, 13224, 21211, 21214, 21217: // the number is none, or cannot be reached
		f.Why = voice.WhyUnreachable
	}
	return f
}

// seconds writes a duration as the service wants it, at least 1.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int((d+time.Second-1)/time.Second)))
}
