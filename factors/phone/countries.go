package phone

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Countries are the countries whose numbers may be used. The zero value allows
// none: an attacker who enrolls numbers earns with those of far countries.
type Countries struct{ codes []string }

// NewCountries makes the list of ISO 3166-1 codes ("NO", "SE"). It returns all
// its problems.
func NewCountries(codes ...string) (Countries, error) {
	var c Countries
	var problems []error
	for _, code := range codes {
		if !KnownCountry(code) {
			problems = append(problems, fmt.Errorf(
				"%q is not a country: write its two capital letters (ISO 3166-1), as \"NO\"", code))
			continue
		}
		c.codes = append(c.codes, code)
	}
	return c, errors.Join(problems...)
}

// Allow reports whether the number's country is in the list.
func (c Countries) Allow(n Number) bool { return slices.Contains(c.codes, n.country) }

// String lists the codes.
func (c Countries) String() string { return strings.Join(c.codes, " ") }

// KnownCountry reports whether code is an ISO 3166-1 code of a country that has
// telephone numbers.
func KnownCountry(code string) bool {
	return len(code) == 2 && phonenumbers.GetSupportedRegions()[code]
}
