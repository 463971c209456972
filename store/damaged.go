package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/login"
)

// RemoveDamaged removes the values of kv, the one below [Sealed], that do not open
// under a key ring that has all keys, and calls removed for each once it is gone.
// Nobody has what they said any more: what an account had enrolled, or which of its
// codes and tickets were used.
func RemoveDamaged(ctx context.Context, kv KV, s login.Sealer, removed func(key string, why error)) error {
	if err := CheckKey(ctx, kv, s); err != nil {
		return err
	}
	return kv.Scan(ctx, "", func(key string, v Value) error {
		if IsCheck(key) {
			return nil
		}
		_, why := s.Open(key, v.Data)
		if why == nil {
			return nil
		}
		if errors.Is(why, ErrMissingKey) {
			// Another daemon may have a newer ring. A key that no record names was never one.
			switch _, err := kv.Get(ctx, checkRecord(v.Data[0])); {
			case err == nil:
				return fmt.Errorf("open %q: %w", key, why)
			case !errors.Is(err, login.ErrNotFound):
				return err
			}
		}
		err := kv.Swap(ctx, key, v.Rev, nil)
		if errors.Is(err, login.ErrConflict) {
			return nil // somebody has just written another
		}
		if err == nil {
			removed(key, why)
		}
		return err
	})
}
