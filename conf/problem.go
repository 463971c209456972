package conf

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxProblems is how many problems are told; a file with more is another file
// than the one that was meant.
const maxProblems = 100

// A Place is where in a file something is. Line and Column count from 1; 0
// means not known.
type Place struct {
	File         string
	Line, Column int
}

// String is "file", "file:line" or "file:line:column".
func (p Place) String() string {
	s := p.File
	if p.Line > 0 {
		s += ":" + strconv.Itoa(p.Line)
		if p.Column > 0 {
			s += ":" + strconv.Itoa(p.Column)
		}
	}
	return s
}

// A Problem is one thing to change in a configuration file.
type Problem struct {
	Place Place
	// Key is the key's path, such as "client[0].secret"; empty when the
	// problem is not one of a key.
	Key string
	// Text says what is wrong. It never contains a secret.
	Text string
	// Hint says what to do about it; may be empty.
	Hint string
}

// Error is the problem without its hint, so that a program can show the hint
// in its own way.
func (p Problem) Error() string {
	s := p.Place.String() + ": "
	if p.Key == "" {
		return s + p.Text
	}
	// Sections write their problems as sentences about the key.
	for _, verb := range []string{"is ", "are ", "has ", "needs ", "must "} {
		if strings.HasPrefix(p.Text, verb) {
			return s + p.Key + " " + p.Text
		}
	}
	return s + p.Key + ": " + p.Text
}

// String is the problem on one line, with its hint.
func (p Problem) String() string {
	if p.Hint == "" {
		return p.Error()
	}
	return p.Error() + " (hint: " + p.Hint + ")"
}

// Problems are all problems of a file, in the order of its lines.
type Problems []Problem

// Error has one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// sorted orders problems by line, drops what is said twice and cuts off after
// maxProblems.
func (ps Problems) sorted() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			// What has no line, such as a missing section, comes last.
			cmp.Compare(uint(a.Place.Line-1), uint(b.Place.Line-1)),
			cmp.Compare(a.Place.Column, b.Place.Column),
			cmp.Compare(a.Key, b.Key),
			cmp.Compare(a.Text, b.Text),
		)
	})
	ps = slices.Compact(ps)
	if more := len(ps) - maxProblems; more > 0 {
		rest := Problem{Place: Place{File: ps[0].Place.File}, Text: fmt.Sprintf("there are %d more problems", more)}
		ps = append(slices.Clip(ps[:maxProblems]), rest)
	}
	return ps
}
