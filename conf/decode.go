package conf

import (
	"bytes"
	"encoding"
	"errors"
	"reflect"
	"regexp"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// keyDelimiter is a character that no one writes in a key; viper's own, the
// dot, is in quoted keys.
const keyDelimiter = "\x1f"

// decode reads the clean file into the struct, whose values are the defaults.
func (l *loader) decode(clean []byte, into any) {
	v := viper.NewWithOptions(viper.KeyDelimiter(keyDelimiter))
	v.SetConfigType("toml")
	if err := v.ReadConfig(bytes.NewReader(clean)); err != nil {
		l.unread(err)
		return
	}
	err := v.Unmarshal(into, func(c *mapstructure.DecoderConfig) {
		c.DecodeHook = l.hook
		c.WeaklyTypedInput = false
	})
	l.undecoded(err, "")
}

// unread tells what the TOML decoder refuses and the scanner let through.
func (l *loader) unread(err error) {
	p := Problem{Place: Place{File: l.src.name}, Text: "is not TOML"}
	var at interface{ Position() (row, column int) }
	if errors.As(err, &at) {
		p.Place.Line, p.Place.Column = at.Position()
		p.Text = "this does not go with what is written above"
		p.Hint = "a table is written in one place, and a key is a value or a table"
	}
	l.problems = append(l.problems, p)
}

// undecoded collects what the hook has refused, with the names of the keys.
func (l *loader) undecoded(err error, name string) {
	var of *mapstructure.DecodeError
	var all interface{ Unwrap() []error }
	var f fault
	switch {
	case err == nil:
	case asDirectly(err, &of):
		l.undecoded(of.Unwrap(), of.Name())
	case asDirectly(err, &all):
		for _, err := range all.Unwrap() {
			l.undecoded(err, name)
		}
	case asDirectly(err, &f):
		l.refused(name, f)
	case errors.Unwrap(err) != nil:
		l.undecoded(errors.Unwrap(err), name)
	default:
		// The decoder's own errors quote values, so they are not shown.
		l.refused(name, fault{text: "cannot be read: it has the wrong type"})
	}
}

func (l *loader) refused(name string, f fault) {
	n := l.nodes[name]
	if n == nil {
		n = &node{path: name, line: l.lineOf(name)}
	}
	if l.isTold(n.path) {
		return
	}
	plain := index.ReplaceAllString(n.path, "")
	key := plain[strings.LastIndex(plain, ".")+1:]
	l.problem(n, f.text, strings.NewReplacer("<path>", plain, "<key>", key).Replace(f.hint))
}

// index is what an element's path has and its key has not.
var index = regexp.MustCompile(`\[\d+\]`)

// asDirectly is errors.As for the error itself, not for those it wraps.
func asDirectly[T any](err error, target *T) bool {
	t, ok := err.(T)
	if ok {
		*target = t
	}
	return ok
}

// A fault is what a hook refuses, in words for an administrator. In its hint
// stand <key> and <path> for the key, which the hook does not know.
type fault struct{ text, hint string }

func (f fault) Error() string { return f.text }

// hook checks each value against the type it is wanted in, before the decoder
// does, which is lenient and quotes values. It converts what TOML has no type
// for.
func (l *loader) hook(from, to reflect.Value) (any, error) {
	value, t := from.Interface(), to.Type()
	switch {
	case t == secretType:
		return l.src.readSecret(value)
	case t == timeType:
		return toTime(value)
	case t == durationType:
		return toDuration(value)
	case t == prefixType || t == addrPortType || t == addrType:
		return toAddress(value, t)
	case reflect.PointerTo(t).Implements(textType):
		return toText(value, t)
	}
	switch kind := t.Kind(); {
	case kind == reflect.Struct:
		if from.Kind() == reflect.Slice {
			return nil, fault{"needs a table, not a list", "write [<path>] with one bracket"}
		}
		if from.Kind() != reflect.Map {
			return nil, fault{"needs a table with keys of its own, not " + what(value), "write its keys below [<path>]"}
		}
		// Blocks begin as their defaults.
		if d, ok := l.defaults[t]; ok && to.IsZero() && to.CanSet() {
			to.Set(presetOf(d, value))
		}
	case kind == reflect.Map:
		if from.Kind() != reflect.Map {
			return nil, fault{"needs a table, not " + what(value), `write <key> = { Name = "value" }`}
		}
	case kind == reflect.Slice:
		if from.Kind() != reflect.Slice {
			return nil, notAList(value, t)
		}
		if to.CanSet() {
			to.SetZero() // the decoder would keep what the default has more
		}
	case kind == reflect.String:
		if from.Kind() != reflect.String {
			return nil, fault{"needs a text, not " + what(value), "write it in quotes"}
		}
	case kind == reflect.Bool:
		if from.Kind() != reflect.Bool {
			return nil, fault{quoted(value) + " is not true or false", "write true or false, without quotes"}
		}
	case to.CanInt() || to.CanUint() || to.CanFloat():
		return toNumber(value, to)
	}
	return value, nil
}

// presetOf is the default of a block for what was written in it.
func presetOf(d reflect.Value, block any) reflect.Value {
	p, ok := reflect.TypeAssert[presetter](d)
	written, isTable := block.(map[string]any)
	if !ok || !isTable {
		return d
	}
	if v := reflect.ValueOf(p.WithPreset(written)); v.Type() == d.Type() {
		return v
	}
	return d
}

func notAList(value any, t reflect.Type) fault {
	elem := indirect(t.Elem())
	switch {
	case elem.Kind() == reflect.Struct && !single(elem):
		return fault{"needs a list of tables, not " + what(value), "write [[<path>]] with two brackets"}
	case elem.Kind() == reflect.String || single(elem):
		return fault{"needs a list, not " + what(value), `write <key> = ["…", "…"], also for a single one`}
	default:
		return fault{"needs a list, not " + what(value), "write <key> = [ … ], also for a single one"}
	}
}

func toText(value any, t reflect.Type) (any, error) {
	text, ok := value.(string)
	if !ok {
		return nil, fault{"needs a text, not " + what(value), "write it in quotes"}
	}
	p := reflect.New(t)
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](p); !ok || u.UnmarshalText([]byte(text)) != nil {
		return nil, fault{quoted(value) + " is not understood", ""}
	}
	return p.Elem().Interface(), nil
}

// lineOf is the line of a key, or of what it would stand in.
func (l *loader) lineOf(name string) int {
	for {
		if n := l.nodes[name]; n != nil {
			return n.line
		}
		cut := strings.LastIndexAny(name, ".[")
		if cut < 0 {
			return 0
		}
		name = name[:cut]
	}
}
