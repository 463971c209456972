package totp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
)

// name is the factor's name in the configuration and before the slash of its
// methods, for both kinds of tokens.
const name = "totp"

// maxConflicts bounds how often an answer is judged again because another one
// was faster. Each conflict means that another answer for the same token
// proved, and few codes are valid at a time.
const maxConflicts = 16

// A Factor is the factor "totp": codes of time and counter tokens.
type Factor struct {
	records login.Records
	clock   *clock
	issuer  string
}

var _ login.Enroller = (*Factor)(nil)

// New makes the factor. It keeps the last step or counter of each token in
// records.
func New(cfg Config, records login.Records) *Factor {
	return &Factor{records: records, clock: newClock(), issuer: cfg.Issuer}
}

// Name returns "totp".
func (f *Factor) Name() string { return name }

// Methods returns one method a token.
func (f *Factor) Methods(u login.User) []login.Method {
	var methods []login.Method
	for _, c := range u.Enrollment.Credentials {
		if c.Kind == KindTime || c.Kind == KindCounter {
			methods = append(methods, login.Method{ID: name + "/" + c.ID, Factor: name, Hint: c.Label, Standing: true})
		}
	}
	return methods
}

// Prompt does nothing: a token shows its code all the time.
func (f *Factor) Prompt(context.Context, login.User, login.Method) ([]byte, error) { return nil, nil }

// Check decides whether the answer is a code of the method's token that was
// never used.
func (f *Factor) Check(ctx context.Context, u login.User, m login.Method, _ []byte, answer login.Secret) error {
	id, _ := strings.CutPrefix(m.ID, name+"/")
	for _, c := range u.Enrollment.Credentials {
		if c.ID == id && (c.Kind == KindTime || c.Kind == KindCounter) {
			return f.check(ctx, c, answer)
		}
	}
	return &login.Refusal{Reason: login.ReasonNotEnrolled, Detail: "the token was removed"}
}

// Confirm decides whether the answer is a code of a credential that is about
// to be enrolled, as Check does: the code is used up, and cannot log in.
func (f *Factor) Confirm(ctx context.Context, c login.Credential, answer login.Secret) error {
	if c.Kind != KindTime && c.Kind != KindCounter {
		return fmt.Errorf("credential %q of kind %q is no token", c.ID, c.Kind)
	}
	return f.check(ctx, c, answer)
}

func (f *Factor) check(ctx context.Context, c login.Credential, answer login.Secret) error {
	answer, ok := normalize(answer)
	if !ok {
		return &login.Refusal{Reason: login.ReasonWrongCode}
	}
	token, err := parse(c)
	if err != nil {
		return fmt.Errorf("token %q: %w", c.ID, err)
	}
	now := time.Now()
	if token.Kind == KindTime {
		if now, err = f.clock.now(); err != nil {
			return err
		}
	}
	g := token.generator()
	return f.settle(ctx, c.ID, func(record []byte) (next []byte, verdict, err error) {
		if token.Kind == KindCounter {
			return judgeCounterData(g, record, token.Counter, now, answer)
		}
		return judgeTimeData(g, record, token.Period, now, answer)
	})
}

// Token returns the token of a credential as it stands: the counter of one that
// counts is the first that was not used, and so is good for another server. It
// holds the secret.
func (f *Factor) Token(ctx context.Context, c login.Credential) (Token, error) {
	t, err := parse(c)
	if err != nil {
		return Token{}, fmt.Errorf("token %q: %w", c.ID, err)
	}
	if t.Kind != KindCounter {
		return t, nil
	}
	v, err := f.records.Get(ctx, recordKey(c.ID))
	if err != nil && !errors.Is(err, login.ErrNotFound) {
		return Token{}, fmt.Errorf("record of token %q: %w", c.ID, err)
	}
	r, err := decodeCounter(v.Data, t.Counter)
	if err != nil {
		return Token{}, fmt.Errorf("record of token %q: %w", c.ID, err)
	}
	t.Counter = r.next
	return t, nil
}

// recordKey names what is remembered of a token.
func recordKey(id string) string { return "otp/" + id }

// settle judges with the record of a token and makes the outcome durable,
// again and again while others change the record. judge gets nil when there is
// no record, and returns the new record (nil when it need not change, which
// only a refusal may), the verdict, and an error when it could not decide.
func (f *Factor) settle(ctx context.Context, id string, judge func(record []byte) (next []byte, verdict, err error)) error {
	key := recordKey(id)
	for range maxConflicts {
		v, err := f.records.Get(ctx, key)
		switch {
		case errors.Is(err, login.ErrNotFound):
			v = login.Value{}
		case err != nil:
			return fmt.Errorf("record of token %q: %w", id, err)
		case len(v.Data) == 0:
			return fmt.Errorf("record of token %q: %w", id, errDamaged)
		}
		next, verdict, err := judge(v.Data)
		if err != nil {
			return fmt.Errorf("record of token %q: %w", id, err)
		}
		if next == nil && verdict != nil {
			return verdict
		}
		err = f.records.Swap(ctx, key, v.Rev, next)
		if err == nil {
			return verdict
		}
		if !errors.Is(err, login.ErrConflict) {
			return fmt.Errorf("record of token %q: %w", id, err)
		}
	}
	return fmt.Errorf("record of token %q: still changing after %d tries", id, maxConflicts)
}

func judgeTimeData(g *generator, record []byte, period time.Duration, now time.Time, answer login.Secret) (next []byte, verdict, err error) {
	r, err := decodeTime(record)
	if err != nil {
		return nil, nil, err
	}
	step := now.Unix() / int64(period/time.Second)
	r, reason := judgeTime(g, r, step, answer)
	if reason == login.ReasonOK {
		return r.encode(), nil, nil
	}
	refusal := &login.Refusal{Reason: reason}
	if r.last > step+maxDrift+skew {
		refusal.Detail = "the last code used lies in the future: the clock was wrong then; enroll the token again"
	}
	return nil, refusal, nil
}

func judgeCounterData(g *generator, record []byte, first uint64, now time.Time, answer login.Secret) (next []byte, verdict, err error) {
	before, err := decodeCounter(record, first)
	if err != nil {
		return nil, nil, err
	}
	after, reason := judgeCounter(g, before, now.Unix(), answer)
	switch {
	case reason == login.ReasonOK:
		return after.encode(), nil, nil
	case after != before:
		return after.encode(), &login.Refusal{Reason: reason, Detail: "far ahead: the next code of the token brings it back"}, nil
	}
	return nil, &login.Refusal{Reason: reason}, nil
}

// normalize takes spaces and dashes out of typed text ("123 456"), and tells
// what cannot be a code before anything is looked up. A proof stays as it is.
func normalize(answer login.Secret) (login.Secret, bool) {
	text, ok := answer.Reveal()
	if !ok {
		return answer, true
	}
	code := make([]byte, 0, maxDigits)
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ' || c == '-':
		case c < '0' || c > '9' || len(code) == maxDigits:
			return nil, false
		default:
			code = append(code, c)
		}
	}
	return login.Cleartext(code), len(code) >= minDigits
}
