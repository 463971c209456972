package conf

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// compare walks the file's tree beside the type it will be decoded into. It
// tells unknown keys and keys of later versions, and remembers the node of
// each name that the decoder will use. plain is the path without indices.
func (l *loader) compare(n *node, t reflect.Type, name, plain string) {
	l.nodes[name] = n
	t = indirect(t)
	switch {
	case t == secretType:
		l.compareSecret(n)
	case single(t):
	case t.Kind() == reflect.Struct && n.kind == unstable.Table:
		for _, key := range n.order {
			c := n.children[key]
			below := join(plain, key)
			if l.isLater(c, below) {
				continue
			}
			sub, ok := field(t, key)
			if !ok {
				l.unknown(n, c, t, key)
				continue
			}
			l.compare(c, sub, join(name, key), below)
		}
	case t.Kind() == reflect.Map && n.kind == unstable.Table:
		for _, key := range n.order {
			l.compare(n.children[key], t.Elem(), name+"["+key+"]", join(plain, key))
		}
	case t.Kind() == reflect.Slice:
		for i, e := range n.elements {
			l.compare(e, t.Elem(), fmt.Sprintf("%s[%d]", name, i), plain)
		}
	}
}

// isLater tells a key, or a value of a key, that this version does not have
// yet. It reports whether the whole key is of a later version.
func (l *loader) isLater(n *node, plain string) bool {
	values, ok := l.later[plain]
	if !ok {
		return false
	}
	if len(values) == 0 {
		l.problem(n, "is not in this version yet", "remove it")
		return true
	}
	for _, v := range append([]*node{n}, n.elements...) {
		if v.kind == unstable.String && slices.Contains(values, v.text) {
			// The section will say so of the whole list.
			l.told[strings.ToLower(n.path)] = true
			// The text is one of our own list, so it is no secret.
			l.problem(v, fmt.Sprintf("%q is not in this version yet", v.text), "remove it")
		}
	}
	return false
}

func (l *loader) unknown(parent, n *node, t reflect.Type, key string) {
	text := fmt.Sprintf("unknown key %q", key)
	if n.header {
		text = fmt.Sprintf("unknown section %q", key)
	}
	if parent.path != "" {
		header := "[" + index.ReplaceAllString(parent.path, "") + "]"
		if strings.HasSuffix(parent.path, "]") {
			header = "[" + header + "]"
		}
		text += " in " + header
	}
	known := keys(t)
	hint := "known here: " + strings.Join(known, ", ")
	if near := closest(key, known); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
		// That the near key is missing would be the same problem again.
		l.told[strings.ToLower(join(parent.path, near))] = true
	} else if other := owner(l.root, "", key); other != "" {
		hint = fmt.Sprintf("%q is a key of %s", key, other)
	}
	l.problems = append(l.problems, Problem{
		Place: Place{File: l.src.name, Line: n.line}, Text: text, Hint: hint,
	})
}

// problem tells a problem of a key.
func (l *loader) problem(n *node, text, hint string) {
	l.told[strings.ToLower(n.path)] = true
	l.problems = append(l.problems, Problem{
		Place: Place{File: l.src.name, Line: n.line}, Key: n.path, Text: text, Hint: hint,
	})
}

// warn tells what works and should be changed.
func (l *loader) warn(n *node, text, hint string) {
	l.warnings = append(l.warnings, Problem{
		Place: Place{File: l.src.name, Line: n.line}, Key: n.path, Text: text, Hint: hint,
	})
}
