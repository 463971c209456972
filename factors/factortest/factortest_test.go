package factortest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
)

const (
	right = "424242"
	seed  = "the seed"
)

// A toy is the smallest factor that keeps every rule: one code, used once.
// Each fault breaks one.
type toy struct {
	records login.Records
	fault   string
	inner   map[string]bool
}

func (f *toy) Name() string { return "toy" }

func (f *toy) Methods(u login.User) []login.Method {
	if len(u.Enrollment.Credentials) == 0 && f.fault != "methods for everybody" {
		return nil
	}
	id := "toy/1"
	if f.fault == "long method" {
		id += strings.Repeat("x", 40)
	}
	return []login.Method{{ID: id, Factor: "toy"}}
}

func (f *toy) Prompt(context.Context, login.User, login.Method) ([]byte, error) {
	if f.fault == "long memo" {
		return make([]byte, login.MaxMemo+1), nil
	}
	return nil, nil
}

func (f *toy) Check(ctx context.Context, u login.User, _ login.Method, _ []byte, answer login.Secret) error {
	text, ok := answer.Reveal()
	is := answer.Is(right)
	switch {
	case f.fault == "needs the text" && !ok:
		return errors.New("cannot read")
	case f.fault == "accepts empty" && ok && text == "":
		is = true
	case f.fault == "changes the user":
		u.Enrollment.Credentials[0].Label = "changed"
	}
	if !is {
		if f.fault == "leaks the answer" {
			return fmt.Errorf("%q: %w", text, &login.Refusal{Reason: login.ReasonWrongCode})
		}
		if f.fault == "wrong clears the record" {
			if v, err := f.records.Get(ctx, "toy"); err == nil {
				_ = f.records.Swap(ctx, "toy", v.Rev, nil)
			}
		}
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	switch f.fault {
	case "forgets":
		return nil
	case "remembers in memory":
		if f.inner["used"] {
			return &login.Refusal{Reason: login.ReasonUsedCode}
		}
		f.inner["used"] = true
		return nil
	}
	_, err := f.records.Get(ctx, "toy")
	if err == nil {
		return &login.Refusal{Reason: login.ReasonUsedCode}
	}
	if !errors.Is(err, login.ErrNotFound) {
		return f.storeError(err)
	}
	err = f.records.Swap(ctx, "toy", 0, []byte("used"))
	switch {
	case err != nil && f.fault == "accepts what it cannot record":
		return nil
	case errors.Is(err, login.ErrConflict) && f.fault == "accepts in a conflict":
		return nil
	case errors.Is(err, login.ErrConflict):
		return &login.Refusal{Reason: login.ReasonUsedCode}
	case err != nil:
		return f.storeError(err)
	}
	return nil
}

func (f *toy) storeError(err error) error {
	switch f.fault {
	case "outage is a rejection":
		return &login.Refusal{Reason: login.ReasonWrongCode}
	case "leaks the seed":
		return fmt.Errorf("%s: %w", seed, err)
	}
	return fmt.Errorf("record of the toy: %w", err)
}

func toySetup(fault string) Setup {
	return Setup{
		New: func(r login.Records) login.Prompter {
			return &toy{records: r, fault: fault, inner: map[string]bool{}}
		},
		User:   login.User{Enrollment: login.Enrollment{Credentials: []login.Credential{{ID: "1", Kind: "toy", Data: []byte("{}")}}}},
		Answer: func(login.Method) string { return right },
		Wrong:  "000000",
		Hidden: []string{seed},
	}
}

func TestAGoodFactorPasses(t *testing.T) {
	Run(t, func(*testing.T) Setup { return toySetup("") })
}

func TestABrokenFactorFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fault string
		rule  func(context.Context, *trial) error
	}{
		{"forgets", provesOnce},
		{"remembers in memory", provesOnce},
		{"accepts in a conflict", oneOfMany},
		{"accepts what it cannot record", needsSwap},
		{"accepts what it cannot record", needsCertainty},
		{"outage is a rejection", needsGet},
		{"outage is a rejection", needsContext},
		{"wrong clears the record", wrongLosesNothing},
		{"accepts empty", emptyIsWrong},
		{"needs the text", proofServes},
		{"leaks the answer", wrongLosesNothing},
		{"leaks the seed", needsGet},
		{"long memo", fits},
		{"long method", fits},
		{"methods for everybody", fits},
		{"changes the user", enrollmentUntouched},
	} {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			if err := (rule{check: tt.rule}).broken(t.Context(), toySetup("")); err != nil {
				t.Fatalf("the sound factor breaks the rule too: %v", err)
			}
			if (rule{check: tt.rule}).broken(t.Context(), toySetup(tt.fault)) == nil {
				t.Error("the rule did not notice")
			}
		})
	}
}

func TestAFactorThatKeepsDigestsMustSaySo(t *testing.T) {
	s := toySetup("")
	s.NeedsText = true
	if err := (rule{check: proofServes}).broken(t.Context(), s); err == nil {
		t.Error("NeedsText is set, and a factor that takes proofs passed")
	}
}
