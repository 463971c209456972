package conf

import (
	"encoding"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/internal/spelling"
)

var (
	secretType   = reflect.TypeFor[secret.Value]()
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
	prefixType   = reflect.TypeFor[netip.Prefix]()
	addrPortType = reflect.TypeFor[netip.AddrPort]()
	addrType     = reflect.TypeFor[netip.Addr]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// single reports whether values of the type are written as one value, though
// the type may be a struct.
func single(t reflect.Type) bool {
	return t == secretType || t == timeType || reflect.PointerTo(t).Implements(textType)
}

// indirect is what a pointer type points to.
func indirect(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// keyOf is the key of a struct's field; "" for fields that have none.
func keyOf(f reflect.StructField) (key string, squash bool) {
	tag := strings.Split(f.Tag.Get("mapstructure"), ",")
	if !f.IsExported() || tag[0] == "-" {
		return "", false
	}
	if slices.Contains(tag[1:], "squash") {
		return "", true
	}
	if tag[0] == "" {
		return strings.ToLower(f.Name), false
	}
	return tag[0], false
}

// keys lists the keys of a table that is decoded into t.
func keys(t reflect.Type) []string {
	var all []string
	for f := range t.Fields() {
		key, squash := keyOf(f)
		switch {
		case squash:
			all = append(all, keys(indirect(f.Type))...)
		case key != "":
			all = append(all, key)
		}
	}
	return all
}

// field is the type of a table's key.
func field(t reflect.Type, key string) (reflect.Type, bool) {
	for f := range t.Fields() {
		name, squash := keyOf(f)
		if squash {
			if sub, ok := field(indirect(f.Type), key); ok {
				return sub, true
			}
		} else if name != "" && strings.EqualFold(name, key) {
			return indirect(f.Type), true
		}
	}
	return nil, false
}

// owner finds the table elsewhere in the file that knows a key: what is
// written below another header belongs to that header.
func owner(t reflect.Type, path, key string) string {
	t = indirect(t)
	header := "[" + path + "]"
	if t.Kind() == reflect.Slice {
		header, t = "["+header+"]", indirect(t.Elem())
	}
	if t.Kind() != reflect.Struct || single(t) {
		return ""
	}
	if _, ok := field(t, key); ok && path != "" {
		return header
	}
	for _, k := range keys(t) {
		sub, _ := field(t, k)
		if h := owner(sub, join(path, k), key); h != "" {
			return h
		}
	}
	return ""
}

// closest is the known key that was probably meant; "" when none is near.
func closest(key string, known []string) string {
	return spelling.Nearest(strings.ToLower(key), known, len(key)/3+1)
}
