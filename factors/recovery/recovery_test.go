package recovery

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

var (
	testKey = bytes.Repeat([]byte("k1"), 16)
	newKey  = bytes.Repeat([]byte("k2"), 16)
)

func newFactor(t *testing.T, r login.Records) *Factor {
	t.Helper()
	f, err := New(r, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newSet(t *testing.T) ([]string, login.User, login.Method) {
	t.Helper()
	codes, c, err := newFactor(t, nil).NewSet()
	if err != nil {
		t.Fatal(err)
	}
	u, m := having(c)
	return codes, u, m
}

func having(c login.Credential) (login.User, login.Method) {
	u := login.User{Enrollment: login.Enrollment{Credentials: []login.Credential{{ID: c.ID, Kind: "phone"}, c}}}
	return u, login.Method{ID: c.Kind + "/" + c.ID, Factor: c.Kind, Quiet: true, Standing: true}
}

func TestRecoveryKeepsTheRules(t *testing.T) {
	factortest.Run(t, func(t *testing.T) factortest.Setup {
		codes, u, _ := newSet(t)
		return factortest.Setup{
			New:       func(r login.Records) login.Prompter { return newFactor(t, r) },
			User:      u,
			Answer:    func(login.Method) string { return codes[4] },
			Wrong:     "ZZZZZ-ZZZZ2",
			NeedsText: true,
			Hidden:    []string{string(testKey), strings.ReplaceAll(codes[4], "-", "")},
		}
	})
}

func TestMethodsAreQuietAndStanding(t *testing.T) {
	_, u, want := newSet(t)
	if got := newFactor(t, nil).Methods(u); len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want only %+v", got, want)
	}
}

func TestASetHasTenCodesThatDiffer(t *testing.T) {
	codes, u, _ := newSet(t)
	form := regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}$`)
	seen := map[string]bool{}
	for _, code := range codes {
		if !form.MatchString(code) || seen[code] {
			t.Errorf("code %q: repeated %t", code, seen[code])
		}
		seen[code] = true
		if bytes.Contains(u.Enrollment.Credentials[1].Data, []byte(code[:5])) {
			t.Error("the credential shows a code")
		}
	}
	if len(codes) != 10 {
		t.Errorf("%d codes, want 10", len(codes))
	}
}

func TestEachCodeCountsOnceAndRemainingCountsThem(t *testing.T) {
	codes, u, m := newSet(t)
	records := &logintest.Records{}
	for i, code := range codes {
		f := newFactor(t, records)
		if n, err := f.Remaining(t.Context(), u.Enrollment.Credentials[1]); err != nil || n != 10-i {
			t.Fatalf("before code %d: %d remain, %v", i+1, n, err)
		}
		if err := f.Check(t.Context(), u, m, nil, login.Cleartext(code)); err != nil {
			t.Fatalf("code %d: %v", i+1, err)
		}
		for _, used := range codes[:i+1] {
			if err := f.Check(t.Context(), u, m, nil, login.Cleartext(used)); login.Refused(err) != login.ReasonUsedCode {
				t.Fatalf("a used code after %d: got %v, want used", i+1, err)
			}
		}
	}
	if n, err := newFactor(t, records).Remaining(t.Context(), u.Enrollment.Credentials[1]); err != nil || n != 0 {
		t.Errorf("after all: %d remain, %v", n, err)
	}
}

func TestAllCodesAtOnceAllCount(t *testing.T) {
	codes, u, m := newSet(t)
	f := newFactor(t, &logintest.Records{Delay: 1})
	var wg sync.WaitGroup
	for _, code := range codes {
		wg.Go(func() {
			if err := f.Check(t.Context(), u, m, nil, login.Cleartext(code)); err != nil {
				t.Errorf("got %v, want proven", err)
			}
		})
	}
	wg.Wait()
}

func TestCodesAreTakenAsPeopleWriteThem(t *testing.T) {
	for _, tt := range []struct {
		typed string
		want  bool
	}{
		{"0110A-BCDEF", true},
		{"0110ABCDEF", true},
		{"oiLo aBcDeF", true},
		{" OLIO-ab-cd-ef ", true},
		{"0110A-BCDE", false},
		{"0110A-BCDEFG", false},
		{"U110A-BCDEF", false},
		{"0110A_BCDEF", false},
		{"０110A-BCDEF", false},
		{"0110A-BCDEF\x00", false},
	} {
		if code, ok := normalize(tt.typed, crockford, codeLength, asCrockford); ok != tt.want || (ok && code != "0110ABCDEF") {
			t.Errorf("%q: got %q, %t, want %t", tt.typed, code, ok, tt.want)
		}
	}
}

func TestAnOrdinaryCodeCostsNothing(t *testing.T) {
	f := newFactor(t, &logintest.Records{Fail: errors.New("must not be asked")})
	// The credential is damaged: reading it would be an error.
	u, m := having(login.Credential{ID: "x", Kind: KindRecovery})
	for _, typed := range []string{"123456", "12345678", "123-456-789", "hunter2 is my password"} {
		if err := f.Check(t.Context(), u, m, nil, login.Cleartext(typed)); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("%q: got %v, want wrong", typed, err)
		}
	}
}

func TestAWrongCodeOfTheRightFormAsksNoStore(t *testing.T) {
	_, u, m := newSet(t)
	f := newFactor(t, &logintest.Records{Fail: errors.New("must not be asked")})
	if err := f.Check(t.Context(), u, m, nil, login.Cleartext("ZZZZZ-ZZZZ2")); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("got %v, want wrong", err)
	}
}

func TestCodesOfAnotherSetAreWrong(t *testing.T) {
	codes, _, _ := newSet(t)
	_, u, m := newSet(t)
	f := newFactor(t, &logintest.Records{})
	if err := f.Check(t.Context(), u, m, nil, login.Cleartext(codes[0])); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("got %v, want wrong", err)
	}
}

func TestASetCopiedToAnotherCredentialIsWorthless(t *testing.T) {
	codes, u, _ := newSet(t)
	c := u.Enrollment.Credentials[1]
	c.ID = "another"
	u, m := having(c)
	f := newFactor(t, &logintest.Records{})
	if err := f.Check(t.Context(), u, m, nil, login.Cleartext(codes[0])); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("got %v, want wrong: its uses are counted under another record", err)
	}
}

func TestKeys(t *testing.T) {
	codes, u, m := newSet(t)
	rotated, err := New(&logintest.Records{}, newKey, testKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := rotated.Check(t.Context(), u, m, nil, login.Cleartext(codes[0])); err != nil {
		t.Errorf("a code made with an old key: %v", err)
	}
	other, err := New(&logintest.Records{}, newKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Check(t.Context(), u, m, nil, login.Cleartext(codes[1])); login.Refused(err) != login.ReasonWrongCode {
		t.Errorf("a code made with a key that is gone: got %v, want wrong", err)
	}
	if _, err := New(nil, testKey[:31]); err == nil {
		t.Error("a key of 31 octets was taken")
	}
	if _, err := New(nil, testKey, nil); err == nil {
		t.Error("an empty old key was taken")
	}
}

func TestDamagedDataIsNotDecided(t *testing.T) {
	codes, u, m := newSet(t)
	for _, record := range []string{"", "\x01", "\x02\x00\x00", "\x01\x04\x00", "\x01\x00\x00\x00"} {
		records := &logintest.Records{}
		if err := records.Swap(t.Context(), m.ID, 0, []byte(record)); err != nil {
			t.Fatal(err)
		}
		f := newFactor(t, records)
		if err := f.Check(t.Context(), u, m, nil, login.Cleartext(codes[0])); err == nil || login.Refused(err) != "" {
			t.Errorf("record %q: got %v, want an error that is no refusal", record, err)
		}
		if _, err := f.Remaining(t.Context(), u.Enrollment.Credentials[1]); err == nil {
			t.Errorf("record %q: Remaining gave a number", record)
		}
	}
	for _, data := range []string{``, `{}`, `{"digests":[]}`, `{"digests":["AAAA"]}`, `{"digests":[` + strings.Repeat(`"AAAAAAAAAAAAAAAAAAAAAA==",`, 10) + `"AAAAAAAAAAAAAAAAAAAAAA=="]}`} {
		u, m := having(login.Credential{ID: "x", Kind: KindRecovery, Data: []byte(data)})
		err := newFactor(t, &logintest.Records{}).Check(t.Context(), u, m, nil, login.Cleartext(codes[0]))
		if err == nil || login.Refused(err) != "" {
			t.Errorf("data %s: got %v, want an error that is no refusal", data, err)
		}
	}
	if err := newFactor(t, nil).Check(t.Context(), login.User{}, m, nil, login.Cleartext(codes[0])); login.Refused(err) != login.ReasonNotEnrolled {
		t.Errorf("a set that was removed: got %v, want not enrolled", err)
	}
}

func TestRandomUsesTheWholeAlphabetEvenly(t *testing.T) {
	const n = 32_000
	for _, alphabet := range []string{crockford, decimal} {
		count := map[rune]int{}
		for _, c := range random(alphabet, n) {
			count[c]++
		}
		mean := n / len(alphabet)
		for _, c := range alphabet {
			if d := count[c] - mean; d*d > 60*mean { // nearly 8 standard deviations
				t.Errorf("%c: %d times in %d, want about %d", c, count[c], n, mean)
			}
		}
	}
}

// A byte is no multiple of ten: taken as it is, it would make the first six digits
// more likely than the others, and a bypass code easier to guess.
func TestNoDigitsAreMoreLikely(t *testing.T) {
	const n = 1_000_000
	first := 0
	for _, c := range random(decimal, n) {
		if c < '6' {
			first++
		}
	}
	if d := first - n*6/10; d*d > 64*n*24/100 { // 8 standard deviations; a remainder is 19 away
		t.Errorf("of %d digits %d are 0 to 5, want about %d", n, first, n*6/10)
	}
}

// An empty is a store that has lost what was in a record.
type empty struct{ *logintest.Records }

func (empty) Get(context.Context, string) (login.Value, error) { return login.Value{Rev: 1}, nil }

func (empty) Swap(context.Context, string, uint64, []byte) error { return nil }

// A record without anything in it is damaged: taken for none it would make every
// used code good again.
func TestARecordOfNothingIsNotDecided(t *testing.T) {
	codes, u, m := newSet(t)
	err := newFactor(t, empty{&logintest.Records{}}).Check(t.Context(), u, m, nil, login.Cleartext(codes[0]))
	if err == nil || login.Refused(err) != "" {
		t.Errorf("got %v, want an error that is no refusal", err)
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"0110A-BCDEF", "oilo abcdef", "", "-", "123456", "ABCDE-FGHJKM"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := normalize(typed, crockford, codeLength, asCrockford)
		if !ok {
			return
		}
		if again, ok := normalize(code, crockford, codeLength, asCrockford); len(code) != codeLength || !ok || again != code {
			t.Errorf("%q becomes %q, and that %q, %t", typed, code, again, ok)
		}
	})
}
