package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	sessionPrefix = "session/"
	// endAtOnce is how many sessions are changed at a time when a device has
	// begun anew: they share commits.
	endAtOnce = 128
	// expireEvery is how often sessions are looked for that are too old.
	expireEvery = time.Hour
)

// Sessions keeps what devices account for in a KV. One process records, or where
// [SessionsConfig.Shared] says so several; others may list meanwhile. What it must
// know of each session to bound them, and to end those of a device, it has in
// memory, less than 200 octets a session. Where others record too it reads before
// it acts on sessions, each hour, and before those of a person or a device end.
type Sessions struct {
	seed maphash.Seed

	mu    sync.RWMutex // of what Use exchanges
	kv    KV
	key   []byte
	cfg   SessionsConfig
	index sessionIndex
}

// NewSessions keeps sessions in kv. Names of records are hashes with key, since
// names are not sealed. Call Load before the first Record.
func NewSessions(kv KV, key []byte, cfg SessionsConfig) *Sessions {
	return &Sessions{seed: maphash.MakeSeed(), kv: kv, key: key, cfg: cfg}
}

// Use puts another configuration and KV, over the same database, in force.
func (s *Sessions) Use(kv KV, key []byte, cfg SessionsConfig) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kv, s.key, s.cfg = kv, key, cfg
}

// inForce returns what is in force.
func (s *Sessions) inForce() (KV, []byte, SessionsConfig) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.kv, s.key, s.cfg
}

// Load reads which sessions there are; all that open, when it returns an
// [UnopenedError].
func (s *Sessions) Load(ctx context.Context) error {
	kv, _, _ := s.inForce()
	return s.load(ctx, kv, sessionPrefix)
}

// catchUp reads what others have recorded. Sessions that do not open hide no
// others; who lists them is told.
func (s *Sessions) catchUp(ctx context.Context, kv KV, cfg SessionsConfig, prefix string) error {
	if !cfg.Shared {
		return nil
	}
	_, err := Unopened(s.load(ctx, kv, prefix))
	return err
}

func (s *Sessions) load(ctx context.Context, kv KV, prefix string) error {
	var all []*known
	err := s.scan(ctx, kv, prefix, func(key string, rec *session) error {
		if k := s.known(key, rec); k != nil {
			all = append(all, k)
		}
		return nil
	})
	if _, other := Unopened(err); other == nil {
		s.index.fill(all)
	}
	if err != nil {
		return fmt.Errorf("read sessions: %w", err)
	}
	return nil
}

// Record keeps what a report tells and returns when that is durable. A report
// about a whole device ends its sessions that began before.
func (s *Sessions) Record(ctx context.Context, r login.SessionReport) error {
	switch r.Status {
	case login.SessionOn, login.SessionOff:
		return s.endAll(ctx, &r)
	case login.SessionStart, login.SessionInterim, login.SessionStop:
	case login.SessionOther:
		return nil
	}
	kv, secret, cfg := s.inForce()
	id := sessionID(secret, r.NAS, r.ID, r.User)
	key := sessionKey(r.Client, id)
	if !s.index.has(r.Client, id) {
		defer s.index.release(r.Client)
		if err := s.makeRoom(ctx, kv, cfg, r.Client); err != nil {
			return err
		}
	}
	return s.change(ctx, kv, key, s.index.has(r.Client, id), func(rec *session, found bool) (bool, error) {
		if found && rec.replaces(&r) {
			if err := s.setAside(ctx, kv, cfg, secret, id, rec); err != nil {
				return false, err
			}
			found = false
		}
		if !found {
			writes := rec.Writes
			*rec = newSession(&r)
			rec.Writes = writes
		}
		rec.take(&r)
		return true, nil
	})
}

// change replaces a record by what fn makes of it; fn may run several times.
// expected is whether there should be one.
func (s *Sessions) change(ctx context.Context, kv KV, key string, expected bool, fn func(rec *session, found bool) (bool, error)) error {
	for range maxTries {
		var rec session
		var v Value
		var err error
		if expected {
			if v, err = kv.Get(ctx, key); err == nil {
				rec, err = decodeSession(key, v)
			}
			if err != nil && !errors.Is(err, login.ErrNotFound) {
				return err
			}
		}
		if changed, err := fn(&rec, v.Rev != 0); err != nil || !changed {
			return err
		}
		data, err := rec.encode()
		if err != nil {
			return fmt.Errorf("session %q: %w", key, err)
		}
		if err = kv.Swap(ctx, key, v.Rev, data); err == nil {
			s.index.note(s.known(key, &rec))
			return nil
		}
		if !errors.Is(err, login.ErrConflict) {
			return err
		}
		expected = true
	}
	return fmt.Errorf("session %q: %w", key, login.ErrConflict)
}

// setAside gives a record another name, so that its own is free. It is then one
// more, and makes room as any other.
func (s *Sessions) setAside(ctx context.Context, kv KV, cfg SessionsConfig, secret, id []byte, old *session) error {
	rec := *old
	if rec.Ended == 0 {
		rec.end(time.Unix(rec.Heard, 0), "id_used_again")
	}
	key := sessionKey(rec.Client, sessionID(secret, string(id), "", strconv.FormatInt(rec.Ended, 10)))
	data, err := rec.encode()
	if err != nil {
		return err
	}
	defer s.index.release(rec.Client)
	if err := s.makeRoom(ctx, kv, cfg, rec.Client); err != nil {
		return err
	}
	err = kv.Swap(ctx, key, 0, data)
	if errors.Is(err, login.ErrConflict) {
		return nil // an earlier try has done it
	}
	if err == nil {
		s.index.note(s.known(key, &rec))
	}
	return err
}

// endAll ends the sessions of a device that has begun anew.
func (s *Sessions) endAll(ctx context.Context, r *login.SessionReport) error {
	kv, _, cfg := s.inForce()
	if err := s.catchUp(ctx, kv, cfg, sessionsOf(r.Client)); err != nil {
		return err
	}
	before := r.At.Unix()
	if r.Status == login.SessionOff {
		before++ // when it begins anew, sessions may begin in the same second
	}
	keys := s.index.running(r.Client, s.hash(r.NAS), before)
	return inParallel(keys, func(key string) error {
		return s.change(ctx, kv, key, true, func(rec *session, found bool) (bool, error) {
			if !found || rec.NAS != r.NAS || rec.Ended != 0 || rec.Started >= before {
				return false, nil
			}
			rec.end(r.At, "accounting_"+string(r.Status))
			return true, nil
		})
	})
}

// makeRoom reserves a place, and removes a session when there are as many as may
// be.
func (s *Sessions) makeRoom(ctx context.Context, kv KV, cfg SessionsConfig, client string) error {
	return s.remove(ctx, kv, s.index.surplus(client, cfg.ofClient(), cfg.MaxSessions))
}

// Expire removes the sessions that are older than they are kept.
func (s *Sessions) Expire(ctx context.Context, now time.Time) error {
	kv, _, cfg := s.inForce()
	if err := s.catchUp(ctx, kv, cfg, sessionPrefix); err != nil {
		return err
	}
	return s.remove(ctx, kv, s.index.before(now.Add(-cfg.keep()).Unix()))
}

// Run removes old sessions until ctx ends, and tells failed of what went wrong.
func (s *Sessions) Run(ctx context.Context, failed func(error)) {
	ticker := time.NewTicker(expireEvery)
	defer ticker.Stop()
	for {
		if err := s.Expire(ctx, time.Now()); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// remove deletes sessions that are out of the index already. One that could not
// be deleted comes back.
func (s *Sessions) remove(ctx context.Context, kv KV, all []*known) error {
	return inParallel(all, func(k *known) error {
		key := sessionKey(k.client.name, k.id[:])
		v, err := kv.Get(ctx, key)
		if err == nil {
			err = kv.Swap(ctx, key, v.Rev, nil)
		}
		switch {
		case err == nil, errors.Is(err, login.ErrNotFound), errors.Is(err, login.ErrConflict):
			return nil // whoever changed it meanwhile has noted it again
		}
		s.index.note(k)
		return err
	})
}

// inParallel calls fn for each, some at a time, and returns the first error.
func inParallel[T any](all []T, fn func(T) error) error {
	if len(all) == 1 {
		return fn(all[0])
	}
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	slots := make(chan struct{}, endAtOnce)
	for _, one := range all {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := fn(one); err != nil {
				once.Do(func() { first = err })
			}
		})
	}
	wg.Wait()
	return first
}

// sessionID names a session: the device, its id, and whose it is.
func sessionID(secret []byte, nas, id, user string) []byte {
	h := hmac.New(sha256.New, secret)
	for _, part := range []string{nas, id, user} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part)))) //nolint:gosec // an attribute's length
		h.Write([]byte(part))
	}
	return h.Sum(nil)[:idLen]
}

func sessionsOf(client string) string { return sessionPrefix + url.QueryEscape(client) + "/" }

func sessionKey(client string, id []byte) string { return sessionsOf(client) + hex.EncodeToString(id) }
