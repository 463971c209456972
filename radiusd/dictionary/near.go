package dictionary

import (
	"cmp"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/internal/spelling"
)

// maxNear is how many names a hint holds.
const maxNear = 3

// near returns the names that somebody who wrote name may have meant: spelled
// nearly so, or the same behind a vendor's name.
func (d *Dictionary) near(name string) []string {
	if len(name) > maxName {
		return nil
	}
	low := strings.ToLower(name)
	type candidate struct {
		name     string
		distance int
	}
	var found []candidate
	for key, a := range d.byName {
		n := spelling.Distance(low, key)
		if len(low) >= 4 && strings.HasSuffix(key, "-"+low) {
			n = 1
		}
		if n <= max(2, len(low)/4) {
			found = append(found, candidate{a.Name, n})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var names []string
	for _, c := range found[:min(maxNear, len(found))] {
		names = append(names, c.name)
	}
	return names
}

// clip shortens a text for an error message.
func clip(s string) string {
	if len(s) <= maxName {
		return s
	}
	return s[:maxName] + "…"
}
