package conf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxFile bounds the configuration file: ten thousand clients fit.
const maxFile = 1 << 20

// An Option changes how a file is loaded.
type Option func(*loader)

// Default gives blocks their defaults: each element of a list of structs of
// this type, and each pointer to one that is nil and whose section is in the
// file, begins as a copy of it. A prototype with a method
// WithPreset(written map[string]any) any may return another one of its type for
// what is written in the block.
func Default(prototype any) Option {
	return func(l *loader) {
		v := reflect.ValueOf(prototype)
		l.defaults[v.Type()] = v
	}
}

// Later names keys that later versions know, so that a file written for one is
// told so. A key is a path without indices, "client.preset" or "call"; with a
// value behind it, `client.methods = peap`, only that value is of a later version,
// also as an element of a list.
func Later(keys ...string) Option {
	return func(l *loader) {
		for _, key := range keys {
			path, value, found := strings.Cut(key, " = ")
			if found {
				l.later[path] = append(l.later[path], value)
			} else {
				l.later[path] = nil
			}
		}
	}
}

// A source is a configuration file as far as decoding depends on it.
type source struct {
	name   string // as the administrator named it
	dir    string // relative paths of secrets begin here
	public bool   // everybody on the machine can read it
	data   []byte
}

// A loader is one Load.
type loader struct {
	src      source
	root     reflect.Type
	defaults map[reflect.Type]reflect.Value
	later    map[string][]string

	nodes    map[string]*node // by the name that the decoder uses
	told     map[string]bool  // lower-case paths of keys that have a problem
	leaky    bool
	problems Problems
	warnings Problems
}

// Load reads the file into a pointer to a struct, which has the defaults of
// the keys that the file leaves out, and validates what it has read. The
// error is [Problems] with everything that is wrong; the struct is then not to
// be used. The warnings are what works and should be changed.
//
// Fields that are structs or lists of structs with a method Validate() error
// are sections. What Validate returns is taken apart where it joins errors; a
// text that begins with a key (`listen: …`, `server.listen is …`, `client
// "vpn": secret is …`) is placed at that key. So is what a method Warnings()
// []string returns. A struct with a method Assemble() is given the chance to
// put blocks where their section wants them before it is validated.
func Load(path string, into any, opts ...Option) (warnings Problems, err error) {
	src, err := open(path)
	if err != nil {
		return nil, err
	}
	return load(src, into, opts...)
}

func load(src source, into any, opts ...Option) (warnings Problems, err error) {
	l := &loader{
		src:      src,
		root:     reflect.TypeOf(into).Elem(),
		defaults: map[reflect.Type]reflect.Value{},
		later:    map[string][]string{},
		nodes:    map[string]*node{},
		told:     map[string]bool{},
	}
	for _, opt := range opts {
		opt(l)
	}
	s, wrong := scan(src.name, src.data)
	if len(wrong) > 0 {
		return nil, wrong.sorted()
	}
	l.problems = s.problems
	for _, path := range s.blanked {
		l.told[strings.ToLower(path)] = true
	}
	l.compare(s.root, l.root, "", "")
	v := reflect.ValueOf(into).Elem()
	l.preset(v, s.root)
	l.decode(s.clean, into)
	l.validate(v)
	if len(l.problems) > 0 {
		return l.warnings.sorted(), l.problems.sorted()
	}
	return l.warnings.sorted(), nil
}

// preset makes the sections that are pointers and in the file, which may have
// no keys of their own to decode.
func (l *loader) preset(v reflect.Value, n *node) {
	for t, d := range maps.All(l.defaults) {
		for i := range v.NumField() {
			key, _ := keyOf(v.Type().Field(i))
			f := v.Field(i)
			if key == "" || f.Type() != reflect.PointerTo(t) || !f.IsNil() {
				continue
			}
			if c := n.child(key); c != nil && c.kind == unstable.Table {
				f.Set(reflect.New(t))
				f.Elem().Set(d)
			}
		}
	}
}

// open reads the file.
func open(path string) (source, error) {
	bad := func(text, hint string) (source, error) {
		return source{}, Problems{{Place: Place{File: path}, Text: text, Hint: hint}}
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return bad("there is no such file", "`portvakt init` writes one; --config names another")
	case err == nil && !info.Mode().IsRegular():
		return bad("this is not a regular file", "")
	}
	f, err := os.Open(path) //nolint:gosec // the administrator names the path
	if errors.Is(err, fs.ErrPermission) {
		return bad("this user may not read the file", "run it as root, or as the user of the service")
	}
	if err != nil {
		return bad("the file cannot be opened", "")
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return bad("the file cannot be read", "")
	}
	if len(data) > maxFile {
		return bad(fmt.Sprintf("the file has more than %d octets", maxFile), "")
	}
	return source{
		name:   path,
		dir:    filepath.Dir(path),
		public: info.Mode()&0o004 != 0,
		// Windows editors begin UTF-8 with a byte order mark.
		data: []byte(strings.TrimPrefix(string(data), "\ufeff")),
	}, nil
}
