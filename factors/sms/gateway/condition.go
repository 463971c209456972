package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// A condition is what a reply has to hold: a regular expression that its text
// fits, or, when it begins with a slash, a JSON pointer (RFC 6901) to a value,
// and behind "=" a regular expression that the value fits.
type condition struct {
	pointer []string // nil when the whole text is looked at
	expr    *regexp.Regexp
}

// parseCondition reads a condition; nil when there is none. Its errors hold
// nothing of the text but what is wrong with it.
func parseCondition(text string) (*condition, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no condition is a good one
	}
	c := &condition{}
	expr := text
	if strings.HasPrefix(text, "/") {
		var path string
		path, expr, _ = strings.Cut(text, "=")
		for token := range strings.SplitSeq(path[1:], "/") {
			if bad := strings.NewReplacer("~0", "", "~1", "").Replace(token); strings.Contains(bad, "~") {
				return nil, errors.New("is not a JSON pointer: \"~\" is written \"~0\", and \"/\" in a name \"~1\"")
			}
			c.pointer = append(c.pointer, strings.NewReplacer("~1", "/", "~0", "~").Replace(token))
		}
	}
	var err error
	if c.expr, err = regexp.Compile(expr); err != nil {
		return nil, fmt.Errorf("is not a regular expression: %w", err)
	}
	return c, nil
}

// find looks for what the condition wants. The value is the expression's first
// group, or else all that it fits; for a plain pointer the value there.
func (c *condition) find(text []byte) (value string, ok bool) {
	if c.pointer != nil {
		at, ok := lookup(text, c.pointer)
		if !ok {
			return "", false
		}
		if c.expr.String() == "" {
			return at, true
		}
		text = []byte(at)
	}
	m := c.expr.FindSubmatch(text)
	if m == nil {
		return "", false
	}
	if len(m) > 1 {
		return string(m[1]), true
	}
	return string(m[0]), true
}

// fits is find for who only wants to know.
func (c *condition) fits(text []byte) bool {
	if c == nil {
		return false
	}
	_, ok := c.find(text)
	return ok
}

// names reports whether find gives a part of the text: a condition that only
// fits something is no name of a message.
func (c *condition) names() bool { return c.pointer != nil || c.expr.NumSubexp() > 0 }

// lookup follows a pointer to a string, number or truth value.
func lookup(text []byte, pointer []string) (string, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var node any
	if d.Decode(&node) != nil {
		return "", false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "", false
	}
	for _, token := range pointer {
		switch n := node.(type) {
		case map[string]any:
			var ok bool
			if node, ok = n[token]; !ok {
				return "", false
			}
		case []any:
			i, err := strconv.ParseUint(token, 10, 31)
			if err != nil || i >= uint64(len(n)) {
				return "", false
			}
			node = n[i]
		default:
			return "", false
		}
	}
	switch n := node.(type) {
	case string:
		return n, true
	case json.Number:
		return n.String(), true
	case bool:
		return strconv.FormatBool(n), true
	}
	return "", false
}
