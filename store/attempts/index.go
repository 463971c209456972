package attempts

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

const (
	// maxTrims bounds the pages deleted at one time, so that logins do not wait for
	// a week of them.
	maxTrims = 64
	// rereadEvery is how often it is looked for pages of others: of nodes that
	// share the store, and of commands.
	rereadEvery = 24 * time.Hour
)

// An index is what there is of pages, oldest first, to know what to delete.
type index struct {
	pages  []indexed
	size   int       // octets
	readAt time.Time // also when that failed
}

type indexed struct {
	key  string
	rev  uint64
	size int
}

// read finds out what there is. Keys begin with their time, so they come in
// order. After an error it is what was known before, and what was found.
func (x *index) read(ctx context.Context, kv Store, now time.Time) error {
	x.readAt = now
	had := x.pages
	x.pages, x.size = nil, 0
	err := kv.Scan(ctx, pagePrefix, func(key string, v store.Value) error {
		x.pages = append(x.pages, indexed{key, v.Rev, len(v.Data)})
		x.size += len(v.Data)
		return nil
	})
	if err == nil {
		return nil
	}
	for _, p := range had {
		if n := len(x.pages); n == 0 || x.pages[n-1].key < p.key {
			x.pages = append(x.pages, p)
			x.size += p.size
		}
	}
	return err
}

// put notes a page as it was written. The one being filled is among the last: what
// stands behind it others have begun since.
func (x *index) put(key string, rev uint64, size int) {
	for i, p := range slices.Backward(x.pages) {
		if p.key == key {
			x.size += size - p.size
			x.pages[i] = indexed{key, rev, size}
			return
		}
	}
	x.pages = append(x.pages, indexed{key, rev, size})
	x.size += size
}

// trim deletes the oldest pages that are too old or too much.
func (x *index) trim(ctx context.Context, kv Store, c Config, now time.Time) error {
	for n := 0; n < maxTrims && len(x.pages) > 0; n++ {
		p := x.pages[0]
		if x.size <= c.MaxMiB<<20 && !old(p.key, now.Add(-c.Keep)) {
			return nil
		}
		err := kv.Swap(ctx, p.key, p.rev, nil)
		// Another node may have deleted it; one that has changed since is the
		// page being filled, and its next writing will tell its revision.
		if err != nil && !errors.Is(err, login.ErrConflict) && !errors.Is(err, login.ErrNotFound) {
			return err
		}
		x.pages, x.size = x.pages[1:], x.size-p.size
	}
	return nil
}

// old is whether every event of a page was told before the time.
func old(key string, than time.Time) bool {
	hour, ok := hourOf(key)
	return !ok || hour.Add(time.Hour).Before(than)
}

func hourOf(key string) (time.Time, bool) {
	text, _, _ := strings.Cut(strings.TrimPrefix(key, pagePrefix), "/")
	hour, err := time.Parse(hourFormat, text)
	return hour, err == nil
}
