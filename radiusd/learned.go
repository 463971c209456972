package radiusd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	learnedPrefix = "learned/ma/"
	recordTimeout = 5 * time.Second
	recordTries   = 3
)

// learnedRecord is what is kept of a client so that a restart does not open the
// door again that was closed by learning.
type learnedRecord struct {
	Version int    `json:"v"`
	Require string `json:"require_message_authenticator"`
	Limit   string `json:"limit_proxy_state"`
}

// remember gives a peer what was learned of it before this start.
func (s *Server) remember(ctx context.Context, p *peer) error {
	if s.records == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	was, err := s.recall(ctx, p.name)
	if err != nil {
		return err
	}
	p.require.Store(learnedValue(was.Require))
	p.limit.Store(learnedValue(was.Limit))
	return s.rememberClock(ctx, p)
}

func (s *Server) recall(ctx context.Context, name string) (learnedRecord, error) {
	var was learnedRecord
	v, err := s.records.Get(ctx, learnedPrefix+name)
	if errors.Is(err, login.ErrNotFound) {
		return was, nil
	}
	if err != nil {
		return was, fmt.Errorf("read what was learned of client %q: %w", name, err)
	}
	if err := json.Unmarshal(v.Data, &was); err != nil {
		return was, fmt.Errorf("read what was learned of client %q: %w", name, err)
	}
	return was, nil
}

// learn logs and saves news about a client, off the path of requests.
func (s *Server) learn(c *client, signed bool) {
	p := c.peer
	attrs := []slog.Attr{slog.String(login.KeyClient, p.name), slog.String(login.KeyKey, "require_message_authenticator")}
	if signed {
		s.log.LogAttrs(context.Background(), slog.LevelInfo, "client signs its requests", attrs...)
	} else {
		s.log.LogAttrs(context.Background(), slog.LevelWarn, "client does not sign its requests", append(attrs,
			slog.String(login.KeyHint, `make it send Message-Authenticator, then set require_message_authenticator = "yes"`))...)
	}
	p.unsaved.Store(true)
	select {
	case s.news <- struct{}{}:
	default: // the writer has been woken already
	}
}

// save writes what has been learned and not been written yet.
func (s *Server) save(ctx context.Context) {
	if s.records == nil {
		return
	}
	for _, p := range s.peers.all() {
		if !p.unsaved.CompareAndSwap(true, false) {
			continue
		}
		if err := s.saveOne(ctx, p); err != nil {
			p.unsaved.Store(true)
			s.notSaved(ctx, p, err)
		}
	}
}

// saveClocks writes what is new of the clients' clocks. Little is lost with it,
// so it is done now and then.
func (s *Server) saveClocks(ctx context.Context) {
	if s.records == nil {
		return
	}
	for _, p := range s.peers.all() {
		if err := s.saveClock(ctx, p); err != nil {
			s.notSaved(ctx, p, err)
		}
	}
}

func (s *Server) notSaved(ctx context.Context, p *peer, err error) {
	s.log.LogAttrs(ctx, slog.LevelError, "learned fact not saved",
		slog.String(login.KeyClient, p.name), slog.Any(login.KeyErr, err),
		slog.String(login.KeyHint, "it is tried again; until then a restart forgets it"))
}

// saveOne writes what was learned of a client. What another server has learned
// before holds here too, as what was learned holds for good on one: else the
// last one to learn would decide, which is whoever an attacker chooses.
func (s *Server) saveOne(ctx context.Context, p *peer) error {
	return s.write(ctx, learnedPrefix+p.name, func(had []byte) ([]byte, error) {
		var was learnedRecord
		if json.Unmarshal(had, &was) == nil {
			agree(&p.require, was.Require)
			agree(&p.limit, was.Limit)
		}
		return json.Marshal(learnedRecord{1, learnedWord(p.require.Load()), learnedWord(p.limit.Load())})
	})
}

// agree takes over what was learned elsewhere.
func agree(mine *atomic.Uint32, word string) {
	if v := learnedValue(word); v != unlearned {
		mine.Store(v)
	}
}

// write replaces a record by what fn makes of it; fn may run several times.
func (s *Server) write(ctx context.Context, key string, fn func(had []byte) ([]byte, error)) error {
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	for range recordTries {
		v, err := s.records.Get(ctx, key)
		if err != nil && !errors.Is(err, login.ErrNotFound) {
			return err
		}
		data, err := fn(v.Data)
		if err != nil {
			return err
		}
		err = s.records.Swap(ctx, key, v.Rev, data)
		if !errors.Is(err, login.ErrConflict) {
			return err
		}
	}
	return login.ErrConflict
}
