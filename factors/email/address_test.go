package email

import (
	"net/mail"
	"strings"
	"testing"
)

func TestAddressesOfDirectories(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ what, raw, want string }{
		{"an address", "anna@example.org", "anna@example.org"},
		{"spaces around it", "  anna@example.org ", "anna@example.org"},
		{"its domain in capitals", "Anna@EXAMPLE.Org", "Anna@example.org"},
		{"signs that are allowed", "o'neill+vpn_x-1=2@sub.example.org", "o'neill+vpn_x-1=2@sub.example.org"},
		{"a domain with letters of its own", "anna@blåbær.no", "anna@xn--blbr-roah.no"},
		{"nothing", "", ""},
		{"a name", "Anna <anna@example.org>", ""},
		{"a comment", "anna(at work)@example.org", ""},
		{"two", "anna@example.org, eve@evil.org", ""},
		{"two domains", "anna@example.org@evil.org", ""},
		{"a group", "all: anna@example.org;", ""},
		{"a quoted local part", `"anna larsen"@example.org`, ""},
		{"a header", "anna@example.org\r\nBcc: eve@evil.org", ""},
		{"a command", "anna@example.org>\r\nRCPT TO:<eve@evil.org", ""},
		{"a null", "anna\x00@example.org", ""},
		{"a space inside", "an na@example.org", ""},
		{"a direction mark", "anna\u202e@example.org", ""},
		{"letters that many servers do not take", "ånna@example.org", ""},
		{"a source route", "@relay.example:anna@example.org", ""},
		{"percent is a sign as others, servers no longer route by it", "eve%evil.org@example.org", "eve%evil.org@example.org"},
		{"an address literal", "anna@[127.0.0.1]", ""},
		{"a domain without a dot", "root@localhost", ""},
		{"a dot at the end", "anna@example.org.", ""},
		{"dots in a row", "an..na@example.org", ""},
		{"a dot in front", ".anna@example.org", ""},
		{"no local part", "@example.org", ""},
		{"no domain", "anna@", ""},
		{"too long a local part", strings.Repeat("a", 65) + "@example.org", ""},
		{"too long", "a@" + strings.Repeat("a.", 130) + "org", ""},
	} {
		got, err := parse(row.raw)
		if (err == nil) != (row.want != "") || err == nil && got != row.want {
			t.Errorf("%s: %q, %v, want %q", row.what, got, err, row.want)
		}
	}
}

func TestAMaskTellsLittle(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"anna@example.org": "a••@ex••", "a@ab.no": "a••@ab••", "anna@xn--blbr-roah.no": "a••@xn••",
	} {
		if got := mask(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"anna@example.org", "a@b@c", "x\r\ny@z.org", "\"a\"@b.c", "å@b.c", "a@ø.no", "<a@b.c>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		address, err := parse(raw)
		if err != nil {
			return
		}
		if a, err := mail.ParseAddress("<" + address + ">"); err != nil || a.Address != address {
			t.Errorf("%q of %q is no address: %v", address, raw, err)
		}
		for _, r := range address {
			if r <= ' ' || r >= 0x7f || strings.ContainsRune("<>,;:\"()[]\\", r) {
				t.Errorf("%q of %q holds %q", address, raw, r)
			}
		}
		if again, err := parse(address); err != nil || again != address {
			t.Errorf("%q is read as %q: %v", address, again, err)
		}
	})
}
