package phone

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

func must(t testing.TB, raw string) Number {
	t.Helper()
	n, err := Parse(raw, "NO")
	if err != nil {
		t.Fatalf("Parse(%q): %v", raw, err)
	}
	return n
}

func TestFormatsForGateways(t *testing.T) {
	t.Parallel()
	n := must(t, "+47 412 34 567;ext=77")
	got := fmt.Sprint(n.E164(), n.Digits(), n.National(), n.Extension())
	if want := "+4741234567" + "4741234567" + "41234567" + "77"; strings.ReplaceAll(got, " ", "") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if n.Line() != must(t, "41234567") {
		t.Error("Line kept the extension")
	}
}

// The directory of a site has "+4722855050,,77" for a switchboard that wants two
// seconds.
func TestCommasBeforeAnExtensionArePauses(t *testing.T) {
	t.Parallel()
	one := must(t, "22855050 ext 77")
	for raw, want := range map[string]int{
		"22855050": 0, "22855050 ext 77": 1, "22855050,77": 1, "22855050,,77": 2, "+4722855050, , ,77": 3, "22855050,,,,,,,,,,,,,77": 9,
		"tel:+4722855050;ext=77": 1, "Office, Oslo, 22855050 x77": 1,
	} {
		n := must(t, raw)
		if n.Pauses() != want {
			t.Errorf("%q has %d pauses, want %d", raw, n.Pauses(), want)
		}
		if want > 0 && (!n.Same(one) || n.TelephoneID([]byte("k")) != one.TelephoneID([]byte("k"))) {
			t.Errorf("%q is another telephone", raw)
		}
	}
	if one.Same(one.Line()) || one.Line().Pauses() != 0 {
		t.Error("the line is its extension")
	}
}

func TestNumbersPrintMasked(t *testing.T) {
	t.Parallel()
	n := must(t, "412 34 567")
	if got, want := n.Hint(), "••67"; got != want {
		t.Errorf("Hint() = %q, want %q", got, want)
	}
	const masked = "+47••••••67"
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", slog.Any("n", n))
	js, err := json.Marshal(map[string]any{"n": n})
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		fmt.Sprint(n), fmt.Sprintf("%v", n), fmt.Sprintf("%+v", n), fmt.Sprintf("%#v", n), fmt.Sprintf("%q", n),
		fmt.Sprint([]Number{n}), fmt.Sprint(struct{ N Number }{n}), log.String(), string(js),
	} {
		if strings.Contains(got, "34567") || strings.Contains(got, "412") || !strings.Contains(got, masked) {
			t.Errorf("printed as %q, want %q in it and nothing more of the number", got, masked)
		}
	}
	var none Number
	if got := none.Hint() + none.Masked(); got != "" || !none.IsZero() {
		t.Errorf("no number prints as %q", got)
	}
}

func TestIDIsStableKeyedAndOfTheLine(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef")
	a, b := must(t, "+47 41 23 45 67"), must(t, "0047 41234567 x77")
	if a.ID(key) != b.ID(key) {
		t.Errorf("spellings differ: %s, %s", a.ID(key), b.ID(key))
	}
	if got, want := a.ID(key), regexp.MustCompile(`^[a-z2-7]{10}$`); !want.MatchString(got) {
		t.Errorf("ID = %q, want %v", got, want)
	}
	if a.ID(key) == a.ID([]byte("another key")) {
		t.Error("the key makes no difference")
	}
	x, y := must(t, "22855050;ext=77"), must(t, "22855050;ext=78")
	if x.ID(key) != y.ID(key) || x.TelephoneID(key) == y.TelephoneID(key) || x.Line().TelephoneID(key) != x.ID(key) {
		t.Error("extensions have no telephone of their own on one line")
	}
	if a.ID(key) == must(t, "41234568").ID(key) {
		t.Error("two numbers have one ID")
	}
	// A change would make every preferred method and every cap forgotten.
	if got, want := a.ID(key), "gblxjjesmm"; got != want {
		t.Errorf("ID = %q, want %q as in the releases before", got, want)
	}
}

func TestCountries(t *testing.T) {
	t.Parallel()
	nordic, err := NewCountries("NO", "SE")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		raw  string
		want bool
	}{
		{"41234567", true},
		{"+46 70 123 45 67", true},
		{"+45 32 12 34 56", false},
		{"+1 212 555 0123", false},
		{"+47 79 02 12 34", false}, // Svalbard is "SJ"
	} {
		if got := nordic.Allow(must(t, row.raw)); got != row.want {
			t.Errorf("Allow(%s) = %v, want %v", row.raw, got, row.want)
		}
	}
	if (Countries{}).Allow(must(t, "41234567")) {
		t.Error("an empty list allows a number")
	}
	_, err = NewCountries("no", "NO", "XX", "001", "+47")
	if err == nil {
		t.Fatal("unknown countries pass")
	}
	if got := strings.Count(err.Error(), "is not a country"); got != 4 {
		t.Errorf("%d problems, want 4: %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, raw := range []string{
		"412 34 567", "+47 (0) 412 34 567", "0047…", "tel:+47-22-85-50-50;ext=77", "tel:1;phone-context=+47",
		"41234567 eller 98765432", "(0)70-123 45 67", "+39 (0)6 6982 1234", "\u202a+47\u00a041234567", "++47", "+(0)",
	} {
		f.Add(raw, "NO")
	}
	f.Add("41234567", "")
	f.Fuzz(func(t *testing.T, raw, region string) {
		n, err := Parse(raw, region)
		if err != nil {
			if len(raw) > 6 && strings.Contains(err.Error(), raw) {
				t.Errorf("the error tells the text: %v", err)
			}
			return
		}
		if !regexp.MustCompile(`^\+[1-9][0-9]{4,16}$`).MatchString(n.E164()) {
			t.Errorf("Parse(%q) = %q, not E.164", raw, n.E164())
		}
		again, err := Parse(n.E164(), "")
		if err != nil || again != n.Line() {
			t.Errorf("Parse(%q) = %v, %v, want %v again", n.E164(), again, err, n.Line())
		}
		if len(n.Hint()) > len("••42") || strings.Contains(n.Masked(), n.National()) {
			t.Errorf("masks show too much: %s %s", n.Hint(), n.Masked())
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse("+47 (0) 412 34 567", "NO"); err != nil {
			b.Fatal(err)
		}
	}
}
