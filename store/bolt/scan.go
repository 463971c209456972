package bolt

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/portvakt/portvakt/store"
)

const (
	// pageKeys and pageOctets bound what one read transaction of a scan
	// collects.
	pageKeys   = 256
	pageOctets = 1 << 20
)

// Scan calls fn for each key with the prefix in order. No transaction is open
// while fn runs: it may be slow, and may write.
func (kv *KV) Scan(ctx context.Context, prefix string, fn func(key string, v store.Value) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	recent, err := kv.recent(prefix)
	if err != nil {
		return err
	}
	emit := func(e *entry) error {
		if e.deleted {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return fn(e.key, store.Value{Data: e.data, Rev: e.rev})
	}
	after, more := "", true
	for more {
		var page []*entry
		if page, more, err = kv.page(prefix, after); err != nil {
			return err
		}
		for _, e := range page {
			for len(recent) > 0 && recent[0].key <= e.key {
				if recent[0].key == e.key {
					// The file may be newer than what memory had: a fold since.
					if recent[0].rev > e.rev {
						e = recent[0]
					}
				} else if err := emit(recent[0]); err != nil {
					return err
				}
				recent = recent[1:]
			}
			if err := emit(e); err != nil {
				return err
			}
			after = e.key
		}
	}
	for _, e := range recent {
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}

// recent returns what memory knows of keys with the prefix, in order.
func (kv *KV) recent(prefix string) ([]*entry, error) {
	kv.mu.RLock()
	defer kv.mu.RUnlock()
	if kv.closed.Load() {
		return nil, store.ErrClosed
	}
	recent := kv.overlay.under(prefix, nil)
	if kv.folding != nil {
		recent = append(recent, kv.folding.under(prefix, kv.overlay)...)
	}
	slices.SortFunc(recent, func(a, b *entry) int { return strings.Compare(a.key, b.key) })
	return recent, nil
}

// under returns copies of the last changes of keys with the prefix that later
// ones do not know of.
func (s *changes) under(prefix string, later *changes) (all []*entry) {
	for c := range s.all() {
		key := string(c.key())
		if strings.HasPrefix(key, prefix) && (later == nil || later.find(key) == nil) {
			all = append(all, &entry{key: key, rev: c.rev(), data: c.value().Data, deleted: c.deleted()})
		}
	}
	return all
}

// page reads some entries behind the key after, and whether there may be more.
func (kv *KV) page(prefix, after string) (page []*entry, more bool, err error) {
	err = kv.view(func(tx *bbolt.Tx) error {
		c := tx.Bucket(recordsBucket).Cursor()
		k, raw := c.Seek([]byte(max(prefix, after)))
		if after != "" && string(k) == after {
			k, raw = c.Next()
		}
		octets := 0
		for ; k != nil && strings.HasPrefix(string(k), prefix); k, raw = c.Next() {
			if len(page) == pageKeys || octets > pageOctets {
				more = true
				return nil
			}
			v, err := decode(bytes.Clone(raw))
			if err != nil {
				return err
			}
			octets += len(raw)
			page = append(page, &entry{key: string(k), rev: v.Rev, data: v.Data})
		}
		return nil
	})
	return page, more, err
}
