package store

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

var (
	// ErrLimit is wrapped by errors about keys and values outside of the
	// limits that all backends share.
	ErrLimit = errors.New("store: outside of the limits")
	// ErrClosed is returned by a KV that has been closed.
	ErrClosed = errors.New("store: closed")
)

// ValidKey says whether key can name a value: 1 to [MaxKey] octets of UTF-8
// without NUL. Errors wrap [ErrLimit].
func ValidKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("empty key: %w", ErrLimit)
	case len(key) > MaxKey:
		return fmt.Errorf("key of %d octets, at most %d: %w", len(key), MaxKey, ErrLimit)
	case !utf8.ValidString(key) || strings.IndexByte(key, 0) >= 0:
		return fmt.Errorf("key %q is not UTF-8 without NUL: %w", key, ErrLimit)
	}
	return nil
}

// ValidSwap says whether key and data can be swapped in. Errors wrap
// [ErrLimit].
func ValidSwap(key string, data []byte) error {
	if err := ValidKey(key); err != nil {
		return err
	}
	if len(data) > MaxData {
		return fmt.Errorf("value of %q has %d octets, at most %d: %w", key, len(data), MaxData, ErrLimit)
	}
	return nil
}
