package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/login"
)

// A canary is an account that exists during the start-up self-test only, in
// memory: its directory, what it has enrolled, and the records about it.
type canary struct {
	enrolled login.Enrollment

	mu      sync.Mutex
	records map[string]login.Value
	broken  error // returned by the records
}

const canaryName, canaryPassword = "canary", "of the canary"

// Lookup finds the canary.
func (c *canary) Lookup(context.Context, string, time.Duration) (login.Account, error) {
	return login.Account{ID: canaryName, Name: canaryName, DN: "cn=" + canaryName}, nil
}

// Verify compares its password.
func (c *canary) Verify(_ context.Context, _ login.Account, password login.Secret) error {
	if password.Is(canaryPassword) {
		return nil
	}
	return &login.Refusal{Reason: login.ReasonBadPassword}
}

// Enrollment returns its token.
func (c *canary) Enrollment(context.Context, string) (login.Enrollment, error) {
	return c.enrolled, nil
}

// Add adds nothing: the canary has what it needs.
func (*canary) Add(context.Context, login.Account, uint64, login.Credential) error {
	return errors.New("the canary enrolls nothing")
}

// Get reads from memory.
func (c *canary) Get(_ context.Context, key string) (login.Value, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.records[key]; ok || c.broken != nil {
		return v, c.broken
	}
	return login.Value{}, login.ErrNotFound
}

// Swap writes to memory.
func (c *canary) Swap(_ context.Context, key string, rev uint64, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.broken != nil:
		return c.broken
	case c.records[key].Rev != rev:
		return login.ErrConflict
	}
	c.records[key] = login.Value{Data: append([]byte(nil), data...), Rev: rev + 1}
	return nil
}

// breakRecords makes the records fail, until it is called with nil.
func (c *canary) breakRecords(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
}

// A selfTest is what proves, before anybody is asked to trust this program,
// that nothing but the password and then a fresh code is accepted. It goes
// through the Flow, the rules and a factor that decide about people.
type selfTest struct {
	config login.Config // Texts and Tickets are taken from it
	rules  []login.RuleConfig
	factor func(login.Records) login.Prompter
}

// newSelfTest is the one that serve runs.
func newSelfTest(c login.Config) selfTest {
	return selfTest{
		c,
		[]login.RuleConfig{{Name: canaryName, SecondFactor: login.SecondRequired}},
		func(r login.Records) login.Prompter { return totp.New(totp.DefaultConfig(), r) },
	}
}

// The token of RFC 4226, appendix D: it needs no clock. The wrong code is none
// of its first 100.
const canarySeed, canaryRight, canaryWrong = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "755224", "000000"

func (t selfTest) run(ctx context.Context) error {
	seed, err := totp.ParseSeed(canarySeed)
	if err != nil {
		return err
	}
	cred, err := totp.NewCredential("", totp.Token{Kind: totp.KindCounter, Seed: seed, Algorithm: totp.SHA1, Digits: len(canaryRight)})
	if err != nil {
		return err
	}
	c := &canary{enrolled: login.Enrollment{Credentials: []login.Credential{cred}, Rev: 1}, records: map[string]login.Value{}}
	config := login.Config{
		Texts: t.config.Texts, Tickets: t.config.Tickets, Directory: c, Enrollments: c, Records: c,
		Factors: []login.Factor{t.factor(c)},
	}
	if config.Policy, err = login.NewPolicy(t.rules); err != nil {
		return err
	}
	flow, broken := login.NewFlow(config), errors.New("broken on purpose")
	for _, s := range []struct {
		what, password, code string
		broken               error
		want                 string
	}{
		{"a wrong password", "wrong", canaryRight, nil, "login.Reject"},
		{"the password alone", canaryPassword, "", nil, "login.Ask"},
		{"the password and a wrong code", canaryPassword, canaryWrong, nil, "login.Ask"},
		{"the password and the code, and records that fail", canaryPassword, canaryRight, broken, "an error"},
		{"the password and the code", canaryPassword, canaryRight, nil, "login.Accept"},
		{"the password and a code used before", canaryPassword, canaryRight, nil, "login.Ask"},
	} {
		if got := c.signIn(ctx, flow, s.password, s.code, s.broken); got != s.want {
			return fmt.Errorf("%s: got %s, want %s", s.what, got, s.want)
		}
	}
	return nil
}

// signIn plays a sign-in, with the records broken behind the password, and
// names its end.
func (c *canary) signIn(ctx context.Context, flow *login.Flow, password, code string, broken error) string {
	a := login.Attempt{User: canaryName, Secret: login.Cleartext(password), Via: login.Via{Client: canaryName, CanAsk: true}}
	step, err := flow.Begin(ctx, a)
	if ask, ok := step.(login.Ask); ok && code != "" {
		c.breakRecords(broken)
		defer c.breakRecords(nil)
		a.Secret = login.Cleartext(code)
		step, err = flow.Resume(ctx, a, ask.Ticket)
	}
	if err != nil {
		return "an error"
	}
	return fmt.Sprintf("%T", step)
}
