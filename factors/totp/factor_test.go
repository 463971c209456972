package totp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

func with(t *testing.T, token Token) (login.User, login.Method) {
	t.Helper()
	c, err := NewCredential("my phone", token)
	if err != nil {
		t.Fatal(err)
	}
	u := login.User{Enrollment: login.Enrollment{Credentials: []login.Credential{
		{ID: "p1", Kind: "phone", Data: json.RawMessage(`{}`)}, c,
	}}}
	return u, login.Method{ID: "totp/" + c.ID, Factor: "totp", Hint: "my phone", Standing: true}
}

// wrongCode differs from every code of the window around now.
func wrongCode(token Token) string {
	g := token.generator()
	valid := map[string]bool{}
	for c := range uint64(resyncWindow) {
		valid[g.code(token.Counter+c)] = true
		if token.Kind == KindTime {
			valid[g.code(uint64(time.Now().Unix()/int64(token.Period/time.Second))+c-resyncWindow/2)] = true
		}
	}
	for i := 0; ; i++ {
		if code := fmt.Sprintf("%0*d", token.Digits, i); !valid[code] {
			return code
		}
	}
}

func TestFactorKeepsTheRules(t *testing.T) {
	for _, token := range []Token{
		NewToken(),
		{Kind: KindTime, Seed: NewSeed(), Algorithm: SHA512, Digits: 8, Period: time.Minute},
		{Kind: KindCounter, Seed: NewSeed(), Algorithm: SHA1, Digits: 6, Counter: 1234},
	} {
		t.Run(fmt.Sprint(token.Kind, token.Digits), func(t *testing.T) {
			factortest.Run(t, func(t *testing.T) factortest.Setup {
				u, _ := with(t, token)
				return factortest.Setup{
					New:  func(r login.Records) login.Prompter { return New(DefaultConfig(), r) },
					User: u,
					Answer: func(login.Method) string {
						if token.Kind == KindCounter {
							return token.Count(token.Counter)
						}
						return token.At(time.Now())
					},
					Wrong:  wrongCode(token),
					Hidden: []string{token.Seed.Base32(), string(token.Seed)},
				}
			})
		})
	}
}

func TestMethods(t *testing.T) {
	u, want := with(t, NewToken())
	got := New(DefaultConfig(), &logintest.Records{}).Methods(u)
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want only %+v", got, want)
	}
}

func TestCodesAreTakenAsPeopleTypeThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := rfcToken
		code := token.At(time.Now())
		a, b := code[:3], code[3:]
		wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
		for _, tt := range []struct {
			typed string
			want  login.Reason
		}{
			{code, ""},
			{a + " " + b, ""},
			{a + "-" + b, ""},
			{"  " + code + " ", ""},
			{wide, login.ReasonWrongCode},
			{code + "0", login.ReasonWrongCode},
			{"0" + code, login.ReasonWrongCode},
			{code[:5], login.ReasonWrongCode},
			{code + "\n", login.ReasonWrongCode},
			{code + "x", login.ReasonWrongCode},
		} {
			u, m := with(t, token)
			f := New(DefaultConfig(), &logintest.Records{})
			err := f.Check(t.Context(), u, m, nil, login.Cleartext(tt.typed))
			if got := login.Refused(err); got != tt.want || (err != nil && got == "") {
				t.Errorf("%q: got %v, want %q", tt.typed, err, tt.want)
			}
		}
	})
}

func TestTextOfAnotherFormCostsNoLookUp(t *testing.T) {
	u, m := with(t, NewToken())
	f := New(DefaultConfig(), &logintest.Records{Fail: errors.New("must not be asked")})
	if err := f.Check(t.Context(), u, m, nil, login.Cleartext("ABCDE-FGHJK")); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("a recovery code: got %v, want wrong code", err)
	}
}

func TestACodeThatConfirmedCannotLogIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := NewToken()
		u, m := with(t, token)
		f := New(DefaultConfig(), &logintest.Records{})
		code := login.Cleartext(token.At(time.Now()))
		if err := f.Confirm(t.Context(), u.Enrollment.Credentials[1], code); err != nil {
			t.Fatal(err)
		}
		if err := f.Check(t.Context(), u, m, nil, code); login.Refused(err) != login.ReasonUsedCode {
			t.Errorf("got %v, want used", err)
		}
		time.Sleep(token.Period)
		if err := f.Check(t.Context(), u, m, nil, login.Cleartext(token.At(time.Now()))); err != nil {
			t.Errorf("the next code: %v", err)
		}
		if err := f.Confirm(t.Context(), u.Enrollment.Credentials[0], code); err == nil {
			t.Error("a telephone was confirmed as a token")
		}
	})
}

// TestS02ConcurrentReplay is attack S-02 with a slow store and two nodes.
func TestS02ConcurrentReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := NewToken()
		u, m := with(t, token)
		records := &logintest.Records{Delay: time.Millisecond}
		nodes := []*Factor{New(DefaultConfig(), records), New(DefaultConfig(), records)}
		now := time.Now()
		// Three codes are valid; as later ones use up earlier ones, one to
		// three of them prove, each once.
		var wg sync.WaitGroup
		var mu sync.Mutex
		proven := map[string]int{}
		for i := range 150 {
			wg.Go(func() {
				code := token.At(now.Add(time.Duration(i%3-1) * token.Period))
				err := nodes[i%2].Check(t.Context(), u, m, nil, login.Cleartext(code))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					proven[code]++
				} else if login.Refused(err) != login.ReasonUsedCode {
					t.Errorf("got %v, want used", err)
				}
			})
		}
		wg.Wait()
		for _, n := range proven {
			if n != 1 {
				t.Errorf("a code proved %d times", n)
			}
		}
		if proven[token.At(now.Add(token.Period))] != 1 {
			t.Error("the latest code did not prove")
		}
	})
}

func TestS29BadSeedsAreNotDecided(t *testing.T) {
	short := strings.Repeat("A", 8) + "B2345672345672" // 22 characters: 13 octets
	for _, tt := range []struct{ rule, data string }{
		{"empty", `{"secret":"","digits":6,"period":30}`},
		{"missing", `{"digits":6,"period":30}`},
		{"shorter than 16 octets", `{"secret":"` + short + `","digits":6,"period":30}`},
		{"not base32", `{"secret":"0189` + digits20 + `","digits":6,"period":30}`},
		{"one octet again and again", `{"secret":"` + strings.Repeat("A", 32) + `","digits":6,"period":30}`},
		{"longer than 128 octets", `{"secret":"` + Seed(strings.Repeat(digits20, 7)).Base32() + `","digits":6,"period":30}`},
		{"no digits", `{"secret":"` + rfcSeed(20).Base32() + `","period":30}`},
		{"no period", `{"secret":"` + rfcSeed(20).Base32() + `","digits":6}`},
		{"MD5", `{"secret":"` + rfcSeed(20).Base32() + `","digits":6,"period":30,"algorithm":"MD5"}`},
		{"not JSON", `{"secret":` + rfcSeed(20).Base32()},
		{"a number for a secret", `{"secret":123456789,"digits":6,"period":30}`},
	} {
		c := login.Credential{ID: "c", Kind: KindTime, Data: json.RawMessage(tt.data)}
		u := login.User{Enrollment: login.Enrollment{Credentials: []login.Credential{c}}}
		err := New(DefaultConfig(), &logintest.Records{}).Check(t.Context(), u, login.Method{ID: "totp/c"}, nil, login.Cleartext("000000"))
		if err == nil || login.Refused(err) != "" {
			t.Errorf("%s: got %v, want an error that is no refusal", tt.rule, err)
			continue
		}
		for _, hidden := range []string{short, digits20, "123456789", rfcSeed(20).Base32()} {
			if strings.Contains(err.Error(), hidden) {
				t.Errorf("%s: the error shows the secret: %v", tt.rule, err)
			}
		}
	}
}

func TestDamagedRecordsAreNotDecided(t *testing.T) {
	for _, kind := range []string{KindTime, KindCounter} {
		token := Token{Kind: kind, Seed: NewSeed(), Digits: 6, Period: 30 * time.Second}
		for _, data := range [][]byte{{}, {9}, make([]byte, 10), make([]byte, 25), append(timeRecord{}.encode(), 0)} {
			u, m := with(t, token)
			records := &logintest.Records{}
			if err := records.Swap(t.Context(), "otp/"+strings.TrimPrefix(m.ID, "totp/"), 0, data); err != nil {
				t.Fatal(err)
			}
			code := token.Count(0)
			if kind == KindTime {
				code = token.At(time.Now())
			}
			err := New(DefaultConfig(), records).Check(t.Context(), u, m, nil, login.Cleartext(code))
			if err == nil || login.Refused(err) != "" {
				t.Errorf("%s, record %x: got %v, want an error that is no refusal", kind, data, err)
			}
		}
	}
}

// An empty is a store that has lost what was in a record.
type empty struct{ *logintest.Records }

func (empty) Get(context.Context, string) (login.Value, error) { return login.Value{Rev: 1}, nil }

func (empty) Swap(context.Context, string, uint64, []byte) error { return nil }

// A record without anything in it is damaged: taken for none it would make codes
// good again that were used.
func TestARecordOfNothingIsNotDecided(t *testing.T) {
	for _, kind := range []string{KindTime, KindCounter} {
		token := Token{Kind: kind, Seed: NewSeed(), Digits: 6, Period: 30 * time.Second}
		u, m := with(t, token)
		code := token.Count(0)
		if kind == KindTime {
			code = token.At(time.Now())
		}
		err := New(DefaultConfig(), empty{&logintest.Records{}}).Check(t.Context(), u, m, nil, login.Cleartext(code))
		if err == nil || login.Refused(err) != "" {
			t.Errorf("%s: got %v, want an error that is no refusal", kind, err)
		}
	}
}

func TestARemovedTokenIsRefused(t *testing.T) {
	_, m := with(t, NewToken())
	err := New(DefaultConfig(), &logintest.Records{}).Check(t.Context(), login.User{}, m, nil, login.Cleartext("123456"))
	if login.Refused(err) != login.ReasonNotEnrolled {
		t.Errorf("got %v, want not enrolled", err)
	}
}

// TestAClockThatWasSetDecidesNothing is R-14; counter tokens need no clock.
func TestAClockThatWasSetDecidesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := &logintest.Records{}
		f := New(DefaultConfig(), records)
		f.clock.trust.believed = time.Hour // as if it had been set back by one
		token := NewToken()
		u, m := with(t, token)
		check := func() error {
			return f.Check(t.Context(), u, m, nil, login.Cleartext(token.At(time.Now())))
		}
		if err := check(); !errors.Is(err, errClock) {
			t.Fatalf("got %v, want %v", err, errClock)
		}
		counter := Token{Kind: KindCounter, Seed: NewSeed(), Digits: 6}
		cu, cm := with(t, counter)
		if err := f.Check(t.Context(), cu, cm, nil, login.Cleartext(counter.Count(0))); err != nil {
			t.Errorf("a counter token: %v", err)
		}
		time.Sleep(settle)
		if err := check(); err != nil {
			t.Errorf("after it was steady: %v", err)
		}
	})
}

// A stormy store always says that somebody was faster.
type stormy struct{ login.Records }

func (stormy) Get(context.Context, string) (login.Value, error) {
	return login.Value{}, login.ErrNotFound
}
func (stormy) Swap(context.Context, string, uint64, []byte) error { return login.ErrConflict }

func TestConflictsWithoutEndAreNotDecided(t *testing.T) {
	token := NewToken()
	u, m := with(t, token)
	err := New(DefaultConfig(), stormy{}).Check(t.Context(), u, m, nil, login.Cleartext(token.At(time.Now())))
	if err == nil || login.Refused(err) != "" {
		t.Errorf("got %v, want an error that is no refusal", err)
	}
}

func TestATokenGoesOnElsewhereFromItsNextCounter(t *testing.T) {
	token := Token{Kind: KindCounter, Seed: NewSeed(), Algorithm: SHA1, Digits: 6, Counter: 17}
	u, m := with(t, token)
	records := &logintest.Records{}
	f := New(DefaultConfig(), records)
	cred := u.Enrollment.Credentials[slices.IndexFunc(u.Enrollment.Credentials, func(c login.Credential) bool { return m.ID == name+"/"+c.ID })]
	next := func() uint64 {
		t.Helper()
		got, err := f.Token(t.Context(), cred)
		if err != nil || !got.Same(token) {
			t.Fatalf("got %v, %v", got, err)
		}
		return got.Counter
	}
	if got := next(); got != 17 {
		t.Errorf("never used, it goes on from %d, want 17", got)
	}
	if err := f.Check(t.Context(), u, m, nil, login.Cleartext(token.Count(20))); err != nil {
		t.Fatal(err)
	}
	if got := next(); got != 21 {
		t.Errorf("after code 20 it goes on from %d, want 21", got)
	}
	records.Fail = errors.New("disk fault")
	if _, err := f.Token(t.Context(), cred); !errors.Is(err, records.Fail) {
		t.Errorf("a counter that cannot be read: %v", err)
	}
}
