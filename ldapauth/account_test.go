package ldapauth

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
)

// accountOf makes an account of an entry that a server could send.
func accountOf(t *testing.T, a Attributes, dn string, attrs ...string) (login.Account, error) {
	t.Helper()
	_, _, body, _, err := reader(entryOf(1, dn, attrs...)).message()
	if err != nil {
		t.Fatal(err)
	}
	e, err := body.entry()
	if err != nil {
		t.Fatal(err)
	}
	s := newSchema(Config{Attributes: a}.resolved().Attributes)
	return s.account(e)
}

func TestObjectGUIDIsWrittenAsWindowsShowsIt(t *testing.T) {
	t.Parallel()
	octets := "\x33\x22\x11\x00\x55\x44\x77\x66\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
	a, err := accountOf(t, Attributes{ID: "objectGUID"}, "cn=a", "OBJECTGUID", octets)
	if want := "00112233-4455-6677-8899-aabbccddeeff"; err != nil || a.ID != want {
		t.Errorf("got %q, %v; want %q", a.ID, err, want)
	}
	if _, err := accountOf(t, Attributes{ID: "objectGUID"}, "cn=a", "objectGUID", octets[1:]); outcome(err) != "undecided" {
		t.Errorf("15 octets: got %v", err)
	}
}

func TestPhonesAreInTheOrderOfTheConfiguration(t *testing.T) {
	t.Parallel()
	a, err := accountOf(t, Attributes{Phone: []string{"mobile", "pager", "telephoneNumber"}}, "cn=a", "entryUUID", "x",
		"telephoneNumber", "3", "mobile", "1", "pager", "1", "MOBILE", "2", "mobile", "\xff")
	if want := []string{"1", "2", "3"}; err != nil || !slices.Equal(a.Phones, want) {
		t.Errorf("got %q, %v; want %q", a.Phones, err, want)
	}
}

func TestWhatCannotBeCutOffIsAnError(t *testing.T) {
	t.Parallel()
	groups := []string{"entryUUID", "x"}
	for i := range maxGroups {
		groups = append(groups, "memberOf;range=0-*", fmt.Sprintf("cn=g%d", i))
	}
	if a, err := accountOf(t, Attributes{}, "cn=a", groups...); err != nil || len(a.Groups) != maxGroups {
		t.Errorf("%d groups: got %d, %v", maxGroups, len(a.Groups), err)
	}
	for name, attrs := range map[string][]string{
		"one group more":    append(groups, "memberOf", "cn=more"),
		"a group too long":  {"entryUUID", "x", "memberOf", strings.Repeat("x", maxDN+1)},
		"an ID too long":    {"entryUUID", strings.Repeat("x", maxID+1)},
		"an empty ID":       {"entryUUID", ""},
		"an ID with spaces": {"entryUUID", "a b"},
	} {
		if _, err := accountOf(t, Attributes{}, "cn=a", attrs...); outcome(err) != "undecided" {
			t.Errorf("%s: got %v, want an error", name, err)
		}
	}
	for name, dn := range map[string]string{"no": "", "a too long": strings.Repeat("x", maxDN+1), "a mangled": "cn=\xff"} {
		if _, err := accountOf(t, Attributes{}, dn, "entryUUID", "x"); outcome(err) != "undecided" {
			t.Errorf("%s distinguished name: got %v, want an error", name, err)
		}
	}
}
