package login

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// raced is a record that somebody else changes before each of the first races
// swaps.
type raced struct {
	value  Value
	races  int
	writes int
	fail   error
}

func (r *raced) Get(context.Context, string) (Value, error) {
	if r.value.Rev == 0 {
		return Value{}, ErrNotFound
	}
	return r.value, nil
}

func (r *raced) Swap(_ context.Context, _ string, rev uint64, data []byte) error {
	r.writes++
	if r.fail != nil {
		return r.fail
	}
	if r.races > 0 {
		r.races--
		r.value = Value{Data: append(slices.Clip(r.value.Data), 'x'), Rev: r.value.Rev + 1}
	}
	if rev != r.value.Rev {
		return ErrConflict
	}
	r.value = Value{Data: data, Rev: rev + 1}
	return nil
}

func TestARecordIsRewrittenFromWhatIsThereLast(t *testing.T) {
	lost, no := errors.New("disk is full"), errors.New("refused")
	add := func(v Value) ([]byte, error) { return append(slices.Clip(v.Data), '!'), nil }
	for _, row := range []struct {
		what   string
		record raced
		change func(Value) ([]byte, error)
		want   string
		writes int
		err    error
	}{
		{"a record", raced{value: Value{[]byte("a"), 7}}, add, "a!", 1, nil},
		{"none yet", raced{}, add, "!", 1, nil},
		{"none, and none to be", raced{}, func(Value) ([]byte, error) { return nil, nil }, "", 0, nil},
		{"a record that is to stay", raced{value: Value{[]byte("a"), 7}}, func(Value) ([]byte, error) { return nil, errUnchanged }, "a", 0, nil},
		{"somebody else was faster, twice", raced{value: Value{[]byte("a"), 7}, races: 2}, add, "axx!", 3, nil},
		{"somebody else is always faster", raced{races: maxConflicts + 1}, func(Value) ([]byte, error) { return []byte("b"), nil }, "", maxConflicts, ErrConflict},
		{"the store fails", raced{value: Value{[]byte("a"), 7}, fail: lost}, add, "a", 1, lost},
		{"the change is refused", raced{value: Value{[]byte("a"), 7}}, func(Value) ([]byte, error) { return []byte("b"), no }, "a", 0, no},
	} {
		r := row.record
		err := rewrite(t.Context(), &r, "key", "record", row.change)
		if !errors.Is(err, row.err) || err != nil && row.err == nil {
			t.Errorf("%s: got error %v, want %v", row.what, err, row.err)
		}
		if !errors.Is(row.err, ErrConflict) && string(r.value.Data) != row.want || r.writes != row.writes {
			t.Errorf("%s: got %q after %d writes, want %q after %d", row.what, r.value.Data, r.writes, row.want, row.writes)
		}
	}
}
