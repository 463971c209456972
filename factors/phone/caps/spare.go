package caps

import (
	"context"
	"slices"

	"github.com/portvakt/portvakt/factors/phone"
)

// TakeSpare is Take for a message that nobody waits for: of the caps of many
// people it takes the first half only, so that the other is left for codes. The
// watch over numbers does not count it, since nothing is there to be entered.
func (c *Caps) TakeSpare(ctx context.Context, account string, n phone.Number) error {
	return c.take(ctx, account, n, []ledger{c.country(n).half(), c.all().half()}, func() error { return nil })
}

// TakeSpareAccount is TakeAccount for a message that nobody waits for.
func (c *Caps) TakeSpareAccount(ctx context.Context, account string) error {
	return c.takeAccount(ctx, account, c.all().half())
}

// half is the ledger with half of its room.
func (l ledger) half() ledger {
	windows := slices.Clone(l.windows)
	for i := range windows {
		w := &windows[i]
		w.name, w.limit, w.alarm = "half of "+w.name, w.limit/2, false
	}
	l.windows = windows
	return l
}
