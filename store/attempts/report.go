package attempts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

const (
	reportPrefix = "report/"
	// maxReports bounds what is kept: one record for an account and a rule.
	maxReports = 200_000
	// maxPending bounds what waits to be written, reportsAtOnce each writing.
	maxPending    = 16384
	reportsAtOnce = 256
	reportTries   = 4
)

// A Report is what a rule would have done with one person, before its date.
type Report struct {
	Rule    string       `json:"rule"`
	User    string       `json:"user"`
	Account string       `json:"account"`
	Client  string       `json:"client"` // the last one
	Outcome string       `json:"outcome"`
	Reason  login.Reason `json:"reason"`
	Methods []string     `json:"methods"`
	First   time.Time    `json:"first"`
	Last    time.Time    `json:"last"`
	Count   uint64       `json:"count"`
}

// reportKey names a record. Rules and ids may be long, and have any character.
func reportKey(rule, account string) string {
	sum := sha256.Sum256([]byte(rule + "\x00" + account))
	return reportPrefix + hex.EncodeToString(sum[:16])
}

// reports are those that are to be written.
type reports struct {
	pending map[string]Report
	total   int // in the store
}

func (s *reports) read(ctx context.Context, kv Store) error {
	total := 0
	err := kv.Scan(ctx, reportPrefix, func(string, store.Value) error {
		total++
		return nil
	})
	s.total += total
	return err
}

// add counts one login; false when there is no room.
func (s *reports) add(e login.Event) bool {
	key := reportKey(e.Rule, e.AccountID)
	now := Report{
		Rule: cut(e.Rule), User: cut(e.User), Account: e.AccountID, Client: cut(e.Client), Outcome: e.Foresight.Outcome,
		Reason: e.Foresight.Reason, Methods: e.Foresight.Methods, First: e.Time.UTC(), Last: e.Time.UTC(), Count: 1,
	}
	had, waits := s.pending[key]
	switch {
	case waits:
		now = merge(had, now)
	case len(s.pending) >= maxPending:
		return false
	case s.pending == nil:
		s.pending = map[string]Report{}
	}
	s.pending[key] = now
	return true
}

// merge is what is known of a person: how it stands now, and since when.
func merge(had, now Report) Report {
	if now.Last.Before(had.Last) {
		first, count := now.First, now.Count
		now = had
		now.Count += count
		if first.Before(now.First) {
			now.First = first
		}
		return now
	}
	if had.First.Before(now.First) {
		now.First = had.First
	}
	now.Count += had.Count
	return now
}

// flush writes some of what is pending.
func (s *reports) flush(ctx context.Context, kv Store) error {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	n := 0
	for key, r := range s.pending {
		if n++; n > reportsAtOnce {
			return nil
		}
		if err := s.write(ctx, kv, key, r); err != nil {
			return err
		}
		delete(s.pending, key)
	}
	return nil
}

func (s *reports) write(ctx context.Context, kv Store, key string, r Report) error {
	for range reportTries {
		v, err := kv.Get(ctx, key)
		switch {
		case errors.Is(err, login.ErrNotFound) && s.total >= maxReports:
			return nil // the list is long enough to act on
		case errors.Is(err, login.ErrNotFound):
		case err != nil:
			return err
		}
		now := r
		if v.Rev != 0 {
			had, err := decodeReport(v.Data)
			if err == nil { // else it is written anew
				now = merge(had, r)
			}
		}
		data, err := json.Marshal(now)
		if err != nil {
			return err
		}
		err = kv.Swap(ctx, key, v.Rev, data)
		if err == nil && v.Rev == 0 {
			s.total++
		}
		if !errors.Is(err, login.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("report: %w", login.ErrConflict)
}

func decodeReport(data []byte) (r Report, err error) {
	err = json.Unmarshal(data, &r)
	return r, err
}

// Reports returns what rules would have done, of one rule or all: those who
// would be refused first, then by name.
func Reports(ctx context.Context, kv Scanner, rule string) (all []Report, unread int, err error) {
	err = kv.Scan(ctx, reportPrefix, func(_ string, v store.Value) error {
		r, err := decodeReport(v.Data)
		switch {
		case err != nil:
			unread++
		case rule == "" || r.Rule == rule:
			all = append(all, r)
		}
		return nil
	})
	unopened, err := store.Unopened(err)
	unread += unopened
	slices.SortFunc(all, func(a, b Report) int {
		for _, c := range [...]int{
			strings.Compare(a.Rule, b.Rule), strings.Compare(b.Outcome, a.Outcome), strings.Compare(a.User, b.User),
		} {
			if c != 0 {
				return c
			}
		}
		return strings.Compare(a.Account, b.Account)
	})
	return all, unread, err
}

// Clear forgets what one rule, or all, would have done, and returns how many
// records that were, also beside a [store.UnopenedError].
func Clear(ctx context.Context, kv Store, rule string) (n int, err error) {
	err = kv.Scan(ctx, reportPrefix, func(key string, v store.Value) error {
		if rule != "" {
			// One that cannot be read is of no rule.
			if r, err := decodeReport(v.Data); err != nil || r.Rule != rule {
				return nil //nolint:nilerr // see above
			}
		}
		if err := kv.Swap(ctx, key, v.Rev, nil); err != nil {
			return err
		}
		n++
		return nil
	})
	return n, err
}
