package gateway

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/factors/sms/smpp"
)

// The keys that kinds have besides their own.
var (
	forEach = []string{"name", "kind", "timeout", "number", "prefixes"}
	forSMPP = []string{"user", "password", "sender", "senders", "coding", "ca", "insecure"}
)

// validateKeys refuses keys that the kind does not have: whoever wrote one
// expects something of it.
func (c Config) validateKeys(p *problems) {
	ofSMPP, ofModem := blockKeys(smpp.Config{}), blockKeys(Modem{})
	only := map[string]string{"command": kindCommand}
	if !preset(c.Kind) {
		only["url"] = kindHTTP
		for key := range blockKeys(Preset{}) {
			only[key] = kindTwilio
		}
	}
	for key := range ofSMPP {
		only[key] = kindSMPP
	}
	for key := range ofModem {
		only[key] = kindModem
	}
	// The older kinds were never strict about keys of each other's.
	strict := map[string][]string{
		kindSMPP:  slices.Concat(forEach, forSMPP, slices.Collect(maps.Keys(ofSMPP))),
		kindModem: slices.Concat(forEach, slices.Collect(maps.Keys(ofModem))),
	}
	all := blockKeys(c)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		kind, one := only[key]
		switch known := strict[c.Kind]; {
		case !all[key]:
		case one && kind != c.Kind:
			p.add("%s: is only for kind = %q: remove it or change the kind", key, kind)
		case known != nil && !slices.Contains(known, key):
			p.add("%s: is nothing that kind = %q has: remove it", key, c.Kind)
		}
	}
}

// blockKeys returns the keys of a block and whether each is set.
func blockKeys(block any) map[string]bool {
	keys := make(map[string]bool)
	v := reflect.ValueOf(block)
	for i := range v.NumField() {
		key, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("mapstructure"), ",")
		if option == "squash" {
			maps.Copy(keys, blockKeys(v.Field(i).Interface()))
		} else {
			keys[key] = !v.Field(i).IsZero()
		}
	}
	return keys
}
