package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
)

// List calls fn for each session, of one client unless it is "", until fn
// returns an error, which List returns. When some cannot be read, fn gets all others
// before List returns an [UnopenedError]. It needs no Load.
func (s *Sessions) List(ctx context.Context, client string, fn func(login.Session) error) error {
	kv, _, _ := s.inForce()
	prefix := sessionPrefix
	if client != "" {
		prefix = sessionsOf(client)
	}
	return s.scan(ctx, kv, prefix, func(_ string, rec *session) error { return fn(rec.session()) })
}

func (s *Sessions) scan(ctx context.Context, kv KV, prefix string, fn func(key string, rec *session) error) error {
	return kv.Scan(ctx, prefix, func(key string, v Value) error {
		rec, err := decodeSession(key, v)
		if err != nil {
			return err
		}
		return fn(key, &rec)
	})
}

// Reported returns the session that a report was about, which was recorded.
func (s *Sessions) Reported(ctx context.Context, r *login.SessionReport) (login.Session, error) {
	kv, secret, _ := s.inForce()
	key := sessionKey(r.Client, sessionID(secret, r.NAS, r.ID, r.User))
	v, err := kv.Get(ctx, key)
	if err != nil {
		return login.Session{}, err
	}
	rec, err := decodeSession(key, v)
	return rec.session(), err
}

// Of returns the sessions under way of an account, and of those without one
// that have the user name, in any case. It needs Load.
func (s *Sessions) Of(ctx context.Context, account, user string, now time.Time) ([]login.Session, error) {
	kv, _, cfg := s.inForce()
	if err := s.catchUp(ctx, kv, cfg, sessionPrefix); err != nil {
		return nil, err
	}
	var keys []string
	byAccount, byUser := s.hash(account), s.hash(foldUser(user))
	s.index.mu.Lock()
	for _, c := range s.index.clients {
		for k := c.running.next; k != &c.running; k = k.next {
			if k.account != 0 && k.account == byAccount || k.user != 0 && k.user == byUser {
				keys = append(keys, sessionKey(c.name, k.id[:]))
			}
		}
	}
	s.index.mu.Unlock()
	var found []login.Session
	for _, key := range keys {
		v, err := kv.Get(ctx, key)
		if errors.Is(err, login.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rec, err := decodeSession(key, v)
		if err != nil {
			return nil, err
		}
		if is := rec.session(); is.Active(now, cfg.Stale) && SessionOf(&is, account, user) {
			found = append(found, is)
		}
	}
	return found, nil
}

// SessionOf reports whether a session is that of an account, or, when it is not
// known whose it is, has the user name.
func SessionOf(s *login.Session, account, user string) bool {
	if s.AccountID != "" && account != "" {
		return s.AccountID == account
	}
	return user != "" && foldUser(s.User) == foldUser(user)
}

// Counts returns how many sessions are kept, and how many are under way.
func (s *Sessions) Counts(now time.Time) (kept, active int) {
	_, _, cfg := s.inForce()
	since := now.Add(-cfg.Stale).Unix()
	s.index.mu.Lock()
	defer s.index.mu.Unlock()
	for _, c := range s.index.clients {
		for k := c.running.next; k != &c.running; k = k.next {
			if k.heard > since {
				active++
			}
		}
	}
	return s.index.count, active
}

// foldUser is how user names are compared: as directories do, in any case.
func foldUser(user string) string { return strings.ToLower(user) }
