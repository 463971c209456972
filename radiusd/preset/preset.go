package preset

import (
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/spelling"
)

// A Preset is what is known of a product.
type Preset struct {
	// Name is the value of the key preset.
	Name string
	// Product is what its vendor calls it.
	Product string
	// Page is its file in docs/nas, without .md.
	Page string
	// Tried is whether our tests run the real product.
	Tried bool
	// Waits is how long it waits in all when nobody has changed that; 0 is
	// unknown.
	Waits time.Duration
	// Settings are keys of the [[client]] block.
	Settings []Setting
	// Fixes say where things are changed on the product.
	Fixes Fixes
}

// A Setting is a key of a [[client]] block, its value (a bool, an int, a
// string or a [time.Duration]) and the reason for it.
type Setting struct {
	Key   string
	Value any
	Why   string
}

// Fixes are what to type on the product, or where; empty when it has no such
// setting, or none is known.
type Fixes struct {
	// Timeout makes it wait for 60 s, or for as long as it can.
	Timeout string
	// Shared is where the shared secret is.
	Shared string
	// Sign makes it send Message-Authenticator.
	Sign string
	// PAP makes it send the password as PAP.
	PAP string
	// Station makes it send Calling-Station-Id.
	Station string
}

// All returns every preset, in the order of their names.
func All() []Preset {
	all := slices.Concat(firewalls(), gateways(), servers(), networks())
	slices.SortFunc(all, func(a, b Preset) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return all
}

// Find returns the preset of a name.
func Find(name string) (p Preset, ok bool) {
	for _, p := range All() {
		if p.Name == name {
			return p, true
		}
	}
	return Preset{}, false
}

// Names are the names of all presets.
func Names() []string {
	var names []string
	for _, p := range All() {
		names = append(names, p.Name)
	}
	return names
}

// Nearest is the name of a preset that somebody who wrote this probably meant;
// empty when none is near.
func Nearest(name string) string {
	return spelling.Nearest(name, Names(), len(name)/2)
}
