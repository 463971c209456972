package store

import (
	"context"

	"github.com/portvakt/portvakt/login"
)

// KV is the contract of a backend. Get and Swap are those of [login.Records].
// Package storetest has the conformance suite that every backend passes.
type KV interface {
	login.Records
	// Scan calls fn for each key with the prefix, in order of the keys, until
	// fn returns an error, which Scan returns. What is written meanwhile may
	// or may not be seen. fn may call Get and Swap.
	Scan(ctx context.Context, prefix string, fn func(key string, v Value) error) error
	Close() error
}

// Value is what a KV has under a key.
type Value = login.Value

// Limits of keys and values, the same for every backend.
const (
	MaxKey  = 512      // octets of a key; keys are UTF-8 without NUL
	MaxData = 64 << 10 // octets of a value
)
