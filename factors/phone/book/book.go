package book

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

const (
	maxNumbers = 4    // methods of one person
	maxLooked  = 16   // texts that are read to find them
	maxCached  = 8192 // parsed texts: two numbers each of 4,000 people
	maxKept    = 128  // octets of a text that is kept; longer ones are no numbers
)

// A Use is what numbers are for.
type Use int

// The uses of numbers.
const (
	Messages Use = iota // mobile numbers; an extension says nothing
	Calls               // all numbers, with their extensions
)

// section is where the rules for the numbers are written.
func (u Use) section() string {
	if u == Calls {
		return "call"
	}
	return "sms"
}

// other is the other of the two.
func (u Use) other() Use {
	if u == Calls {
		return Messages
	}
	return Calls
}

// A blocked prefix, and the section that blocks it.
type blocked struct {
	phone.Prefix
	section string
}

// A Book finds the numbers of people. Reading one takes some 20 µs, and each
// question of each login reads them all again; so what was read is kept. It is
// safe for concurrent use.
type Book struct {
	use       Use
	region    string
	countries phone.Countries
	blocked   []blocked

	mu   sync.Mutex
	kept map[string]phone.Number // the zero Number for texts that are none
}

// New makes the book of a valid configuration.
func New(cfg Config, use Use) (*Book, error) {
	b := &Book{use: use, region: cfg.Home(), kept: make(map[string]phone.Number)}
	var err error
	if b.countries, err = phone.NewCountries(cfg.Countries...); err != nil {
		return nil, fmt.Errorf("countries: %w", err)
	}
	if err := b.block(cfg.BlockedPrefixes, use); err != nil {
		return nil, err
	}
	if err := b.block(cfg.BlockedElsewhere, use.other()); err != nil {
		return nil, err
	}
	return b, nil
}

// block adds the prefixes that the section of a use blocks.
func (b *Book) block(prefixes []string, by Use) error {
	for _, text := range prefixes {
		p, err := phone.NewPrefix(text)
		if err != nil {
			return fmt.Errorf("%s.blocked_prefixes: %w", by.section(), err)
		}
		b.blocked = append(b.blocked, blocked{p, by.section()})
	}
	return nil
}

// Of returns the distinct numbers that the person can be reached at, at most
// four, enrolled ones first. One that she has confirmed as the directory's is
// gone with it.
func (b *Book) Of(u login.User) []phone.Number {
	var found []phone.Number
	looked := 0
	look := func(raw string) bool {
		looked++
		if number := b.recall(raw); !number.IsZero() && !slices.ContainsFunc(found, number.Same) {
			found = append(found, number)
		}
		return len(found) < maxNumbers && looked < maxLooked
	}
	for p := range phones(u) {
		if !p.Listed && !look(p.Number) {
			return found
		}
	}
	for _, raw := range u.Account.Phones {
		if !look(raw) {
			return found
		}
	}
	return found
}

// Unconfirmed returns those of the person's numbers that stand in the directory
// and that she has not enrolled.
func (b *Book) Unconfirmed(u login.User) []phone.Number {
	return slices.DeleteFunc(b.Of(u), func(n phone.Number) bool {
		for p := range phones(u) {
			if b.recall(p.Number).Same(n) {
				return true
			}
		}
		return false
	})
}

// phones are the telephones that the person has enrolled.
func phones(u login.User) iter.Seq[Phone] {
	return func(yield func(Phone) bool) {
		for _, c := range u.Enrollment.Credentials {
			var p Phone
			if c.Kind == CredentialKind && json.Unmarshal(c.Data, &p) == nil && p.Verified && !yield(p) {
				return
			}
		}
	}
}

// recall reads a text, or remembers it; the zero Number when it is none that
// may be used.
func (b *Book) recall(raw string) phone.Number {
	b.mu.Lock()
	number, ok := b.kept[raw]
	b.mu.Unlock()
	if ok {
		return number
	}
	number, err := b.read(raw)
	if err != nil {
		number = phone.Number{}
	}
	if len(raw) > maxKept {
		return number
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.kept) >= maxCached {
		clear(b.kept)
	}
	b.kept[raw] = number
	return number
}

// errNoText is for lines without text messages.
var errNoText = errors.New("is no mobile number: it gets no text messages")

// read reads a text and says why its number may not be used. The number is
// there with the error when there is one.
func (b *Book) read(raw string) (phone.Number, error) {
	n, err := phone.Parse(raw, b.region)
	if err != nil {
		return n, err
	}
	if b.use == Messages {
		n = n.Line()
	}
	switch i := slices.IndexFunc(b.blocked, func(p blocked) bool { return p.Has(n) }); {
	case !b.countries.Allow(n):
		return n, fmt.Errorf("%s is in a country (%s) that %s.countries does not list", n.Masked(), n.Country(), b.use.section())
	case i >= 0:
		return n, fmt.Errorf("%s begins with %s of %s.blocked_prefixes", n.Masked(), b.blocked[i], b.blocked[i].section)
	case b.use == Messages && !n.Textable():
		return n, fmt.Errorf("%s %w", n.Masked(), errNoText)
	}
	return n, nil
}
