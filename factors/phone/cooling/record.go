package cooling

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

const (
	// keepGone is how long a number is remembered that left the directory: one
	// that comes back after a mistake is used at once, one that was given to
	// somebody else meanwhile is not.
	keepGone = 30 * 24 * time.Hour
	// flicker is how long a number may be missing that goes on cooling: longer
	// than copies of the directory, and entries kept of it, are old.
	flicker = 15 * time.Minute
	// maxEntries bounds the numbers of one account.
	maxEntries = 32
)

var errRecord = errors.New("record of telephone numbers cannot be read: portvakt phone trust makes it anew")

// A record is what is remembered of an account's numbers. The store seals it.
type record struct {
	// Seen is a digest of the texts that were there last: as long as it is the
	// same, nothing has to be read.
	Seen    string  `json:"seen"`
	Entries []entry `json:"numbers,omitempty"`
}

// An entry is one number that stands or stood in the directory.
type entry struct {
	Number string `json:"number"`
	// Since is when it was found, zero for one that counts whatever the time.
	Since time.Time `json:"since,omitzero"`
	// Gone is when it was found missing; zero while it is there.
	Gone time.Time `json:"gone,omitzero"`
}

// Key is the key of the record of an account's numbers; without it the numbers
// of her next sign-in count.
func Key(accountID string) string { return "phones/" + accountID }

// text is a number as it is kept and compared.
func text(n phone.Number) string {
	if n.Extension() == "" {
		return n.E164()
	}
	return "tel:" + n.E164() + ";ext=" + n.Extension() // RFC 3966, section 5.3
}

// digest tells whether what stands in the directory has changed.
func digest(phones []string) string {
	sum := sha256.Sum256([]byte(strings.Join(phones, "\x00")))
	return base64.RawStdEncoding.EncodeToString(sum[:16])
}

// load reads the record of an account; the zero record, of revision 0, when
// there is none. One that cannot be read is an error: it may say no.
func load(ctx context.Context, r login.Records, account string) (record, uint64, error) {
	v, err := r.Get(ctx, Key(account))
	if errors.Is(err, login.ErrNotFound) {
		return record{}, 0, nil
	}
	if err != nil {
		return record{}, 0, fmt.Errorf("read telephone numbers seen: %w", err)
	}
	var rec record
	if json.Unmarshal(v.Data, &rec) != nil || len(rec.Entries) > maxEntries { // the cause may quote a number
		return record{}, v.Rev, errRecord
	}
	return rec, v.Rev, nil
}

func (rec record) find(number string) int {
	return slices.IndexFunc(rec.Entries, func(e entry) bool { return e.Number == number })
}

// counts reports whether a number counts. It cools only while it can be seen.
func (e entry) counts(cooling time.Duration, now time.Time) bool {
	return e.Since.IsZero() || e.Gone.IsZero() && now.Sub(e.Since) >= cooling
}

// after is the record once these numbers have been found, and which of them are
// new. Where no number is remembered, new ones count at once when trusted.
func (rec record) after(phones []string, numbers []string, trusted bool, cooling time.Duration, now time.Time) (next record, fresh []string) {
	next.Seen = digest(phones)
	for _, e := range rec.Entries {
		switch there := slices.Contains(numbers, e.Number); {
		case there && !e.Since.IsZero() && !e.Gone.IsZero() && now.Sub(e.Gone) >= flicker:
			continue // found anew below
		case there:
			e.Gone = time.Time{}
		case e.Gone.IsZero():
			if e.counts(cooling, now) {
				e.Since = time.Time{}
			}
			e.Gone = now.UTC()
		case now.Sub(e.Gone) >= keepGone:
			continue
		}
		next.Entries = append(next.Entries, e)
	}
	trusted = trusted && len(next.Entries) == 0
	for _, n := range numbers {
		if next.find(n) >= 0 || len(next.Entries) == maxEntries {
			continue // one too many does not count
		}
		e := entry{Number: n}
		if !trusted {
			e.Since, fresh = now.UTC(), append(fresh, n)
		}
		next.Entries = append(next.Entries, e)
	}
	return next, fresh
}

func (rec record) encode() ([]byte, error) { return json.Marshal(rec) }

func (rec record) same(phones []string) bool { return rec.Seen == digest(phones) }
