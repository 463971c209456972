package logintest

import (
	"context"
	"fmt"
	"sync"

	"github.com/portvakt/portvakt/login"
)

// Factor is a [login.Prompter] whose codes a test knows. A standing one has the
// code 111111 once, then 111112, and so on; one that sends has a new code each
// time it is prompted: 500001, then 500002, and so on.
type Factor struct {
	FactorName string
	Standing   bool
	Quiet      bool
	// Hints are its methods, one each; empty means one method without a hint.
	Hints []string
	// For, when set, says who has the factor.
	For func(accountID string) bool
	// PromptErr and CheckErr make it fail.
	PromptErr, CheckErr error

	mu    sync.Mutex
	used  map[string]int
	Sent  []string // hints that something was sent to, in order
	count int
}

var _ login.Prompter = (*Factor)(nil)

// Name is the factor's name.
func (f *Factor) Name() string { return f.FactorName }

// Methods are one for each hint.
func (f *Factor) Methods(u login.User) []login.Method {
	if f.For != nil && !f.For(u.Account.ID) {
		return nil
	}
	hints := f.Hints
	if len(hints) == 0 {
		hints = []string{""}
	}
	var ms []login.Method
	for i, h := range hints {
		ms = append(ms, login.Method{
			ID: fmt.Sprintf("%s/%d", f.FactorName, i), Factor: f.FactorName, Hint: h,
			Standing: f.Standing, Quiet: f.Quiet,
		})
	}
	return ms
}

// Prompt makes a new code when the factor sends.
func (f *Factor) Prompt(_ context.Context, _ login.User, m login.Method) ([]byte, error) {
	if f.PromptErr != nil {
		return nil, f.PromptErr
	}
	if f.Standing {
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	f.Sent = append(f.Sent, m.Hint)
	return fmt.Appendf(nil, "%06d", 500000+f.count), nil
}

// Check compares with the code there is now.
func (f *Factor) Check(_ context.Context, u login.User, _ login.Method, memo []byte, answer login.Secret) error {
	if f.CheckErr != nil {
		return f.CheckErr
	}
	if !f.Standing {
		if memo != nil && answer.Is(string(memo)) {
			return nil
		}
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.used == nil {
		f.used = map[string]int{}
	}
	n := f.used[u.Account.ID]
	if answer.Is(fmt.Sprintf("%06d", 111111+n)) {
		f.used[u.Account.ID]++
		return nil
	}
	for i := range n {
		if answer.Is(fmt.Sprintf("%06d", 111111+i)) {
			return &login.Refusal{Reason: login.ReasonUsedCode}
		}
	}
	return &login.Refusal{Reason: login.ReasonWrongCode}
}

// Proof is a [login.Secret] that carries no text, as CHAP does.
type Proof string

// Reveal has nothing to reveal.
func (Proof) Reveal() (string, bool) { return "", false }

// Is compares.
func (p Proof) Is(text string) bool { return string(p) == text }
