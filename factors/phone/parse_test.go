package phone

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseReadsWhatDirectoriesHold(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ raw, region, want string }{
		{"412 34 567", "NO", "+4741234567 mobile NO"},
		{"22 85 50 50", "NO", "+4722855050 fixed NO"},
		{"+47 412 34 567", "NO", "+4741234567 mobile NO"},
		{"+47 412 34 567", "", "+4741234567 mobile NO"},
		{"0047 41234567", "NO", "+4741234567 mobile NO"},
		{"0047 41234567", "", "+4741234567 mobile NO"},
		{"0047 41234567", "US", "+4741234567 mobile NO"},
		{"+47 (0) 412 34 567", "NO", "+4741234567 mobile NO"},
		{"+47(0)41234567", "NO", "+4741234567 mobile NO"},
		{"0047 (0)412 34 567", "NO", "+4741234567 mobile NO"},
		{"(+47) 412 34 567", "NO", "+4741234567 mobile NO"},
		{"+46 (0)70-123 45 67", "NO", "+46701234567 mobile SE"},
		{"070-123 45 67", "SE", "+46701234567 mobile SE"},
		{"(0)70-123 45 67", "SE", "+46701234567 mobile SE"},
		{"+39 (0)2 7740 1234", "NO", "+390277401234 fixed IT"},
		{"+49 (0)30 / 901 820-0", "NO", "+49309018200 fixed DE"},
		{"tel:+47-22-85-50-50;ext=77", "NO", "+4722855050 fixed NO ext 77"},
		{"tel:22855050;phone-context=+47", "SE", "+4722855050 fixed NO"},
		{"tel:22855050;phone-context=+47;ext=77", "SE", "+4722855050 fixed NO ext 77"},
		{"22855050 x77", "NO", "+4722855050 fixed NO ext 77"},
		{"22855050 ext. 77", "NO", "+4722855050 fixed NO ext 77"},
		{"22855050 (linje 77)", "NO", "+4722855050 fixed NO ext 77"},
		{"22855050,77", "NO", "+4722855050 fixed NO ext 77"},
		{"22855050#77", "NO", "+4722855050 fixed NO ext 77"},
		{"+4722855050,,123", "NO", "+4722855050 fixed NO ext 123"},
		{"22 85 50 50, , 123", "NO", "+4722855050 fixed NO ext 123"},
		{"Mobil: 412 34 567", "NO", "+4741234567 mobile NO"},
		{"41234567 (privat)", "NO", "+4741234567 mobile NO"},
		{"41234567 x", "NO", "+4741234567 mobile NO"},
		{"\u202a+47\u00a0412\u201134\u2011567\u202c", "NO", "+4741234567 mobile NO"},
		{"\t412 34 567 ", "NO", "+4741234567 mobile NO"},
		{"+1 212 555 0123", "NO", "+12125550123 fixed_or_mobile US"},
		{"05555", "NO", "+4705555 other NO"},
		// Neighbours in the same calling code are countries of their own.
		{"+44 7911 123456", "GB", "+447911123456 mobile GG"},
		{"+1 876 210 1234", "US", "+18762101234 mobile JM"},
	} {
		n, err := Parse(row.raw, row.region)
		got := fmt.Sprint(n.E164(), " ", n.Type(), " ", n.Country())
		if n.Extension() != "" {
			got += " ext " + n.Extension()
		}
		if err != nil || got != row.want {
			t.Errorf("Parse(%q, %q) = %q, %v, want %q", row.raw, row.region, got, err, row.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		raw  string
		want error
	}{
		{"", ErrNotANumber},
		{"ask the desk", ErrNotANumber},
		{"+", ErrNotANumber},
		{"41234567\x00", ErrNotANumber},
		{"412\n34567", ErrNotANumber},
		{"\xff41234567", ErrNotANumber},
		{"１２３４５６７８", ErrNotANumber},
		{strings.Repeat("4", 200), ErrTooLong},
		{strings.Repeat("4", 60), ErrInvalid},
		{"+47 (0) 012 34 567", ErrInvalid},
		{"113", ErrInvalid},
		{"+47 59 12 34 56", ErrInvalid},
		{"+999 12345678", ErrInvalid},
		{"1-800-FLOWERS", ErrInvalid},
		{"41234567 / 98765432", ErrInvalid},
		{"+47 41234567 / +47 22855050", ErrSeveral},
		{"41234567,41234568", ErrSeveral},
		{"41234567 eller 98765432", ErrSeveral},
		{"41234567 x 77 x 78", ErrSeveral},
		{"tel:+4741234567;phone-context=+46", ErrSeveral},
		{"820 12 345", ErrCostly},
		{"+1 900 234 5678", ErrCostly},
		{"+44 70 1234 5678", ErrCostly},
		{"+44 843 012 3456", ErrCostly},
		{"+881 6123 45678", ErrNoCountry},
		{"+870 773 111 632", ErrNoCountry},
		{"+883 5100 12345", ErrNoCountry},
		{"+979 123 456 789", ErrNoCountry},
		{"+800 1234 5678", ErrNoCountry},
	} {
		n, err := Parse(row.raw, "NO")
		if !errors.Is(err, row.want) {
			t.Errorf("Parse(%q) = %v, %v, want %v", row.raw, n.E164(), err, row.want)
		}
	}
}
