package conf

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// What sections may have. An error may tell its key and its hint by itself.
type (
	validator interface{ Validate() error }
	warner    interface{ Warnings() []string }
	assembler interface{ Assemble() }
	presetter interface {
		WithPreset(written map[string]any) any
	}
	keyed  interface{ Key() string }
	hinted interface{ Hint() string }
)

// validate asks each section for its problems and warnings.
func (l *loader) validate(root reflect.Value) {
	if a, ok := reflect.TypeAssert[assembler](root.Addr()); ok {
		a.Assemble()
	}
	l.validateBelow(root, "")
	l.ask(root, "")
}

func (l *loader) validateBelow(v reflect.Value, path string) {
	if v.Kind() == reflect.Pointer {
		if !v.IsNil() {
			l.validateBelow(v.Elem(), path)
		}
		return
	}
	// A section answers for what is in it.
	if path != "" && l.ask(v, path) || single(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			key, squash := keyOf(v.Type().Field(i))
			if key != "" || squash {
				l.validateBelow(v.Field(i), join(path, key))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			l.validateBelow(v.Index(i), fmt.Sprintf("%s[%d]", path, i))
		}
	default:
	}
}

func (l *loader) ask(v reflect.Value, path string) (section bool) {
	s := v.Addr().Interface()
	if s, ok := s.(validator); ok {
		section = true
		for _, r := range flatten(s.Validate(), "") {
			p := l.place(path, r)
			if !l.isTold(p.Key) {
				l.problems = append(l.problems, p)
			}
		}
	}
	if s, ok := s.(warner); ok {
		for _, text := range s.Warnings() {
			l.warnings = append(l.warnings, l.place(path, remark{text: text}))
		}
	}
	return section
}

// isTold reports whether a key, or the table it stands in, already has a
// problem: what could not be decoded has its default, whose problems nobody
// has written.
func (l *loader) isTold(key string) bool {
	for key = strings.ToLower(key); key != ""; {
		if l.told[key] {
			return true
		}
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return false
}

// A remark is one of the errors that a section has joined.
type remark struct{ key, text, hint string }

// flatten takes joined errors apart, also those below a wrapping that says
// whose they are.
func flatten(err error, prefix string) []remark {
	if err == nil {
		return nil
	}
	var all interface{ Unwrap() []error }
	if asDirectly(err, &all) {
		var remarks []remark
		for _, e := range all.Unwrap() {
			remarks = append(remarks, flatten(e, prefix)...)
		}
		return remarks
	}
	r := remark{text: prefix + err.Error()}
	if k, ok := err.(keyed); ok {
		r.key = k.Key()
	}
	if h, ok := err.(hinted); ok {
		r.hint = h.Hint()
	}
	if inner := errors.Unwrap(err); inner != nil && errors.As(inner, &all) {
		if whose, ok := strings.CutSuffix(err.Error(), inner.Error()); ok {
			return flatten(inner, prefix+whose)
		}
	}
	return []remark{r}
}

var (
	keyPath = regexp.MustCompile(`^[a-z0-9_]+(\[\d+\])*(\.[a-z0-9_]+(\[\d+\])*)*`)
	// A block is told by its name or its number: client "vpn", client number
	// 3, reply rule 3 ("admins").
	blockName   = regexp.MustCompile(`^ ("(?:[^"\\]|\\.)*")`)
	blockNumber = regexp.MustCompile(`^ (?:number |rule )?(\d+)(?: \("(?:[^"\\]|\\.)*"\))?`)
)

// place finds the key that a section's remark begins with: of the section, or
// of the whole file.
func (l *loader) place(section string, r remark) Problem {
	path, text := section, r.text
	if r.key != "" {
		path = join(section, r.key)
		if _, ok := l.typeAt(path); !ok {
			path = r.key
		}
	} else {
		for first := true; ; first = false {
			next, rest, ok := l.head(path, text)
			if !ok && first {
				next, rest, ok = l.head("", text)
			}
			if !ok {
				break
			}
			path, text = next, rest
		}
	}
	if text == r.text && path != section && r.key == "" {
		return Problem{Place{File: l.src.name, Line: l.lineOf(path)}, "", text, r.hint}
	}
	if shown := l.nodes[path]; shown != nil {
		return Problem{Place{File: l.src.name, Line: shown.line}, shown.path, text, r.hint}
	}
	return Problem{Place{File: l.src.name, Line: l.lineOf(path)}, path, text, r.hint}
}

// head cuts a key off the text when there is such a key below path.
func (l *loader) head(path, text string) (below, rest string, ok bool) {
	key := keyPath.FindString(text)
	if key == "" {
		return "", "", false
	}
	below, rest = join(path, key), text[len(key):]
	t, ok := l.typeAt(below)
	if !ok || rest == "" || rest[0] != ' ' && rest[0] != ':' {
		return "", "", false
	}
	if t.Kind() == reflect.Slice && indirect(t.Elem()).Kind() == reflect.Struct {
		if m := blockName.FindStringSubmatch(rest); m != nil {
			switch named := l.named(below, m[1]); {
			case len(named) == 1:
				below, rest = named[0], rest[len(m[0]):]
			case len(named) > 1:
				// Nobody can tell which one: the name stays in the text.
				return named[len(named)-1], text, true
			}
		} else if m := blockNumber.FindStringSubmatch(rest); m != nil {
			i, _ := strconv.Atoi(m[1])
			below, rest = fmt.Sprintf("%s[%d]", below, i-1), rest[len(m[0]):]
		}
	}
	return below, strings.TrimPrefix(strings.TrimPrefix(rest, ":"), " "), true
}

// named finds the blocks of a list that have this quoted name.
func (l *loader) named(list, quoted string) []string {
	var paths []string
	name, err := strconv.Unquote(quoted)
	if n := l.nodes[list]; n != nil && err == nil {
		for _, e := range n.elements {
			if c := e.child("name"); c != nil && c.text == name {
				paths = append(paths, e.path)
			}
		}
	}
	return paths
}

// typeAt is the type of the key with this path.
func (l *loader) typeAt(path string) (reflect.Type, bool) {
	t := l.root
	for part := range strings.SplitSeq(path, ".") {
		key, index, indexed := strings.Cut(part, "[")
		if t.Kind() != reflect.Struct || single(t) {
			return nil, false
		}
		var ok bool
		if t, ok = field(t, key); !ok {
			return nil, false
		}
		if indexed && strings.Contains(index, "]") {
			if t.Kind() != reflect.Slice {
				return nil, false
			}
			t = indirect(t.Elem())
		}
	}
	return t, true
}
