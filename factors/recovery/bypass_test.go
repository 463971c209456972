package recovery

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

func newBypass(t *testing.T, r login.Records) *Bypass {
	t.Helper()
	b, err := NewBypass(r, testKey)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newCode(t *testing.T, ttl time.Duration, uses int) (string, login.User, login.Method) {
	t.Helper()
	code, c, err := newBypass(t, nil).NewCode(ttl, uses)
	if err != nil {
		t.Fatal(err)
	}
	u, m := having(c)
	return code, u, m
}

// otherThan returns a bypass code that differs.
func otherThan(code string) string {
	if code == "000-000-000" {
		return "111-111-111"
	}
	return "000-000-000"
}

func TestBypassKeepsTheRules(t *testing.T) {
	factortest.Run(t, func(t *testing.T) factortest.Setup {
		code, u, _ := newCode(t, time.Hour, 1)
		return factortest.Setup{
			New:       func(r login.Records) login.Prompter { return newBypass(t, r) },
			User:      u,
			Answer:    func(login.Method) string { return code },
			Wrong:     otherThan(code),
			NeedsText: true,
			Hidden:    []string{string(testKey), strings.ReplaceAll(code, "-", "")},
		}
	})
}

func TestABypassCodeCountsUntilItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		code, u, m := newCode(t, time.Hour, 5)
		b := newBypass(t, &logintest.Records{})
		c := u.Enrollment.Credentials[1]
		check := func() login.Reason {
			err := b.Check(t.Context(), u, m, nil, login.Cleartext(code))
			if err != nil && login.Refused(err) == "" {
				t.Fatal(err)
			}
			return login.Refused(err)
		}
		time.Sleep(time.Hour - time.Nanosecond)
		if got := check(); got != "" || b.Expired(c, time.Now()) || len(b.Methods(u)) == 0 {
			t.Errorf("just before it expires: got %q", got)
		}
		time.Sleep(time.Nanosecond)
		if got := check(); got != login.ReasonWrongCode || !b.Expired(c, time.Now()) || len(b.Methods(u)) != 0 {
			t.Errorf("when it expires: got %q, want wrong", got)
		}
	})
}

func TestABypassCodeCountsAsOftenAsWasSaid(t *testing.T) {
	code, u, m := newCode(t, time.Hour, 3)
	records := &logintest.Records{}
	for i := range 3 {
		b := newBypass(t, records)
		if n, _, err := b.Remaining(t.Context(), u.Enrollment.Credentials[1]); err != nil || n != 3-i {
			t.Errorf("before use %d: %d remain, %v", i+1, n, err)
		}
		if err := b.Check(t.Context(), u, m, nil, login.Cleartext(code)); err != nil {
			t.Errorf("use %d: %v", i+1, err)
		}
	}
	if err := newBypass(t, records).Check(t.Context(), u, m, nil, login.Cleartext(code)); login.Refused(err) != login.ReasonUsedCode {
		t.Errorf("use 4: got %v, want used", err)
	}
}

func TestABypassCodeFromTheFutureIsNotDecided(t *testing.T) {
	code, u, m := newCode(t, time.Hour, 1)
	u.Enrollment.Credentials[1].Created = time.Now().Add(time.Hour)
	err := newBypass(t, &logintest.Records{}).Check(t.Context(), u, m, nil, login.Cleartext(code))
	if err == nil || login.Refused(err) != "" {
		t.Errorf("got %v, want an error that is no refusal", err)
	}
}

func TestBypassCodesAreNineDigits(t *testing.T) {
	code, u, m := newCode(t, time.Hour, 1)
	if !regexp.MustCompile(`^\d{3}-\d{3}-\d{3}$`).MatchString(code) {
		t.Errorf("code %q", code)
	}
	b := newBypass(t, &logintest.Records{Fail: errors.New("must not be asked")})
	for _, typed := range []string{"123456", "12345678", "ABCDE-FGHJK", "1234567890", "０00000000"} {
		if err := b.Check(t.Context(), u, m, nil, login.Cleartext(typed)); login.Refused(err) != login.ReasonWrongCode {
			t.Errorf("%q: got %v, want wrong", typed, err)
		}
	}
	spoken := strings.ReplaceAll(code, "-", " ")
	if err := newBypass(t, &logintest.Records{}).Check(t.Context(), u, m, nil, login.Cleartext(spoken)); err != nil {
		t.Errorf("with spaces: %v", err)
	}
}

func TestNewCodeKeepsItsLimits(t *testing.T) {
	b := newBypass(t, nil)
	for _, tt := range []struct {
		rule string
		ttl  time.Duration
		uses int
	}{
		{"no time", 0, 1},
		{"negative time", -time.Hour, 1},
		{"more than a day", 24*time.Hour + 1, 1},
		{"no use", time.Hour, 0},
		{"too many uses", time.Hour, maxUses + 1},
	} {
		if code, c, err := b.NewCode(tt.ttl, tt.uses); err == nil || code != "" || c.ID != "" {
			t.Errorf("%s: was taken", tt.rule)
		}
	}
}

func TestDamagedBypassDataIsNotDecided(t *testing.T) {
	code, u, m := newCode(t, time.Hour, 1)
	for _, record := range []string{"", "\x01", "\x02\x00\x00", "\x01\x00\x00\x00"} {
		records := &logintest.Records{}
		if err := records.Swap(t.Context(), m.ID, 0, []byte(record)); err != nil {
			t.Fatal(err)
		}
		if err := newBypass(t, records).Check(t.Context(), u, m, nil, login.Cleartext(code)); err == nil || login.Refused(err) != "" {
			t.Errorf("record %q: got %v, want an error that is no refusal", record, err)
		}
	}
	for _, data := range []string{``, `{}`, `{"digest":"AAAAAAAAAAAAAAAAAAAAAA==","uses":1}`, `{"digest":"AAAA","uses":1,"expires":"2040-01-01T00:00:00Z"}`} {
		u, m := having(login.Credential{ID: "x", Kind: KindBypass, Data: []byte(data)})
		err := newBypass(t, &logintest.Records{}).Check(t.Context(), u, m, nil, login.Cleartext(code))
		if err == nil || login.Refused(err) != "" {
			t.Errorf("data %s: got %v, want an error that is no refusal", data, err)
		}
	}
}
