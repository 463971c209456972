package dictionary

import (
	"cmp"
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed *.txt
var files embed.FS

// A Dictionary finds attributes by name and by number. It may be shared once
// it is complete.
type Dictionary struct {
	byName  map[string]*Attribute // by name in lower case
	byID    map[ID]*Attribute
	vendors map[uint32]Vendor
}

// Load reads the embedded files. Programs call it once and hand the result
// on. An error means that the program itself is broken.
func Load() (*Dictionary, error) {
	d := &Dictionary{
		byName:  make(map[string]*Attribute),
		byID:    make(map[ID]*Attribute),
		vendors: make(map[uint32]Vendor),
	}
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("list the embedded dictionary: %w", err)
	}
	for _, e := range entries {
		f, err := files.Open(path.Clean(e.Name()))
		if err != nil {
			return nil, fmt.Errorf("open the embedded dictionary: %w", err)
		}
		err = d.Parse(e.Name(), f)
		_ = f.Close() // embedded files hold nothing
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Lookup finds an attribute by its name in any case.
func (d *Dictionary) Lookup(name string) (Attribute, bool) {
	a, ok := d.byName[strings.ToLower(name)]
	if !ok {
		return Attribute{}, false
	}
	return *a, true
}

// An UnknownError is the error of a name that no attribute has.
type UnknownError struct {
	Name string
	// Near are names of the dictionary that may have been meant, the nearest
	// first.
	Near []string
}

// Error names the attribute and what may have been meant.
func (e *UnknownError) Error() string {
	if len(e.Near) == 0 {
		return fmt.Sprintf("no attribute is called %q", e.Name)
	}
	return fmt.Sprintf("no attribute is called %q; did you mean %s?", e.Name, strings.Join(e.Near, " or "))
}

// Find is Lookup with an [*UnknownError] for a name that is not there.
func (d *Dictionary) Find(name string) (Attribute, error) {
	a, ok := d.Lookup(name)
	if !ok {
		return Attribute{}, &UnknownError{Name: clip(name), Near: d.near(name)}
	}
	return a, nil
}

// Passable is Find for attributes of another server's Access-Accept that may go
// on to a client.
func (d *Dictionary) Passable(name string) (Attribute, error) {
	a, err := d.Find(name)
	switch {
	case err != nil:
		return Attribute{}, err
	case a.Use == UseOwn || a.Encrypted || strings.HasPrefix(a.Name, "MS-MPPE-"):
		return Attribute{}, fmt.Errorf("%s: is good between two neighbours only, or comes with the keys of MS-CHAPv2, which are passed without being named; remove it", a.Name)
	case a.Use == UseRequest:
		return Attribute{}, fmt.Errorf("%s: is sent by devices and means nothing in a reply; remove it", a.Name)
	}
	return a, nil
}

// All returns every attribute, ordered by vendor and number.
func (d *Dictionary) All() []Attribute {
	all := make([]Attribute, 0, len(d.byName))
	for _, a := range d.byName {
		all = append(all, *a)
	}
	slices.SortFunc(all, func(a, b Attribute) int {
		return cmp.Or(cmp.Compare(a.Vendor.Number, b.Vendor.Number), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// vendor returns a vendor by number; unknown ones have the suggested format.
func (d *Dictionary) vendor(number uint32) Vendor {
	if v, ok := d.vendors[number]; ok {
		return v
	}
	return Vendor{Number: number, TypeSize: 1, LengthSize: 1}
}
