package totp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"

	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// peer runs a real program. It must be there in CI.
func peer(t *testing.T, name string, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is needed: %v", name, err)
		}
		t.Skipf("SKIPPED: %s is not installed; its test did not run", name)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %s", name, err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out))
}

func TestCodesOfOathtoolProveOnce(t *testing.T) {
	for _, token := range []Token{
		NewToken(),
		{Kind: KindTime, Seed: NewSeed(), Algorithm: SHA256, Digits: 8, Period: time.Minute},
		{Kind: KindTime, Seed: NewSeed(), Algorithm: SHA512, Digits: 6, Period: 30 * time.Second},
		{Kind: KindCounter, Seed: NewSeed(), Algorithm: SHA1, Digits: 8, Counter: 70_000},
	} {
		t.Run(fmt.Sprintf("%s %s %d", token.Kind, token.Algorithm, token.Digits), func(t *testing.T) {
			args := []string{"--base32", fmt.Sprint("--digits=", token.Digits)}
			if token.Kind == KindTime {
				args = append(args, "--totp="+token.Algorithm.String(), fmt.Sprintf("--time-step-size=%ds", int(token.Period.Seconds())))
			} else {
				args = append(args, fmt.Sprint("--counter=", token.Counter))
			}
			code := peer(t, "oathtool", append(args, token.Seed.Base32())...)
			u, m := with(t, token)
			f := New(DefaultConfig(), &logintest.Records{})
			if err := f.Check(t.Context(), u, m, nil, login.Cleartext(code)); err != nil {
				t.Fatal(err)
			}
			if err := f.Check(t.Context(), u, m, nil, login.Cleartext(code)); login.Refused(err) != login.ReasonUsedCode {
				t.Errorf("again: got %v, want used", err)
			}
		})
	}
}

func TestPhonesReadTheQRCode(t *testing.T) {
	for _, account := range []string{"anna", "bjørn.ødegård@example.org", strings.Repeat("long", 16)} {
		want := New(Config{Issuer: "Example University"}, nil).URI(account, NewToken())
		var terminal bytes.Buffer
		if err := QRTerminal(&terminal, want); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "qr.pbm")
		if err := os.WriteFile(file, bitmap(t, terminal.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := peer(t, "zbarimg", "--quiet", "--raw", file); got != want {
			t.Errorf("%s: zbarimg reads %q, want %q", account, got, want)
		}
	}
}

// bitmap draws what a terminal shows as a portable bitmap, 4 pixels a module.
func bitmap(t *testing.T, terminal string) []byte {
	t.Helper()
	const scale = 4
	var rows []string // of 1 (dark) and 0 (light)
	for line := range strings.Lines(terminal) {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "\x1b[97;40m"), "\x1b[0m\n")
		var upper, lower strings.Builder
		for _, r := range line {
			i := strings.IndexRune(" ▄▀█", r)
			if i < 0 {
				t.Fatalf("unexpected character %q", r)
			}
			bits := map[int]string{0: "11", 1: "10", 3 + 1: "01", 6 + 1: "00"}[i] // octets, 3 a block
			upper.WriteString(strings.Repeat(bits[:1], scale))
			lower.WriteString(strings.Repeat(bits[1:], scale))
		}
		rows = append(rows, upper.String(), lower.String())
	}
	for _, row := range rows[:4] {
		if strings.Contains(row, "1") {
			t.Fatal("the quiet zone above is not light")
		}
	}
	for _, row := range rows {
		if !strings.HasPrefix(row, strings.Repeat("0", 4*scale)) || !strings.HasSuffix(row, strings.Repeat("0", 4*scale)) {
			t.Fatal("the quiet zone beside is not light")
		}
	}
	var pbm bytes.Buffer
	fmt.Fprintf(&pbm, "P1\n%d %d\n", len(rows[0]), len(rows)*scale)
	for _, row := range rows {
		for range scale {
			pbm.WriteString(row + "\n")
		}
	}
	return pbm.Bytes()
}

func TestAQRCodeThatDoesNotFitIsAnErrorWithoutTheText(t *testing.T) {
	var w bytes.Buffer
	err := QRTerminal(&w, strings.Repeat("secret ", 1000))
	if err == nil || strings.Contains(err.Error(), "secret") || w.Len() > 0 {
		t.Errorf("got %v and %d octets of output", err, w.Len())
	}
}

func TestURIIsReadByOthers(t *testing.T) {
	token := NewToken()
	uri := URI("Example University", "anna b+c@example.org", token)
	if want := "otpauth://totp/Example%20University:anna%20b%2Bc%40example.org?secret=" + token.Seed.Base32() +
		"&issuer=Example%20University&algorithm=SHA1&digits=6&period=30"; uri != want {
		t.Errorf("got  %s\nwant %s", uri, want)
	}
	for _, want := range []Token{
		token,
		{Kind: KindTime, Seed: NewSeed(), Algorithm: SHA512, Digits: 8, Period: time.Minute},
		{Kind: KindCounter, Seed: NewSeed(), Algorithm: SHA256, Digits: 6, Counter: 7},
	} {
		key, err := otp.NewKeyFromURL(URI("A:B ø&=?", "c:d/e%20", want))
		if err != nil {
			t.Fatal(err)
		}
		if key.Type() != want.Kind || key.Issuer() != "A B ø&=?" || key.AccountName() != "c:d/e%20" ||
			key.Secret() != want.Seed.Base32() || key.Algorithm() != want.Algorithm || int(key.Digits()) != want.Digits {
			t.Errorf("%s: read as type %q, issuer %q, account %q, %s, %d digits",
				want.Kind, key.Type(), key.Issuer(), key.AccountName(), key.Algorithm(), key.Digits())
		}
		if want.Kind == KindTime && key.Period() != uint64(want.Period.Seconds()) {
			t.Errorf("period: got %d, want %s", key.Period(), want.Period)
		}
	}
}

func TestSeedsAreReadAsPeopleCopyThem(t *testing.T) {
	want := rfcSeed(20)
	text := want.Base32() // 32 characters
	for _, typed := range []string{
		text, strings.ToLower(text), text[:4] + " " + text[4:8] + "-" + text[8:], " " + text + " ", text + "====",
	} {
		got, err := ParseSeed(typed)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: %v", typed, err)
		}
	}
	for _, typed := range []string{"", "=", text[:20], text + "1", text + "A", "ABC", text + "\x00", strings.Repeat("A", 32)} {
		if _, err := ParseSeed(typed); err == nil {
			t.Errorf("%q was taken", typed)
		}
	}
}

func TestNewSeedsDiffer(t *testing.T) {
	if a, b := NewSeed(), NewSeed(); len(a) != 20 || bytes.Equal(a, b) {
		t.Errorf("%d octets; equal: %t", len(a), bytes.Equal(a, b))
	}
}

func TestS30ASeedIsPrintedNowhere(t *testing.T) {
	token := rfcToken
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("token", slog.Any("token", token), slog.Any("seed", token.Seed))
	raw, err := json.Marshal(token)
	all := log.String() + string(raw) + fmt.Sprintf("%v %+v %#v %s %q %x %d %v", token, token, token, token.Seed, token.Seed, token.Seed, token.Seed, &token)
	if err != nil || strings.Contains(all, digits20) || strings.Contains(all, token.Seed.Base32()) ||
		strings.Contains(all, "313233") || strings.Contains(all, "49 50") || strings.Contains(all, "MTIz") {
		t.Errorf("%v: %s", err, all)
	}
}

func TestS29NewCredentialRefusesEveryBadToken(t *testing.T) {
	good := NewToken()
	for rule, change := range map[string]func(*Token){
		"no seed":          func(t *Token) { t.Seed = nil },
		"short seed":       func(t *Token) { t.Seed = t.Seed[:15] },
		"seven digits":     func(t *Token) { t.Digits = 7 },
		"a period of 15 s": func(t *Token) { t.Period = 15 * time.Second },
		"MD5":              func(t *Token) { t.Algorithm = otp.AlgorithmMD5 },
		"another kind":     func(t *Token) { t.Kind = "steam" },
	} {
		bad := good
		change(&bad)
		if _, err := NewCredential("", bad); err == nil {
			t.Errorf("%s: was taken", rule)
		}
	}
	c, err := NewCredential("label", good)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parse(c); err != nil || got.At(time.Unix(99, 0)) != good.At(time.Unix(99, 0)) || got.Period != good.Period {
		t.Errorf("comes back as %+v, %v", got, err)
	}
}

func TestConfig(t *testing.T) {
	if err := DefaultConfig().Validate(); err != nil {
		t.Errorf("the default: %v", err)
	}
	for _, tt := range []struct {
		issuer   string
		problems int
	}{{"Example University", 0}, {"", 1}, {" ", 1}, {"a:b", 1}, {strings.Repeat("x", 65), 1}, {"a:\x1b" + strings.Repeat("x", 64), 3}} {
		err := Config{Issuer: tt.issuer}.Validate()
		got := 0
		var joined interface{ Unwrap() []error }
		if errors.As(err, &joined) {
			got = len(joined.Unwrap())
		}
		if got != tt.problems {
			t.Errorf("%q: %d problems (%v), want %d", tt.issuer, got, err, tt.problems)
		}
	}
}

func TestAnAppIsEnrolledByItsPerson(t *testing.T) {
	f := New(DefaultConfig(), &logintest.Records{})
	factortest.RunEnroller(t, factortest.Enrollment{
		Factor: f, User: login.User{Account: login.Account{ID: "id-alice"}}, Wrong: "1234567",
		Answer: func(_ login.Method, memo []byte) string {
			typed := f.Show(memo)
			if len(typed) != 39 || strings.Count(typed, " ") != 7 {
				t.Errorf("%d letters in %d groups, want 32 in 8", len(typed), strings.Count(typed, " ")+1)
			}
			return peer(t, "oathtool", "--totp", "--base32", typed)
		},
	})
	other, err := f.Propose(t.Context(), login.User{}, login.Method{}, nil)
	if err != nil || len(other) < minSeed {
		t.Errorf("a seed of %d octets, want at least 128 bit: %v", len(other), err)
	}
	u, _ := with(t, NewToken())
	if got := f.Enrollable(u); len(got) != 0 {
		t.Errorf("a second app can be enrolled: %v", got)
	}
}
