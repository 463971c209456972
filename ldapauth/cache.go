package ldapauth

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
)

// Bounds of the cache.
const (
	keepEntries = 15 * time.Minute // long enough to sit out a directory's restart
	maxEntries  = 100_000
)

// A cache keeps accounts that were found, by the name typed in NFC. Two
// spellings are two keys: which of them mean the same person is the
// directory's matching rule to say, and folding them here could hand one
// person the entry of another. That nobody was found is not kept.
type cache struct {
	mu      sync.Mutex
	start   time.Time
	entries map[string]packed
	flights map[string]*flight
}

// A flight is a search under way that everybody who wants the same name waits
// for.
type flight struct {
	done    chan struct{}
	account login.Account
	err     error
}

func newCache() *cache {
	return &cache{start: time.Now(), entries: map[string]packed{}, flights: map[string]*flight{}}
}

// get returns an account found less than maxAge ago, or finds it.
func (c *cache) get(ctx context.Context, name string, maxAge time.Duration,
	find func(context.Context) (login.Account, error),
) (login.Account, error) {
	for {
		c.mu.Lock()
		if e, found := c.entries[name]; found && maxAge > 0 && time.Since(c.start)-e.at < min(maxAge, keepEntries) {
			c.mu.Unlock()
			return e.account(), nil
		}
		f, flying := c.flights[name]
		if !flying {
			f = &flight{done: make(chan struct{}), err: errAbandoned}
			c.flights[name] = f
			c.mu.Unlock()
			return c.fly(ctx, name, f, find)
		}
		c.mu.Unlock()
		select {
		case <-f.done:
			if errors.Is(f.err, errAbandoned) {
				continue
			}
			return f.account, f.err
		case <-ctx.Done():
			return login.Account{}, ctx.Err()
		}
	}
}

// errAbandoned is that whoever searched for all gave up: the next one must.
var errAbandoned = errors.New("ldapauth: search abandoned")

// fly searches in the caller's own goroutine and keeps what it finds.
func (c *cache) fly(ctx context.Context, name string, f *flight,
	find func(context.Context) (login.Account, error),
) (login.Account, error) {
	defer close(f.done)
	defer func() {
		c.mu.Lock()
		delete(c.flights, name)
		c.mu.Unlock()
	}()
	began := time.Since(c.start)
	account, err := find(ctx)
	if err != nil && ctx.Err() != nil && login.Refused(err) == "" {
		return account, err
	}
	f.account, f.err = account, err
	c.keep(name, &account, began, err)
	return account, err
}

// keep stores what was found. A decided "no" ends an older entry; an outage
// does not, it is what old entries are kept for.
func (c *cache) keep(name string, a *login.Account, at time.Duration, err error) {
	key, e := pack(name, a)
	e.at = at
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		if _, found := c.entries[name]; !found && len(c.entries) >= maxEntries {
			for other := range c.entries {
				delete(c.entries, other)
				break
			}
		}
		// A key that is there stays, and with it the text that it is part of.
		delete(c.entries, name)
		c.entries[key] = e
	case login.Refused(err) != "":
		delete(c.entries, name)
	}
}

// sweep drops entries that nobody may use any more.
func (c *cache) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, e := range c.entries {
		if time.Since(c.start)-e.at >= keepEntries {
			delete(c.entries, name)
		}
	}
}
