package factortest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A Setup is a factor under test and a person who has enrolled it.
type Setup struct {
	// New makes the factor over the records. It is called again for a restart.
	New func(login.Records) login.Prompter
	// User has enrolled the factor; her first method is tried.
	User login.User
	// Answer is what she types who has the device or got the message. It is
	// called after Prompt, once a rule.
	Answer func(m login.Method) string
	// Wrong is an answer of the right form that is wrong.
	Wrong string
	// NeedsText is whether the factor keeps only digests, and so refuses
	// transports that carry a proof.
	NeedsText bool
	// Hidden are texts that no error may contain: seeds, numbers, keys.
	// Answers are always hidden.
	Hidden []string
}

// Run checks every rule, each with a Setup of its own.
func Run(t *testing.T, setup func(t *testing.T) Setup) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			if err := r.broken(t.Context(), setup(t)); err != nil {
				t.Error(err)
			}
		})
	}
}

// A Proof is a [login.Secret] of a transport that carries no text: it can be
// compared and nothing else.
type Proof string

var _ login.Secret = Proof("")

// Reveal has nothing to reveal.
func (Proof) Reveal() (string, bool) { return "", false }

// Is compares with a candidate.
func (p Proof) Is(text string) bool { return login.Cleartext(p).Is(text) }

// String redacts.
func (Proof) String() string { return "[proof]" }

type rule struct {
	name  string
	check func(context.Context, *trial) error
}

// broken returns how the factor breaks the rule, or nil.
func (r rule) broken(ctx context.Context, s Setup) error {
	tr := &trial{Setup: s}
	if err := tr.start(); err != nil {
		return err
	}
	memo, err := tr.factor.Prompt(ctx, s.User, tr.method)
	if err != nil {
		return fmt.Errorf("Prompt: %w", err)
	}
	tr.memo = memo
	if err := r.check(ctx, tr); err != nil {
		return err
	}
	return tr.leak
}

// A trial is one rule being checked.
type trial struct {
	Setup
	records logintest.Records
	factor  login.Prompter
	method  login.Method
	memo    []byte

	mu   sync.Mutex
	leak error
}

// start makes the factor, as a daemon does that starts.
func (tr *trial) start() error {
	tr.factor = tr.New(&tr.records)
	methods := tr.factor.Methods(tr.User)
	if len(methods) == 0 {
		return fmt.Errorf("no methods for a user who has enrolled %s", tr.factor.Name())
	}
	tr.method = methods[0]
	return nil
}

// try answers and looks into the error for what must not be there.
func (tr *trial) try(ctx context.Context, answer login.Secret) error {
	err := tr.factor.Check(ctx, tr.User, tr.method, tr.memo, answer)
	if err == nil {
		return nil
	}
	hidden := tr.Hidden
	switch a := answer.(type) {
	case login.Cleartext:
		hidden = append(slices.Clip(hidden), string(a))
	case Proof:
		hidden = append(slices.Clip(hidden), string(a))
	}
	for i, h := range hidden {
		if strings.TrimSpace(h) != "" && strings.Contains(err.Error(), h) {
			tr.mu.Lock()
			tr.leak = fmt.Errorf("an error contains hidden text %d of %d", i+1, len(hidden))
			tr.mu.Unlock()
		}
	}
	return err
}

func (tr *trial) text(ctx context.Context, answer string) error {
	return tr.try(ctx, login.Cleartext(answer))
}
