package conf

import (
	"net/netip"
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

func TestMetricsAddress(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ at, problem, warning string }{
		{"127.0.0.1:9812", "", ""},
		{"[::1]:9812", "", ""},
		{"127.0.0.1:0", "metrics: has no port", ""},
		{"10.0.0.1:9812", "", "metrics: whoever reaches 10.0.0.1:9812 may read"},
		{"[::]:9812", "", "metrics: whoever reaches [::]:9812 may read"},
	} {
		s := DefaultFile().Server
		s.Metrics = netip.MustParseAddrPort(row.at)
		if err := s.Validate(); (err == nil) != (row.problem == "") || err != nil && !strings.Contains(err.Error(), row.problem) {
			t.Errorf("%s: %v, want %q", row.at, err, row.problem)
		}
		if got := strings.Join(s.Warnings(), "\n"); (got == "") != (row.warning == "") || !strings.Contains(got, row.warning) {
			t.Errorf("%s: warned %q, want %q", row.at, got, row.warning)
		}
	}
}
