package radiusd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/portvakt/portvakt/login"
)

const (
	clockPrefix  = "learned/clock/"
	clockVersion = 1
)

// clockRecord is what is kept of a client's clock, so that a restart does not
// begin with sign-ins that are answered too late.
type clockRecord struct {
	Version int     `json:"v"`
	Resends samples `json:"resends,omitempty"`
	GivenUp samples `json:"given_up,omitempty"`
	Waits   samples `json:"waits,omitempty"`
}

// restore takes over what was kept. What another version has written is
// forgotten: it is learned again.
func (c *clock) restore(data []byte) error {
	var was clockRecord
	if err := json.Unmarshal(data, &was); err != nil {
		return err
	}
	if was.Version != clockVersion {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.resends, c.givenUp, c.waits = was.Resends.last(), was.GivenUp.last(), was.Waits.last()
	c.changed()
	c.unsaved = false
	return nil
}

// last keeps no more than there is room for.
func (s samples) last() samples { return s[max(0, len(s)-maxSamples):] }

// record returns what is to be kept, when that is news.
func (c *clock) record() (data []byte, news bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.unsaved {
		return nil, false, nil
	}
	c.unsaved = false
	data, err = json.Marshal(clockRecord{clockVersion, c.resends, c.givenUp, c.waits})
	return data, true, err
}

// saveClock writes what is new of a client's clock.
func (s *Server) saveClock(ctx context.Context, p *peer) error {
	data, news, err := p.clock.record()
	if err == nil && news {
		err = s.write(ctx, clockPrefix+p.name, func([]byte) ([]byte, error) { return data, nil })
	}
	if err != nil {
		p.clock.mu.Lock()
		p.clock.unsaved = true
		p.clock.mu.Unlock()
	}
	return err
}

// rememberClock gives a peer what was learned of its clock before this start.
func (s *Server) rememberClock(ctx context.Context, p *peer) error {
	v, err := s.records.Get(ctx, clockPrefix+p.name)
	if errors.Is(err, login.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the clock of client %q: %w", p.name, err)
	}
	if err := p.clock.restore(v.Data); err != nil {
		// It is no reason not to start.
		s.log.LogAttrs(ctx, slog.LevelWarn, "what was learned of a client's clock cannot be read and is learned again",
			slog.String(login.KeyClient, p.name), slog.Any(login.KeyErr, err))
	}
	return nil
}
