package cloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

const (
	// pollEvery is how often the service is asked how a call stands.
	pollEvery = time.Second
	// maxMisses is how many times in a row it may not answer that.
	maxMisses = 5
)

// Telnyx calls through Telnyx Verify: the service says its own words, and key 1
// approves. It is safe for concurrent use. It cannot ask for other keys, dial
// extensions, or end a call.
type Telnyx struct {
	cfg     Config
	service *service
	log     *slog.Logger
	every   time.Duration
	ended   chan struct{}
	close   func()

	mu      sync.Mutex
	calls   int
	calling sync.WaitGroup
}

func newTelnyx(cfg Config, log *slog.Logger) (*Telnyx, error) {
	s, err := newService(cfg, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+cfg.Token.Reveal()) })
	if err != nil {
		return nil, err
	}
	t := &Telnyx{cfg: cfg, service: s, log: log, every: pollEvery, ended: make(chan struct{})}
	t.close = sync.OnceFunc(func() { close(t.ended) })
	return t, nil
}

// Name is the provider's name in the configuration.
func (t *Telnyx) Name() string { return t.cfg.Name }

// errUnsupported is a call that the service cannot make.
var errUnsupported = errors.New("the service only knows \"press 1\": no digits to match, PIN, extension or mere telling")

// A verification is how a call stands.
type verification struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// Call rings the telephone. See [voice.Provider].
func (t *Telnyx) Call(ctx context.Context, c *voice.Call) error {
	if c.Keys == nil || !c.OneKey || c.To.Extension() != "" {
		return &voice.Failure{Why: voice.WhyRefused, Err: errUnsupported}
	}
	if err := t.enter(); err != nil {
		return err
	}
	defer t.leave()
	body, err := json.Marshal(map[string]string{"phone_number": c.To.E164(), "verify_profile_id": t.cfg.Profile})
	if err != nil {
		return &voice.Failure{Why: voice.WhyRefused, Err: err}
	}
	r, err := t.service.ask(ctx, http.MethodPost, "/v2/verifications/dtmf_confirm", "application/json", string(body))
	if err != nil {
		return unplaced(ctx, err)
	}
	if !r.ok() {
		return refused(r, "")
	}
	begun, err := r.verification()
	if err != nil {
		return &voice.Failure{Why: voice.WhyUnavailable, Rang: true, Err: err}
	}
	t.log.Debug("call placed", slog.String(login.KeyProvider, t.cfg.Name), slog.String(login.KeyAttempt, c.Reference))
	return t.follow(ctx, c, begun)
}

func (t *Telnyx) enter() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.ended:
		return &voice.Failure{Why: voice.WhyStopped}
	default:
	}
	if t.calls >= maxCalls {
		return &voice.Failure{Why: voice.WhyUnavailable, Err: fmt.Errorf("%d calls are in progress", maxCalls)}
	}
	t.calls++
	t.calling.Add(1)
	return nil
}

func (t *Telnyx) leave() {
	t.mu.Lock()
	t.calls--
	t.mu.Unlock()
	t.calling.Done()
}

// verification reads a reply.
func (r reply) verification() (verification, error) {
	var v struct {
		Data verification `json:"data"`
	}
	if err := json.Unmarshal(r.body, &v); err != nil || !uuidForm.MatchString(v.Data.ID) {
		return v.Data, errors.New("the reply does not name the call")
	}
	return v.Data, nil
}

// follow polls until the call is decided or takes too long.
func (t *Telnyx) follow(ctx context.Context, c *voice.Call, v verification) error {
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	limit := time.NewTimer(c.Ring + c.Talk + grace)
	defer limit.Stop()
	id, misses := v.ID, 0
	for {
		if over, err := verdict(c, v.Status); over {
			return err
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return &voice.Failure{Why: voice.WhyNoKey, Rang: true}
		case <-ctx.Done():
			return &voice.Failure{Why: voice.WhyStopped, Rang: true, Err: ctx.Err()}
		case <-t.ended:
			return &voice.Failure{Why: voice.WhyStopped, Rang: true}
		}
		now, err := t.poll(ctx, id)
		if err != nil {
			if misses++; misses >= maxMisses {
				return &voice.Failure{Why: voice.WhyUnavailable, Rang: true, Err: err}
			}
			continue
		}
		v, misses = now, 0
	}
}

func (t *Telnyx) poll(ctx context.Context, id string) (verification, error) {
	r, err := t.service.ask(ctx, http.MethodGet, "/v2/verifications/"+id, "", "")
	if err != nil {
		return verification{}, err
	}
	if !r.ok() {
		return verification{}, fmt.Errorf("status %d", r.status)
	}
	v, err := r.verification()
	if err == nil && v.ID != id {
		return v, errors.New("the reply is of another call")
	}
	return v, err
}

// verdict is what a state of the call means. The service's key 1 is our #.
func verdict(c *voice.Call, state string) (over bool, err error) {
	switch state {
	case "accepted":
		if decided, answer := c.Keys('#'); decided {
			return true, answer
		}
		return true, &voice.Failure{Why: voice.WhyNoKey, Rang: true, Err: errUnsupported}
	case "invalid": // three other keys
		return true, login.ErrDenied
	case "expired":
		return true, &voice.Failure{Why: voice.WhyNoKey, Rang: true}
	case "error":
		return true, &voice.Failure{Why: voice.WhyNoAnswer, Rang: true}
	}
	return false, nil
}

// Check asks the service for the profile.
func (t *Telnyx) Check(ctx context.Context) error {
	r, err := t.service.ask(ctx, http.MethodGet, "/v2/verify_profiles/"+t.cfg.Profile, "", "")
	if err != nil {
		return err
	}
	if !r.ok() {
		return refused(r, "")
	}
	return nil
}

// Close ends the waiting for calls in progress.
func (t *Telnyx) Close() error {
	t.mu.Lock()
	t.close()
	t.mu.Unlock()
	t.calling.Wait()
	t.service.close()
	return nil
}
