package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/login"
)

// Sealed returns a KV whose values are sealed in kv, each in the context of
// its key: a value that was moved to another key does not open. Values can
// have some octets less than [MaxData].
func Sealed(kv KV, s login.Sealer) KV {
	sealed := sealedKV{kv: kv, s: s}
	if r, ok := kv.(Reviser); ok {
		return &openedKV{sealedKV: sealed, revisions: r, opened: newLately[Value](maxOpened)}
	}
	return &sealed
}

var _ login.Starter = (*sealedKV)(nil)

type sealedKV struct {
	kv KV
	s  login.Sealer
}

// Get opens the value of key. The revision is told also of a value that does not
// open: it can be replaced, and removed.
func (k *sealedKV) Get(ctx context.Context, key string) (Value, error) {
	v, err := k.kv.Get(ctx, key)
	if err != nil {
		return Value{}, err
	}
	return k.open(key, v)
}

// Swap seals the data.
func (k *sealedKV) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	sealed, err := k.seal(key, data)
	if err != nil {
		return err
	}
	return k.kv.Swap(ctx, key, rev, sealed)
}

// Start is Swap that does not wait where the KV below offers that.
func (k *sealedKV) Start(ctx context.Context, key string, rev uint64, data []byte) (login.Pending, error) {
	starter, ok := k.kv.(login.Starter)
	if !ok {
		return nil, k.Swap(ctx, key, rev, data)
	}
	sealed, err := k.seal(key, data)
	if err != nil {
		return nil, err
	}
	return starter.Start(ctx, key, rev, sealed)
}

// seal seals data; nil stays nil, which deletes.
func (k *sealedKV) seal(key string, data []byte) ([]byte, error) {
	if data == nil {
		return nil, nil
	}
	sealed, err := k.s.Seal(key, data)
	if err != nil {
		return nil, fmt.Errorf("seal %q: %w", key, err)
	}
	return sealed, nil
}

// Scan opens each value, but not the records of this package about keys. Those
// that do not open are left out, and told by an [UnopenedError] when fn has had
// all others; so are those that fn finds to be unreadable.
func (k *sealedKV) Scan(ctx context.Context, prefix string, fn func(key string, v Value) error) error {
	unopened := UnopenedError{Prefix: prefix}
	err := k.kv.Scan(ctx, prefix, func(key string, v Value) error {
		if IsCheck(key) {
			return nil
		}
		plain, err := k.open(key, v)
		if err != nil {
			unopened.add(err)
			return nil
		}
		if err = fn(key, plain); errors.Is(err, ErrUnreadable) {
			unopened.add(err)
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return unopened.orNil()
}

// Close closes the KV below.
func (k *sealedKV) Close() error { return k.kv.Close() }

func (k *sealedKV) open(key string, v Value) (Value, error) {
	plain, err := k.s.Open(key, v.Data)
	if err != nil {
		return Value{Rev: v.Rev}, fmt.Errorf("open %q: %w", key, err)
	}
	return Value{Data: plain, Rev: v.Rev}, nil
}
