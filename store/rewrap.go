package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/portvakt/portvakt/login"
)

const (
	// checkPrefix is of the records that name the keys values are sealed
	// under, one for each key that was ever active and not rewrapped away.
	checkPrefix = "sealed/key/"
	checkText   = "portvakt"

	// rewrapWorkers swap at a time, so that they share commits.
	rewrapWorkers = 64
	// maxTries bounds how often a change is tried when others are faster.
	maxTries = 100
)

// IsCheck reports whether a key is that of a record about a key of the ring,
// which only this package reads.
func IsCheck(key string) bool { return strings.HasPrefix(key, checkPrefix) }

func checkRecord(id byte) string { return fmt.Sprintf("%s%d", checkPrefix, id) }

// activeID is the key s seals under: the first octet of what it seals.
func activeID(s login.Sealer) (byte, error) {
	b, err := s.Seal("", nil)
	if err != nil || len(b) == 0 {
		return 0, errors.Join(errors.New("store: nothing can be sealed"), err)
	}
	return b[0], nil
}

// CheckKey refuses a database whose values are sealed under keys that s does
// not have, before anything is read or written with the wrong ones. In a new
// database it leaves a record to check by. s is a [Ring.Sealer], kv is the one
// below [Sealed].
func CheckKey(ctx context.Context, kv KV, s login.Sealer) error {
	id, err := activeID(s)
	if err != nil {
		return err
	}
	errEnough := errors.New("enough")
	checks, have := 0, false
	err = kv.Scan(ctx, checkPrefix, func(key string, v Value) error {
		checks++
		have = have || key == checkRecord(id)
		return explain(s, key, v)
	})
	if err == nil && checks == 0 {
		err = kv.Scan(ctx, "", func(key string, v Value) error {
			if err := explain(s, key, v); err != nil {
				return err
			}
			return errEnough // one value tells enough
		})
		if errors.Is(err, errEnough) {
			err = nil
		}
	}
	if err != nil || have {
		return err
	}
	sealed, err := s.Seal(checkRecord(id), []byte(checkText))
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	err = kv.Swap(ctx, checkRecord(id), 0, sealed)
	if errors.Is(err, login.ErrConflict) {
		return nil
	}
	return err
}

// explain says what an operator can do about a value that does not open.
func explain(s login.Sealer, key string, v Value) error {
	_, err := s.Open(key, v.Data)
	switch {
	case errors.Is(err, ErrMissingKey):
		return fmt.Errorf("the database has values under a key that the key ring lacks: %w; put the key back into the "+
			"key ring, and remove it only after \"portvakt rewrap\"", err)
	case err != nil:
		return fmt.Errorf("the key ring is not the one this database was sealed with: %w; use the key ring that was "+
			"saved with the database", err)
	}
	return nil
}

// Rewrap seals all values of kv, the one below [Sealed], again that are not
// under the active key of s, and returns how many. Afterwards the other keys
// can be removed from the ring, when every daemon that writes the database has
// the new ring. With values that do not open it does what it can and returns an
// [UnopenedError]: then the other keys must stay.
func Rewrap(ctx context.Context, kv KV, s login.Sealer) (changed int, err error) {
	if err := CheckKey(ctx, kv, s); err != nil {
		return 0, err
	}
	active, err := activeID(s)
	if err != nil {
		return 0, err
	}
	var done atomic.Int64
	err = reseal(ctx, kv, s, active, &done)
	if err != nil {
		return int(done.Load()), err
	}
	return int(done.Load()), dropChecks(ctx, kv, active)
}

func reseal(ctx context.Context, kv KV, s login.Sealer, active byte, done *atomic.Int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	keys := make(chan string)
	var mu sync.Mutex
	var unopened UnopenedError
	var wg sync.WaitGroup
	for range rewrapWorkers {
		wg.Go(func() {
			for key := range keys {
				switch did, err := resealOne(ctx, kv, s, active, key); {
				case errors.Is(err, ErrSealed), errors.Is(err, ErrMissingKey):
					mu.Lock()
					unopened.add(err)
					mu.Unlock()
				case err != nil:
					cancel(err)
				case did:
					done.Add(1)
				}
			}
		})
	}
	err := kv.Scan(ctx, "", func(key string, v Value) error {
		if IsCheck(key) || len(v.Data) > 0 && v.Data[0] == active {
			return nil
		}
		select {
		case keys <- key:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	close(keys)
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err != nil {
		return err
	}
	return unopened.orNil()
}

func resealOne(ctx context.Context, kv KV, s login.Sealer, active byte, key string) (bool, error) {
	for range maxTries {
		v, err := kv.Get(ctx, key)
		if errors.Is(err, login.ErrNotFound) || err == nil && len(v.Data) > 0 && v.Data[0] == active {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		plain, err := s.Open(key, v.Data)
		if err != nil {
			return false, fmt.Errorf("open %q: %w", key, err)
		}
		sealed, err := s.Seal(key, plain)
		if err != nil {
			return false, fmt.Errorf("seal %q: %w", key, err)
		}
		err = kv.Swap(ctx, key, v.Rev, sealed)
		if !errors.Is(err, login.ErrConflict) {
			return err == nil, err
		}
	}
	return false, fmt.Errorf("rewrap %q: %w", key, login.ErrConflict)
}

// dropChecks removes the records of keys that no value is under any more.
func dropChecks(ctx context.Context, kv KV, active byte) error {
	used := make(map[string]bool)
	err := kv.Scan(ctx, "", func(key string, v Value) error {
		if !IsCheck(key) && len(v.Data) > 0 {
			used[checkRecord(v.Data[0])] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	used[checkRecord(active)] = true
	return kv.Scan(ctx, checkPrefix, func(key string, v Value) error {
		if used[key] {
			return nil
		}
		err := kv.Swap(ctx, key, v.Rev, nil)
		if errors.Is(err, login.ErrConflict) {
			return nil
		}
		return err
	})
}
