package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// errNoAnswer is wrapped when nobody answers a question of a dialogue.
var errNoAnswer = errors.New("no answer")

// A prompter asks on a terminal, without echo where a secret is typed, or
// reads lines from a pipe. Questions go to standard error: they are not what
// was asked for.
type prompter struct {
	in    io.Reader
	lines *bufio.Reader
	out   io.Writer
}

func newPrompter(in io.Reader, out io.Writer) *prompter {
	return &prompter{in: in, lines: bufio.NewReader(in), out: out}
}

// ask returns what was typed, without the newline.
func (p *prompter) ask(ctx context.Context, prompt string, echo bool) (string, error) {
	f, ok := p.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		say(p.out, "%s\n", prompt)
		return p.await(ctx, prompt, p.line)
	}
	fd := int(f.Fd())
	say(p.out, "%s ", prompt)
	if echo {
		return p.await(ctx, prompt, p.line)
	}
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	text, err := p.await(ctx, prompt, func() (string, error) {
		b, err := term.ReadPassword(fd)
		return string(b), err
	})
	say(p.out, "\n")
	// An interrupted reader still waits, with the echo off.
	return text, errors.Join(err, term.Restore(fd, before))
}

// await reads until ctx ends. A read from a terminal cannot be interrupted: the
// goroutine that waits in it ends with the process, which is about to.
func (p *prompter) await(ctx context.Context, prompt string, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	typed := make(chan result, 1)
	go func() {
		text, err := read()
		typed <- result{text, err}
	}()
	select {
	case r := <-typed:
		if r.err != nil {
			return "", fmt.Errorf("%w to %q: %w", errNoAnswer, prompt, r.err)
		}
		return r.text, nil
	case <-ctx.Done():
		return "", fmt.Errorf("%w to %q: %w", errNoAnswer, prompt, ctx.Err())
	}
}

func (p *prompter) line() (string, error) {
	line, err := p.lines.ReadString('\n')
	if err != nil && line == "" {
		return "", err
	}
	return trimNewline(line), nil
}

func trimNewline(s string) string {
	for len(s) > 0 && (s[len(s)-1] == '\n' || s[len(s)-1] == '\r') {
		s = s[:len(s)-1]
	}
	return s
}
