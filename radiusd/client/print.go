package client

import "github.com/portvakt/portvakt/radiusd/dictionary"

// Lines returns the reply's attributes for people, by the dictionary's names.
// Secrets are not among them: State, keys and passwords are only counted.
func (r Reply) Lines(d *dictionary.Dictionary) []string {
	var lines []string
	for _, v := range d.Decode(r.Attributes) {
		lines = append(lines, v.String())
	}
	return lines
}
