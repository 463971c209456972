package store

import (
	"context"
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

type sealedKV struct {
	kv KV
	s  login.Sealer
}

// Get opens the value of key.
func (k *sealedKV) Get(ctx context.Context, key string) (Value, error) {
	v, err := k.kv.Get(ctx, key)
	if err != nil {
		return Value{}, err
	}
	return k.open(key, v)
}

// Swap seals the data.
func (k *sealedKV) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if data == nil {
		return k.kv.Swap(ctx, key, rev, nil)
	}
	sealed, err := k.s.Seal(key, data)
	if err != nil {
		return fmt.Errorf("seal %q: %w", key, err)
	}
	return k.kv.Swap(ctx, key, rev, sealed)
}

// Scan opens each value, but not the records of this package about keys.
func (k *sealedKV) Scan(ctx context.Context, prefix string, fn func(key string, v Value) error) error {
	return k.kv.Scan(ctx, prefix, func(key string, v Value) error {
		if isCheck(key) {
			return nil
		}
		plain, err := k.open(key, v)
		if err != nil {
			return err
		}
		return fn(key, plain)
	})
}

// Close closes the KV below.
func (k *sealedKV) Close() error { return k.kv.Close() }

func (k *sealedKV) open(key string, v Value) (Value, error) {
	plain, err := k.s.Open(key, v.Data)
	if err != nil {
		return Value{}, fmt.Errorf("open %q: %w", key, err)
	}
	return Value{Data: plain, Rev: v.Rev}, nil
}
