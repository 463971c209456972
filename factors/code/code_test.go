package code_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/login"
)

func TestAnswersAreTheCode(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		answer login.Secret
		want   bool
	}{
		{"the code", login.Cleartext("123456"), true},
		{"with the space that telephones show", login.Cleartext("123 456"), true},
		{"with a dash and a line break", login.Cleartext(" 123-456\n"), true},
		{"a proof of it", factortest.Proof("123456"), true},
		{"a proof with a space, which nobody can see", factortest.Proof("123 456"), false},
		{"another one", login.Cleartext("123457"), false},
		{"a part of it", login.Cleartext("12345"), false},
		{"more than it", login.Cleartext("1234567"), false},
		{"nothing", login.Cleartext(""), false},
		{"the code in too long a text", login.Cleartext(strings.Repeat(" ", 100) + "123456"), false},
	} {
		err := code.Check(code.Memo("123456", time.Now()), row.answer)
		if got := err == nil; got != row.want {
			t.Errorf("%s: %v", row.what, err)
		}
		if err != nil && login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("%s: %v is no refusal", row.what, err)
		}
	}
}

func TestCodesAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memo := code.Memo("123456", time.Now())
		early := code.Memo("123456", time.Now().Add(2*time.Minute))
		if err := code.Check(early, login.Cleartext("123456")); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("from the future: %v", err)
		}
		time.Sleep(code.Life)
		if err := code.Check(memo, login.Cleartext("123456")); err != nil {
			t.Errorf("just in time: %v", err)
		}
		time.Sleep(time.Second)
		if err := code.Check(memo, login.Cleartext("123456")); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("too late: %v", err)
		}
	})
}

func TestACodeIsSentAgainWhileItIsWorthIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		made := time.Now()
		memo := code.Memo("123456", made)
		for _, row := range []struct {
			what string
			memo []byte
			want bool
		}{
			{"a new code", memo, true},
			{"a code with a minute left", code.Memo("123456", made.Add(code.WorthSending-code.Life)), true},
			{"a code with less left", code.Memo("123456", made.Add(code.WorthSending-code.Life-time.Second)), false},
			{"a code from the future", code.Memo("123456", made.Add(2*code.MaxSkew)), false},
			{"no memo", nil, false},
		} {
			c, at, ok := code.Again(row.memo)
			if ok != row.want || ok && (c != "123456" || at.After(made)) {
				t.Errorf("%s: %q of %v, %t", row.what, c, at, ok)
			}
		}
	})
}

func TestWhatIsNoMemoDecidesNothing(t *testing.T) {
	t.Parallel()
	answer := login.Cleartext("123456")
	if err := code.Check(nil, answer); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("no memo: %v", err)
	}
	good := code.Memo("123456", time.Now())
	for _, memo := range [][]byte{{}, good[:10], append([]byte{2}, good[1:]...), append(good, '0')} {
		if err := code.Check(memo, answer); err == nil || login.Refused(err) != "" {
			t.Errorf("%x: %v", memo, err)
		}
	}
	if err := code.Check(good, nil); err == nil || login.Refused(err) != "" {
		t.Errorf("no answer: %v", err)
	}
	if len(good) > login.MaxMemo {
		t.Errorf("a memo has %d octets, more than %d", len(good), login.MaxMemo)
	}
}

func TestCodesAreUniform(t *testing.T) {
	t.Parallel()
	const draws = 20000
	var seen [code.Digits][10]int
	for range draws {
		c, err := code.New()
		if err != nil || len(c) != code.Digits {
			t.Fatal(c, err)
		}
		for i, r := range c {
			seen[i][r-'0']++
		}
	}
	for i := range seen {
		chi := 0.0
		for _, n := range seen[i] {
			d := float64(n) - draws/10
			chi += d * d / (draws / 10)
		}
		// 9 degrees of freedom: 50 is met by chance once in ten million.
		if chi > 50 {
			t.Errorf("digit %d: chi-square %.1f: %v", i, chi, seen[i])
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(code.Memo("123456", time.Unix(1e9, 0)))
	f.Add([]byte{})
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, memo []byte) {
		c, at, err := code.Read(memo)
		if err == nil && string(code.Memo(c, at)) != string(memo) {
			t.Errorf("%x is read as %q of %v", memo, c, at)
		}
		if err != nil && errors.Unwrap(err) != nil {
			t.Errorf("an error of more than its own: %v", err)
		}
	})
}
