package dictionary

import (
	"cmp"
	"slices"
	"strings"
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
		n := distance(low, key)
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

// distance is the number of octets to insert, delete or replace to make one
// text of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// clip shortens a text for an error message.
func clip(s string) string {
	if len(s) <= maxName {
		return s
	}
	return s[:maxName] + "…"
}
