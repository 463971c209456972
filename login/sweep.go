package login

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Scanner is [Records] whose keys can be listed.
type Scanner interface {
	Records
	// Scan calls fn for each key with the prefix until fn returns an error,
	// which Scan returns. fn may call Get and Swap. A value that cannot be read
	// does not hide those behind it: Scan tells of it in the end.
	Scan(ctx context.Context, prefix string, fn func(key string, v Value) error) error
}

// Sweep removes what dialogues have left in records that can go on no more: keys
// and attributes that were granted, passwords of a change that nobody finished. A
// dialogue that ends does so itself; most that do not are just not answered. It
// does what it can: an error tells of what is left.
func Sweep(ctx context.Context, r Scanner, now time.Time) error {
	var errs []error
	for _, k := range []*keptKind{grants, changes} {
		errs = append(errs, r.Scan(ctx, k.prefix, func(key string, v Value) error {
			all, err := k.decode(v.Data)
			left := slices.ContainsFunc(all, func(e kept) bool { return k.ended(&e, now) })
			if err != nil || !left && len(all) > 0 {
				return nil //nolint:nilerr // one that cannot be read may be of a later version; the next sign-in writes it anew
			}
			account := strings.TrimPrefix(key, k.prefix)
			if err := rekeep(ctx, r, k, account, now, func(all []kept) ([]kept, error) { return all, nil }); err != nil {
				return fmt.Errorf("sweep %s: %w", k.what, err)
			}
			return nil
		}))
	}
	return errors.Join(errs...)
}
