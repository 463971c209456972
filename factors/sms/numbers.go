package sms

import (
	"encoding/json"
	"slices"
	"sync"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

// CredentialKind is the kind of an enrolled telephone.
const CredentialKind = "phone"

// A Phone is the data of a credential of [CredentialKind].
type Phone struct {
	// Number is E.164, or as [phone.Parse] reads it.
	Number string `json:"number"`
	// Verified is whether the person has proven that she gets messages there,
	// or an administrator has taken her word. Others get none: who enrolls a
	// number could be somebody who only has the password.
	Verified bool `json:"verified"`
}

const (
	maxNumbers = 4    // methods of one person
	maxLooked  = 16   // texts that are read to find them
	maxCached  = 8192 // parsed texts: two numbers each of 4,000 people
)

// numbers finds the numbers of people. Reading one takes some 20 µs, and each
// question of each login reads them all again; so what was read is kept.
type numbers struct {
	region    string
	countries phone.Countries

	mu   sync.Mutex
	read map[string]phone.Number // the zero Number for texts that are none
}

func newNumbers(region string, countries phone.Countries) *numbers {
	return &numbers{region: region, countries: countries, read: make(map[string]phone.Number)}
}

// of returns the distinct numbers that the person can get messages at,
// enrolled ones first.
func (n *numbers) of(u login.User) []phone.Number {
	var found []phone.Number
	looked := 0
	look := func(raw string) bool {
		looked++
		if number := n.parse(raw); !number.IsZero() && !slices.Contains(found, number) {
			found = append(found, number)
		}
		return len(found) < maxNumbers && looked < maxLooked
	}
	for _, c := range u.Enrollment.Credentials {
		var p Phone
		if c.Kind != CredentialKind || json.Unmarshal(c.Data, &p) != nil || !p.Verified {
			continue
		}
		if !look(p.Number) {
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

// parse reads a text; the zero Number when it is none that gets messages.
func (n *numbers) parse(raw string) phone.Number {
	n.mu.Lock()
	number, ok := n.read[raw]
	n.mu.Unlock()
	if ok {
		return number
	}
	number, err := phone.Parse(raw, n.region)
	if err != nil || !number.Textable() || !n.countries.Allow(number) {
		number = phone.Number{}
	}
	number = number.Line()
	if len(raw) > maxKept {
		return number
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.read) >= maxCached {
		clear(n.read)
	}
	n.read[raw] = number
	return number
}

// maxKept is the longest text that is kept; longer ones are no numbers.
const maxKept = 128
