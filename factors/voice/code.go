package voice

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/login"
)

// askAfter is how long the question waits for a call that fails at once.
const askAfter = 3 * time.Second

// Prompt calls the method's number and tells a code to be typed. It returns
// when the call has failed, or after a moment while it goes on.
func (f *Factor) Prompt(ctx context.Context, u login.User, m login.Method) ([]byte, error) {
	secret, err := code.New()
	if err != nil {
		return nil, fmt.Errorf("call: new code: %w", err)
	}
	memo := code.Memo(secret, time.Now())
	return memo, f.tell(ctx, u, m, secret)
}

// Resend calls once more and tells the same code.
func (f *Factor) Resend(ctx context.Context, u login.User, m login.Method, memo []byte) ([]byte, error) {
	secret, at, ok := code.Again(memo)
	// Before it is heard somebody has to answer, and it is told twice.
	if !ok || time.Since(at) > code.Life/2 {
		return f.Prompt(ctx, u, m)
	}
	return memo, f.tell(ctx, u, m, secret)
}

// tell places the call that tells a code.
func (f *Factor) tell(ctx context.Context, u login.User, m login.Method, secret string) error {
	number, ok := f.Find(u, m)
	if !ok {
		return &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no such number any more"}
	}
	ended := make(chan error, 1)
	j := &job{fail: func(err error) { ended <- err }, run: func(ctx context.Context) {
		lang := f.language(u)
		call := f.place("", number, lang)
		call.Prompt = f.prompts.Code(lang, secret)
		ended <- f.dial(ctx, u, call)
	}}
	f.lines.start(j)
	timer := time.NewTimer(askAfter)
	defer timer.Stop()
	select {
	case err := <-ended:
		if err != nil && !answered(err) {
			return err
		}
	case <-timer.C:
	case <-ctx.Done():
		f.lines.stop(j)
		return fmt.Errorf("call: %w", ctx.Err())
	}
	return nil
}

// Check decides whether the answer is the code that the call told.
func (f *Factor) Check(ctx context.Context, u login.User, m login.Method, memo []byte, answer login.Secret) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("call: %w", err)
	}
	err := code.Check(memo, answer)
	if err != nil && login.Refused(err) == "" {
		return fmt.Errorf("call: %w", err)
	}
	if err != nil {
		return err
	}
	number, ok := f.Find(u, m)
	if !ok {
		return &login.Refusal{Reason: login.ReasonWrongCode, Detail: "the number is not hers any more"}
	}
	f.judge(ctx, number)
	return nil
}

// TestCall rings one of her telephones and says that it is a test. nil means
// that # was pressed. Caps count it: whoever may run commands must not be made
// to call for somebody who earns by it.
func (f *Factor) TestCall(ctx context.Context, u login.User, m login.Method) error {
	number, ok := f.Find(u, m)
	if !ok {
		return &login.Refusal{Reason: login.ReasonMethodNotAllowed, Detail: "no such number any more"}
	}
	lang := f.language(u)
	call := f.place("test", number, lang)
	call.Prompt = f.prompts.TestCall(lang)
	call.Keys, call.OneKey, call.Again = (&keypad{}).press, true, f.prompts.Again(lang)
	return f.dial(ctx, u, call)
}
