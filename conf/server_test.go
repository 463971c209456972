package conf

import (
	"strings"
	"testing"
)

func TestTheDeskNeedsASocketAndAGroup(t *testing.T) {
	for _, c := range []struct{ desk, group, want string }{
		{"", "", ""},
		{"/run/portvakt/desk.sock", "helpdesk", ""},
		{"/run/portvakt/desk.sock", "", "desk_group: is missing"},
		{"", "helpdesk", "desk_group: has no meaning without desk"},
		{"desk.sock", "helpdesk", "desk: \"desk.sock\" is not an absolute path"},
		{"/run/portvakt/admin.sock", "helpdesk", "desk: is the administrator's socket"},
	} {
		s := DefaultFile().Server
		s.Desk, s.DeskGroup = c.desk, c.group
		var got []string
		for _, r := range flatten(s.Validate(), "") {
			if strings.HasPrefix(r.text, "desk") {
				got = append(got, r.text)
			}
		}
		if all := strings.Join(got, "\n"); (all == "") != (c.want == "") || !strings.HasPrefix(all, c.want) {
			t.Errorf("%q for %q: got %q, want %q", c.desk, c.group, all, c.want)
		}
	}
}

func TestDurationsMayBeDays(t *testing.T) {
	for text, want := range map[string]string{"7d": "168h0m0s", "0d": "0s", "36500d": "876000h0m0s", "36501d": "", "1.5d": "", "-1d": "", "d": "", "1d12h": ""} {
		got, err := toDuration(text)
		if want == "" && err == nil || want != "" && (err != nil || got.(interface{ String() string }).String() != want) {
			t.Errorf("%q: got %v, %v", text, got, err)
		}
	}
}
