package radiusd

import (
	"crypto/md5"
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
)

// chapResponse is RFC 1994, section 4.1.
func chapResponse(id byte, password, challenge string) []byte {
	sum := md5.Sum([]byte(string([]byte{id}) + password + challenge))
	return sum[:]
}

func TestCHAP(t *testing.T) {
	t.Parallel()
	s, _ := proofs(t, []string{methodCHAP}, login.RuleConfig{SecondFactor: login.SecondNone, Users: []string{"alice", "bob", "zoë", `ADEX\dora`}})
	d := s.device(t, "127.0.0.1")
	for _, row := range []struct {
		what, password, challenge string
		code                      byte
	}{
		{"a challenge of 16 octets", "secret", strings.Repeat("C", 16), accept},
		{"one of 253", "secret", strings.Repeat("C", 253), accept},
		{"the Request Authenticator as challenge", "secret", "", accept},
		{"a wrong password", "Secret", strings.Repeat("C", 16), rejected},
		{"an empty password", "", strings.Repeat("C", 16), rejected},
	} {
		if a := d.ask(d.chap("alice", row.password, row.challenge)); a.code != row.code {
			t.Errorf("%s: code %d, want %d", row.what, a.code, row.code)
		}
	}
}

// A code is checked like a password: what was sent is a proof of it.
func TestCHAPAnswersQuestions(t *testing.T) {
	t.Parallel()
	s, _ := proofs(t, []string{methodCHAP})
	d := s.device(t, "127.0.0.1")
	a := d.ask(d.chap("alice", "secret", "first"))
	for i, typed := range []string{"999999", "2", "500001"} {
		if a.code != challenge {
			t.Fatalf("round %d: code %d, want a challenge", i, a.code)
		}
		a = d.ask(d.chap("alice", typed, fmt.Sprint("round ", i), attr(attrState, a.all(attrState)[0])))
	}
	if a.code != accept {
		t.Errorf("code %d, want an accept", a.code)
	}
}

// Of a proof that was found right here it is known later whether the password is
// still the same.
func TestWhatCHAPProofsHaveInCommon(t *testing.T) {
	t.Parallel()
	proven := func(password, challenge string, tried ...string) string {
		c := &chapProof{id: 7, challenge: []byte(challenge)}
		copy(c.response[:], chapResponse(7, password, challenge))
		for _, text := range tried {
			c.Is(text)
		}
		return string(c.Lasting())
	}
	if proven("secret", "first") != "" || proven("secret", "first", "", "guess") != "" {
		t.Error("told before it was found right")
	}
	one := proven("secret", "first", "guess", "secret")
	if one == "" || one != proven("secret", "second", "secret", "guess") || one == proven("other", "first", "other") {
		t.Error("is not the same for one password, and another for another")
	}
}

func TestCHAPProofsArePrintedNowhere(t *testing.T) {
	t.Parallel()
	c := &chapProof{challenge: []byte("challenge")}
	if got := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Trim(strings.ReplaceAll(got, "[redacted]", ""), " ") != "" {
		t.Errorf("prints as %s", got)
	}
}
