package conf

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	maxSyntax = 20 // syntax errors that are told: after some, the rest is noise
	maxDepth  = 16 // tables in tables; no section needs more than four
)

// A node is a key of the file, or an element of a list, with its place.
type node struct {
	path     string // as written, "client[0].secret"
	line     int
	kind     unstable.Kind // Table, ArrayTable, KeyValue kinds of values
	text     string        // of strings; may be a secret
	header   bool          // written as [header] or [[header]]
	closed   bool          // has its [header] or is inline: cannot be written again
	order    []string      // lower-case keys in the order of the file
	children map[string]*node
	elements []*node
}

func (n *node) child(key string) *node { return n.children[strings.ToLower(key)] }

// add makes a child; TOML's keys know upper and lower case, ours do not.
func (n *node) add(key string, line int, kind unstable.Kind) *node {
	c := &node{path: join(n.path, key), line: line, kind: kind}
	if n.children == nil {
		n.children = map[string]*node{}
	}
	low := strings.ToLower(key)
	n.children[low] = c
	n.order = append(n.order, low)
	return c
}

// push makes an element of a list.
func (n *node) push(line int, kind unstable.Kind) *node {
	e := &node{path: fmt.Sprintf("%s[%d]", n.path, len(n.elements)), line: line, kind: kind}
	n.elements = append(n.elements, e)
	return e
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// A scanner reads a file for the places of its keys. What it finds wrong is
// blanked out in clean, so that the rest can be decoded and its problems told
// in the same run.
type scanner struct {
	file     string
	doc      []byte
	clean    []byte
	newlines []int // offsets
	p        unstable.Parser
	root     *node
	table    *node // that key-value lines belong to; nil below a header written twice
	problems Problems
	blanked  []string // paths of keys that are not decoded
}

// scan reads the tree of the file. When the syntax is wrong somewhere it
// returns only what is, because the tree is then not to be trusted.
func scan(file string, doc []byte) (*scanner, Problems) {
	s := &scanner{file: file, doc: bytes.Clone(doc)}
	for i, c := range doc {
		if c == '\n' {
			s.newlines = append(s.newlines, i)
		}
	}
	var wrong Problems
	for len(wrong) < maxSyntax {
		bad, again := s.pass()
		if bad == nil {
			break
		}
		wrong = append(wrong, *bad)
		if !again {
			break
		}
	}
	return s, wrong
}

// pass reads the whole file. It stops at a syntax error; when that is one of a
// single line, the line is blanked out so that another pass can find the next.
func (s *scanner) pass() (bad *Problem, again bool) {
	s.root = &node{kind: unstable.Table}
	s.table = s.root
	s.problems, s.blanked = nil, nil
	s.clean = bytes.Clone(s.doc)
	s.p.Reset(s.doc)
	for s.p.NextExpression() {
		if err := s.expression(s.p.Expression()); err != nil {
			return err, false
		}
	}
	var perr *unstable.ParserError
	if !errors.As(s.p.Error(), &perr) {
		return nil, false
	}
	offset := int(s.p.Range(perr.Highlight).Offset)
	line, column := s.position(offset)
	start := offset - column + 1
	end := len(s.doc)
	if line-1 < len(s.newlines) {
		end = s.newlines[line-1]
	}
	alone := unstable.Parser{}
	alone.Reset(bytes.Clone(s.doc[start:end]))
	for alone.NextExpression() {
	}
	again = alone.Error() != nil
	blank(s.doc[start:end])
	p := s.syntax(perr.Message)
	if !again {
		p.Hint = "this line is right by itself: above it a ], } or quote is missing"
	}
	p.Place = Place{s.file, line, column}
	return &p, again
}

// syntax words a parser's message for people who do not know the grammar.
func (s *scanner) syntax(message string) Problem {
	p := Problem{Text: message}
	switch {
	case strings.Contains(message, "U+000A at start of value"), strings.Contains(message, "not end of input"):
		return Problem{Text: "there is no value behind the ="}
	case strings.Contains(message, "at start of value"), strings.Contains(message, "expected keyword"),
		strings.Contains(message, "strings must be quoted"), strings.Contains(message, "expected newline but"):
		p.Hint = `text is written in quotes: key = "text"`
	case strings.Contains(message, "expected '=' after key"):
		p.Hint = "write key = value; a comment begins with #"
	case strings.Contains(message, "have new lines"), strings.Contains(message, "unterminated"):
		p.Hint = "the closing quote is missing on this line"
	case strings.Contains(message, "escape"), strings.Contains(message, `after \`):
		p.Hint = `in "…" a backslash begins an escape: write \\, or put the text in '…'`
	case strings.Contains(message, "UTF-8"):
		p.Hint = "save the file as UTF-8"
	}
	// The parser quotes the character it stopped at, which may belong to a
	// secret.
	if before, after, found := strings.Cut(message, "U+"); found {
		_, after, _ = strings.Cut(after, "'")
		_, after, _ = strings.Cut(after, "'")
		p.Text = strings.TrimSuffix(strings.TrimRight(before, " "), " but got") + after
	}
	p.Text = strings.Replace(p.Text, "expected newline", "the line should end here", 1)
	return p
}

func (s *scanner) position(offset int) (line, column int) {
	line = sort.SearchInts(s.newlines, offset)
	start := 0
	if line > 0 {
		start = s.newlines[line-1] + 1
	}
	return line + 1, offset - start + 1
}

func (s *scanner) lineOf(n *unstable.Node, otherwise int) int {
	if n.Raw.Length == 0 {
		return otherwise
	}
	line, _ := s.position(int(n.Raw.Offset))
	return line
}

func (s *scanner) expression(e *unstable.Node) *Problem {
	if e.Kind == unstable.KeyValue {
		if s.table == nil {
			blank(s.clean[e.Raw.Offset : e.Raw.Offset+e.Raw.Length])
			return nil
		}
		ok, bad := s.keyValue(s.table, e, 0)
		if !ok {
			_, parts := s.keys(e)
			s.blanked = append(s.blanked, join(s.table.path, strings.Join(parts, ".")))
			blank(s.clean[e.Raw.Offset : e.Raw.Offset+e.Raw.Length])
		}
		return bad
	}
	at, parts := s.keys(e)
	if len(parts) > maxDepth {
		return s.deep(at)
	}
	t := s.header(e.Kind, parts, at)
	if t == nil {
		start := 0
		if at > 1 {
			start = s.newlines[at-2] + 1
		}
		end := len(s.clean)
		if at-1 < len(s.newlines) {
			end = s.newlines[at-1]
		}
		blank(s.clean[start:end])
	}
	s.table = t
	return nil
}

// header finds or makes the table that a [header] names; nil when it cannot be
// named there.
func (s *scanner) header(kind unstable.Kind, parts []string, line int) *node {
	t := s.root
	for i, key := range parts {
		c, last := t.child(key), i == len(parts)-1
		switch {
		case c == nil && last && kind == unstable.ArrayTable:
			c = t.add(key, line, unstable.ArrayTable)
			c.header = true
		case c == nil:
			c = t.add(key, line, unstable.Table)
			c.closed, c.header = last, last
		case last && (c.kind != kind || c.closed),
			!last && c.kind != unstable.Table && c.kind != unstable.ArrayTable:
			s.again(kind, line, c)
			return nil
		case last && kind == unstable.Table:
			c.closed = true
		}
		if c.kind == unstable.ArrayTable {
			if last {
				c.push(line, unstable.Table)
			}
			c = c.elements[len(c.elements)-1]
		}
		t = c
	}
	return t
}

// keyValue adds what "key = value" says; ok is false when the key was there.
func (s *scanner) keyValue(t *node, e *unstable.Node, depth int) (ok bool, bad *Problem) {
	line, parts := s.keys(e)
	if depth += len(parts); depth > maxDepth {
		return true, s.deep(line)
	}
	for i, key := range parts {
		c, last := t.child(key), i == len(parts)-1
		switch {
		case c == nil && !last:
			c = t.add(key, line, unstable.Table)
		case c == nil:
			v := e.Value()
			return s.value(t.add(key, line, v.Kind), v, depth)
		case last || c.kind != unstable.Table || c.closed:
			s.again(unstable.KeyValue, line, c)
			return false, nil
		}
		t = c
	}
	return true, nil
}

func (s *scanner) value(n *node, v *unstable.Node, depth int) (ok bool, bad *Problem) {
	ok = true
	if depth > maxDepth {
		return ok, s.deep(n.line)
	}
	switch v.Kind {
	case unstable.String:
		n.text = string(v.Data)
	case unstable.InlineTable:
		n.kind = unstable.Table
		for it := v.Children(); it.Next(); {
			one, bad := s.keyValue(n, it.Node(), depth)
			if bad != nil {
				return ok, bad
			}
			ok = ok && one
		}
		n.closed = true
	case unstable.Array:
		line := n.line
		for it := v.Children(); it.Next(); {
			c := it.Node()
			if c.Kind == unstable.InlineTable && c.Child() != nil {
				line, _ = s.keys(c.Child())
			} else {
				line = s.lineOf(c, line)
			}
			one, bad := s.value(n.push(line, c.Kind), c, depth+1)
			if bad != nil {
				return ok, bad
			}
			ok = ok && one
		}
	default:
	}
	return ok, nil
}

func (s *scanner) keys(e *unstable.Node) (line int, parts []string) {
	for it := e.Key(); it.Next(); {
		if len(parts) == 0 {
			line = s.lineOf(it.Node(), 1)
		}
		parts = append(parts, string(it.Node().Data))
	}
	return line, parts
}

// again tells what is written a second time.
func (s *scanner) again(kind unstable.Kind, line int, first *node) {
	p := Problem{
		Place: Place{File: s.file, Line: line}, Key: first.path,
		Text: fmt.Sprintf("is written twice: first on line %d", first.line),
		Hint: "leave one out",
	}
	if kind == unstable.Table && first.kind == unstable.ArrayTable {
		p.Text = fmt.Sprintf("is a list of blocks: [[%s]] on line %d", first.path, first.line)
		p.Hint = "write [[" + first.path + "]] with two brackets"
	}
	s.problems = append(s.problems, p)
	s.blanked = append(s.blanked, first.path)
}

func (s *scanner) deep(line int) *Problem {
	return &Problem{
		Place: Place{File: s.file, Line: line},
		Text:  fmt.Sprintf("there are more than %d tables in each other", maxDepth),
	}
}

// blank keeps the lines and so the places of all others.
func blank(b []byte) {
	for i, c := range b {
		if c != '\n' && c != '\r' {
			b[i] = ' '
		}
	}
}
