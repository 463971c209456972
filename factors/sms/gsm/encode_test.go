package gsm

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ text, want string }{
		{"@£$¥èéùìòÇ", "00010203040506070809"},
		{"Øø Åå Δ_ΦΓΛΩΠΨΣΘΞ", "0b0c200e0f20101112131415161718191a"},
		{"ÆæßÉ", "1c1d1e1f"},
		{" 09AZaz", "20303941" + "5a617a"},
		{"¡ÄÖÑÜ§¿äöñüà", "405b5c5d5e5f607b7c7d7e7f"},
		{"€[]{}|~^\\\f", "1b651b3c1b3e1b281b291b401b3d1b141b2f1b0a"},
		{"code: 123456\r\n", "636f64653a203132333435360d0a"},
		{"ж", "none"},
		{"", ""},
	} {
		octets, ok := Encode(row.text)
		got := hex.EncodeToString(octets)
		if !ok {
			got = "none"
		}
		if got != row.want {
			t.Errorf("%q became %s, want %s", row.text, got, row.want)
		}
	}
}

func TestSplitAgreesWithParts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		text string
		want []int // characters of each part
	}{
		{strings.Repeat("a", 160), []int{160}},
		{strings.Repeat("a", 161), []int{153, 8}},
		{strings.Repeat("€", 80), []int{80}},
		{strings.Repeat("€", 81), []int{76, 5}},
		{strings.Repeat("ж", 70), []int{70}},
		{strings.Repeat("ж", 71), []int{67, 4}},
		{strings.Repeat("😀", 36), []int{33, 3}},
	} {
		parts, coding := Split(row.text)
		n, want := Parts(row.text)
		var got []int
		for _, p := range parts {
			got = append(got, len([]rune(p)))
		}
		if fmt.Sprint(got) != fmt.Sprint(row.want) || len(parts) != n || coding != want || strings.Join(parts, "") != row.text {
			t.Errorf("%.8q…: %v in %s, want %v in %d parts in %s", row.text, got, coding, row.want, n, want)
		}
	}
}
