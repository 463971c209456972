package login

import (
	"context"
	"errors"
	"fmt"
)

// maxConflicts ends a race for one record; each round somebody wins.
const maxConflicts = 64

// read is Get for a record that may not be there: that is the zero [Value]. what
// names the record in errors.
func read(ctx context.Context, r Records, key, what string) (Value, error) {
	v, err := r.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return Value{}, nil
	}
	if err != nil {
		return Value{}, fmt.Errorf("read %s: %w", what, err)
	}
	return v, nil
}

// errUnchanged is returned by a change that finds nothing to do.
var errUnchanged = errors.New("login: record stays as it is")

// rewrite puts what change makes of a record in its place, durably. change gets
// the zero [Value] when there is none, returns nil to have none or errUnchanged
// to have nothing written, and may run several times, as others change the
// record meanwhile. what names the record in errors.
func rewrite(ctx context.Context, r Records, key, what string, change func(Value) ([]byte, error)) error {
	for range maxConflicts {
		v, err := read(ctx, r, key, what)
		if err != nil {
			return err
		}
		data, err := change(v)
		if errors.Is(err, errUnchanged) {
			return nil
		}
		if err != nil {
			return err
		}
		if v.Rev == 0 && data == nil {
			return nil
		}
		err = r.Swap(ctx, key, v.Rev, data)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrConflict) {
			return fmt.Errorf("write %s: %w", what, err)
		}
	}
	return fmt.Errorf("write %s: %w %d times", what, ErrConflict, maxConflicts)
}
