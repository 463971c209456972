package tokens

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// maxMigration bounds the tokens of one migration link. The app puts ten into
// one, as more do not fit into a QR code.
const maxMigration = 100

// Fields of a migration link, a message of protocol buffers.
const (
	// Of the payload; the first one for each token.
	migrationToken = 1
	migrationSize  = 3
	migrationIndex = 4
	migrationBatch = 5
	// Of a token.
	migrationSecret    = 1
	migrationName      = 2
	migrationIssuer    = 3
	migrationAlgorithm = 4
	migrationDigits    = 5
	migrationType      = 6
	migrationCounter   = 7
)

// maxBatch bounds the links of one migration.
const maxBatch = 1000

// batches are the links of migrations that were seen, by their numbers.
type batches map[uint64]*batch

type batch struct {
	size uint64
	seen map[uint64]bool
}

// missing is how many links were not seen that others say there are.
func (bs batches) missing() (n int) {
	for _, b := range bs {
		n += max(0, int(b.size)-len(b.seen)) //nolint:gosec // at most maxBatch
	}
	return n
}

func (bs batches) saw(id, size, index uint64) error {
	if size > maxBatch || index >= max(size, 1) {
		return errors.New("its number among the links of the migration cannot be right")
	}
	b := bs[id]
	if b == nil {
		b = &batch{seen: map[uint64]bool{}}
		bs[id] = b
	}
	b.size = max(b.size, size)
	b.seen[index] = true
	return nil
}

// parseMigration reads the tokens of one migration link. One that cannot be
// taken refuses the link: what is written down of it later could not tell which
// of its tokens were left.
func parseMigration(u *url.URL, all batches) ([]Row, error) {
	// A plus that was not escaped is one of base 64, not a space.
	q, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, "+", "%2B"))
	if err != nil {
		return nil, errors.New("has parameters that cannot be read")
	}
	data := strings.TrimRight(q.Get("data"), "=")
	b, err := base64.RawStdEncoding.DecodeString(data)
	if err != nil {
		if b, err = base64.RawURLEncoding.DecodeString(data); err != nil {
			return nil, errors.New("its data is no base 64")
		}
	}
	var rows []Row
	var problems []string
	var size, index, id uint64
	err = eachField(b, func(f field) error {
		switch f.number {
		case migrationSize:
			size = f.value
		case migrationIndex:
			index = f.value
		case migrationBatch:
			id = f.value
		}
		if f.number != migrationToken {
			return nil
		}
		if len(rows)+len(problems) == maxMigration {
			return fmt.Errorf("has more than %d tokens", maxMigration)
		}
		row, err := migratedToken(f.octets)
		if err != nil {
			problems = append(problems, fmt.Sprintf("token %d: %v", len(rows)+len(problems)+1, err))
			return nil
		}
		rows = append(rows, row)
		return nil
	})
	if err == nil {
		err = all.saw(id, size, index)
	}
	switch {
	case err != nil:
		return nil, err
	case len(problems) > 0:
		return nil, fmt.Errorf("%s; none of its %d tokens is taken", strings.Join(problems, "; "), len(rows)+len(problems))
	case len(rows) == 0:
		return nil, errors.New("has no tokens")
	}
	return rows, nil
}

func migratedToken(b []byte) (Row, error) {
	var name, issuer string
	// What is not said is as the app has it.
	t := totp.Token{Kind: totp.KindTime, Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second}
	err := eachField(b, func(f field) error {
		ok := true
		switch f.number {
		case migrationSecret:
			t.Seed = append(totp.Seed(nil), f.octets...)
		case migrationName:
			name = string(f.octets)
		case migrationIssuer:
			issuer = string(f.octets)
		case migrationAlgorithm:
			t.Algorithm, ok = choose(f.value, totp.SHA1, totp.SHA1, totp.SHA256, totp.SHA512)
		case migrationDigits:
			t.Digits, ok = choose(f.value, 6, 6, 8)
		case migrationType:
			t.Kind, ok = choose(f.value, totp.KindTime, totp.KindCounter, totp.KindTime)
		case migrationCounter:
			t.Counter = f.value
		}
		if !ok {
			return errors.New("algorithm, digits or type are not supported")
		}
		return nil
	})
	if err != nil {
		return Row{}, err
	}
	if t.Kind == totp.KindCounter {
		t.Period = 0
	} else {
		t.Counter = 0
	}
	row := named(strings.ToValidUTF8(name, "\x00"), strings.ToValidUTF8(issuer, "\x00"))
	row.Token = t
	if row.User == "" {
		return Row{}, errors.New("names no account")
	}
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	return row, t.Validate()
}

func choose[T any](n uint64, from ...T) (v T, ok bool) {
	if n >= uint64(len(from)) {
		return v, false
	}
	return from[n], true
}

// A field is one of a message of protocol buffers: a number or octets.
type field struct {
	number uint64
	value  uint64
	octets []byte
}

var errMigration = errors.New("its data is cut off or no message of protocol buffers")

// eachField calls fn for each field of a message. Only the two forms that such
// links have are taken: numbers of variable length, and octets.
func eachField(b []byte, fn func(field) error) error {
	next := func() (uint64, bool) {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			return 0, false
		}
		b = b[n:]
		return v, true
	}
	for len(b) > 0 {
		key, ok := next()
		if !ok || key > math.MaxUint32 {
			return errMigration
		}
		f := field{number: key >> 3}
		if f.value, ok = next(); !ok {
			return errMigration
		}
		switch key & 7 {
		case 0:
		case 2:
			if f.value > uint64(len(b)) {
				return errMigration
			}
			f.octets, b = b[:f.value], b[f.value:]
		default:
			return errMigration
		}
		if err := fn(f); err != nil {
			return err
		}
	}
	return nil
}
