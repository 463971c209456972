package caps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
)

// Sweep removes the ledgers in which nothing counts any more: of people and
// numbers that have had nothing for a day, and of what earlier versions counted
// apart. One that cannot be read may be of a later version, and stays.
func Sweep(ctx context.Context, r login.Scanner, now time.Time) error {
	var errs []error
	for _, s := range []Service{telephone, SMS, Call, Email} {
		errs = append(errs, r.Scan(ctx, prefix(s), func(key string, v login.Value) error {
			kind, _, _ := strings.Cut(strings.TrimPrefix(key, prefix(s)), "/")
			if !over(Config{}.windows(kind), v.Data, now) {
				return nil
			}
			// One that is used at this moment is not over.
			if err := r.Swap(ctx, key, v.Rev, nil); err != nil && !errors.Is(err, login.ErrConflict) {
				return fmt.Errorf("sweep caps: %w", err)
			}
			return nil
		}))
	}
	return errors.Join(errs...)
}

// over reports whether nothing in a record counts any more.
func over(windows []window, data []byte, now time.Time) bool {
	tallies, err := decodeTallies(data, len(windows))
	if err != nil || len(windows) == 0 {
		return false
	}
	for i, w := range windows {
		if len(tallies[i].recent(w, now)) > 0 {
			return false
		}
	}
	return true
}
