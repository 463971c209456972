package house

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/portvakt/portvakt/conf"
)

// keysOf returns the dotted keys that a type of the configuration has. Lists of
// blocks count as one block.
func keysOf(t reflect.Type, prefix string) map[string]bool {
	keys := map[string]bool{}
	for f := range t.Fields() {
		name, option, _ := strings.Cut(f.Tag.Get("mapstructure"), ",")
		below := f.Type
		if below.Kind() == reflect.Slice {
			below = below.Elem()
		}
		switch {
		case option == "squash":
			maps.Copy(keys, keysOf(below, prefix))
		case name == "" || name == "-":
		case below.Kind() == reflect.Struct && len(keysOf(below, "")) > 0:
			maps.Copy(keys, keysOf(below, prefix+name+"."))
		default:
			keys[prefix+name] = true
		}
	}
	return keys
}

// shown collects the dotted keys that a TOML document sets, down to those that
// are known: a secret's table and a reply's attributes are values.
func shown(doc map[string]any, prefix string, known, into map[string]bool) {
	for name, value := range doc {
		key := prefix + name
		if known[key] {
			into[key] = true
			continue
		}
		blocks, list := value.([]any)
		if !list {
			blocks = []any{value}
		}
		for _, block := range blocks {
			if table, ok := block.(map[string]any); ok {
				shown(table, key+".", known, into)
			} else {
				into[key] = true
			}
		}
	}
}

func blocksOf(t *testing.T, name, text string, known map[string]bool) map[string]bool {
	t.Helper()
	into := map[string]bool{}
	for _, m := range tomlBlock.FindAllStringSubmatch(text, -1) {
		var doc map[string]any
		if err := toml.Unmarshal([]byte(m[1]), &doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		shown(doc, "", known, into)
	}
	return into
}

func TestKeysAreRecognised(t *testing.T) {
	type inner struct {
		Deep []string `mapstructure:"deep"`
	}
	type outer struct {
		inner  `mapstructure:",squash"`
		Block  []inner        `mapstructure:"block"`
		Values map[string]any `mapstructure:"values"`
		Hidden string         `mapstructure:"-"`
	}
	known := keysOf(reflect.TypeFor[outer](), "")
	if got, want := slices.Sorted(maps.Keys(known)), []string{"block.deep", "deep", "values"}; !slices.Equal(got, want) {
		t.Errorf("of the type: got %q, want %q", got, want)
	}
	text := "```toml\ndeep = []\nvalues = { a = 1 }\n[[block]]\ndeep = []\nno = 1\n```\n"
	got := slices.Sorted(maps.Keys(blocksOf(t, "text", text, known)))
	if want := []string{"block.deep", "block.no", "deep", "values"}; !slices.Equal(got, want) {
		t.Errorf("of the text: got %q, want %q", got, want)
	}
}

// What the program knows is in docs/configuration.md, what a document shows the
// program knows. A key that this version refuses is named there in full.
func TestEveryKeyIsDocumented(t *testing.T) {
	known := keysOf(reflect.TypeFor[conf.File](), "")
	const reference = "docs/configuration.md"
	text := read(t, reference)
	documented := blocksOf(t, reference, text, known)
	for _, key := range slices.Sorted(maps.Keys(known)) {
		if !documented[key] && !strings.Contains(text, "`"+key+"`") {
			t.Errorf("%s does not show %s", reference, key)
		}
	}
	for name, text := range files(t, markdown) {
		for key := range blocksOf(t, name, text, known) {
			if !known[key] {
				t.Errorf("%s shows %s, which the program does not know", name, key)
			}
		}
	}
}
