package reply

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/login"
)

// vendors is a vendor's attribute in a Vendor-Specific of its own.
func vendors(vendor uint32, typ byte, value string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{26, byte(8 + len(value))}, vendor)
	return append(append(b, typ, byte(2+len(value))), value...)
}

// What rules pass to some is withheld from all others; nothing else is touched,
// least of all the keys of a session.
func TestWhatIsPassedByRule(t *testing.T) {
	t.Parallel()
	d := load(t)
	class, filter := []byte{25, 7, 'c', 'l', 'a', 's', 's'}, []byte{11, 4, 'f', '1'}
	again := []byte{11, 4, 'f', '2'}
	role, key := vendors(12356, 1, "role"), vendors(311, 16, "the key of a session")
	granted := bytes.Join([][]byte{class, filter, role, key, again}, nil)
	for _, row := range []struct {
		rule   string
		rules  []RuleConfig
		client string
		who    login.Account
		want   [][]byte
		names  string
	}{
		{"no rule passes anything by itself", []RuleConfig{{Attributes: attrs{"Class": "x"}}}, "vpn", bob, [][]byte{class, filter, role, key, again}, ""},
		{"for a group", []RuleConfig{{Groups: []string{admins}, Pass: []string{"Filter-Id"}}}, "vpn", alice, [][]byte{class, filter, role, key, again}, "Filter-Id"},
		{"not for others", []RuleConfig{{Groups: []string{admins}, Pass: []string{"Filter-Id"}}}, "vpn", bob, [][]byte{class, role, key}, ""},
		{"at a client", []RuleConfig{{Clients: []string{"vpn"}, Pass: []string{"filter-id"}}}, "wifi", alice, [][]byte{class, role, key}, ""},
		{
			"all rules that match count", []RuleConfig{
				{Users: []string{"BOB"}, Pass: []string{"Class"}}, {Clients: []string{"vpn"}, Pass: []string{"Filter-Id"}}, {Users: []string{"carol"}, Pass: []string{"Fortinet-Group-Name"}},
			}, "vpn", bob, [][]byte{class, filter, key, again}, "Class Filter-Id",
		},
		{"a vendor's", []RuleConfig{{Users: []string{"carol"}, Pass: []string{"Fortinet-Group-Name"}}}, "vpn", bob, [][]byte{class, filter, key, again}, ""},
	} {
		r, err := New(row.rules, d)
		if err != nil {
			t.Errorf("%s: %v", row.rule, err)
			continue
		}
		if got, want := r.Pass(row.client, row.who, granted), bytes.Join(row.want, nil); !bytes.Equal(got, want) {
			t.Errorf("%s: got %s, want %s", row.rule, lines(d, got), lines(d, want))
		}
		if got := strings.Join(r.Passed(row.client, row.who), " "); got != row.names {
			t.Errorf("%s: named %q, want %q", row.rule, got, row.names)
		}
	}
}

// What withholding cannot read is left to those who refuse a reply for it.
func TestPassingWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	r, err := New(Config{{Users: []string{"carol"}, Pass: []string{"Class"}}}, load(t))
	if err != nil {
		t.Fatal(err)
	}
	broken := []byte{25, 3, 'x', 25, 9, 'y'}
	if got := r.Pass("vpn", bob, broken); !bytes.Equal(got, broken[3:]) {
		t.Errorf("got %x", got)
	}
}
