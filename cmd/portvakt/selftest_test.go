package main

import (
	"context"
	"errors"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
	"github.com/portvakt/portvakt/login/text"
)

// A tampered factor is the real one but for its Check.
type tampered struct {
	login.Prompter
	check func(real login.Prompter, u login.User, m login.Method, answer login.Secret) error
}

func (f tampered) Check(_ context.Context, u login.User, m login.Method, _ []byte, answer login.Secret) error {
	return f.check(f.Prompter, u, m, answer)
}

func TestSelfTestRefusesAProgramThatWouldLetSomebodyIn(t *testing.T) {
	texts, err := text.New(text.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	config := login.Config{Texts: texts, Tickets: logintest.NewSealer("self-test")}
	tamper := func(check func(login.Prompter, login.User, login.Method, login.Secret) error) selfTest {
		test := newSelfTest(config)
		real := test.factor
		test.factor = func(r login.Records) login.Prompter { return tampered{real(r), check} }
		return test
	}
	lax := newSelfTest(config)
	lax.rules = []login.RuleConfig{{Clients: []string{canaryName}, SecondFactor: login.SecondNone}}
	closed := newSelfTest(config)
	closed.rules = []login.RuleConfig{{SecondFactor: login.SecondDeny}}

	for _, test := range []struct {
		name string
		test selfTest
		want string // the error
	}{
		{"this program", newSelfTest(config), ""},
		{"the rules ask for no second factor", lax, "the password alone: got login.Accept, want login.Ask"},
		{"the rules let nobody in", closed, "the password alone: got login.Reject, want login.Ask"},
		{
			"any code is right", tamper(func(login.Prompter, login.User, login.Method, login.Secret) error { return nil }),
			"the password and a wrong code: got login.Accept, want login.Ask",
		},
		{
			"no code is right", tamper(func(_ login.Prompter, _ login.User, _ login.Method, answer login.Secret) error {
				if answer.Is(canaryWrong) {
					return &login.Refusal{Reason: login.ReasonWrongCode}
				}
				return errors.New("down")
			}), "the password and the code: got an error, want login.Accept",
		},
		{
			"a code is good more than once", tamper(func(_ login.Prompter, u login.User, m login.Method, answer login.Secret) error {
				fresh := newSelfTest(config).factor(&canary{records: map[string]login.Value{}})
				return fresh.Check(t.Context(), u, m, nil, answer)
			}), "the password and a code used before: got login.Accept, want login.Ask",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := test.test.run(t.Context()); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
