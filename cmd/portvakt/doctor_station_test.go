package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
)

// TestWhatNeedsAStation: what rules promise of a client that never tells where a
// person is, and whose they are.
func TestWhatNeedsAStation(t *testing.T) {
	remember := login.RuleConfig{Name: "once a day", Remember: time.Hour}
	stations := login.RuleConfig{Stations: []string{"02-00-5E-*"}}
	change := login.RuleConfig{Name: "changes", ExpiredPassword: login.ExpiredChange}
	at := func(r login.RuleConfig, clients, groups []string) login.RuleConfig {
		r.Clients, r.ClientGroups = clients, groups
		return r
	}
	for what, row := range map[string]struct {
		rules []login.RuleConfig
		began uint64
		see   func(cc *radiusd.ClientConfig, f *conf.File)
		want  string // ids of the findings
		says  string
	}{
		"nothing needs it":         {[]login.RuleConfig{{Name: "x"}}, 3, nil, "", ""},
		"it is told":               {[]login.RuleConfig{remember, stations, change}, 0, nil, "", ""},
		"remembered devices":       {[]login.RuleConfig{remember}, 3, nil, "remember", `3 sign-ins told no Calling-Station-Id, and rule "once a day" says remember`},
		"at this client":           {[]login.RuleConfig{at(remember, []string{"vpn"}, nil)}, 3, nil, "remember", "asked at each sign-in"},
		"in this group":            {[]login.RuleConfig{at(remember, nil, []string{"all-vpn"})}, 3, nil, "remember", "station = "},
		"at another client":        {[]login.RuleConfig{at(remember, []string{"wifi"}, []string{"other"})}, 3, nil, "", ""},
		"stations":                 {[]login.RuleConfig{remember, stations}, 1, nil, "remember rule_stations", `rule number 2 says stations`},
		"a change in the dialogue": {[]login.RuleConfig{change}, 1, nil, "", ""},
		"a change by Windows itself": {[]login.RuleConfig{change}, 1, func(cc *radiusd.ClientConfig, f *conf.File) {
			cc.Methods, f.LDAP.NTLMDomain = []string{"mschapv2"}, "EXAMPLE"
		}, "change", "Windows' own dialogue"},
		"a change that nothing asks": {[]login.RuleConfig{change}, 1, func(cc *radiusd.ClientConfig, _ *conf.File) { cc.Methods = []string{"mschapv2"} }, "", ""},
	} {
		cc := radiusd.DefaultClientConfig()
		cc.Name, cc.Group, cc.Networks, cc.Secret = "vpn", "all-vpn", []string{"10.1.2.1"}, secret.New("a-secret-of-the-doctor-test")
		f := conf.File{Rules: row.rules}
		if row.see != nil {
			row.see(&cc, &f)
		}
		f.Clients = []radiusd.ClientConfig{cc}
		c := clientStatus{
			Name: "vpn", RequireMessageAuthenticator: "yes", Clock: clockStatus{Patience: 54},
			Sent: counts{"accept": 9}, Notes: counts{"began_without_station": row.began},
		}
		r := examine(cc, f, status{Began: time.Now(), Asked: time.Now(), Directory: true, Clients: []clientStatus{c}})
		var ids []string
		for _, finding := range r.Findings {
			ids = append(ids, finding.ID)
			if len(finding.Change) < 2 || slices.Contains(finding.Change, "") {
				t.Errorf("%s: %q does not say what to change", what, finding.Change)
			}
		}
		var text strings.Builder
		r.print(&text)
		if got := strings.Join(ids, " "); got != row.want || !strings.Contains(text.String(), row.says) {
			t.Errorf("%s: found %q, want %q and %q\n%s", what, got, row.want, row.says, text.String())
		}
	}
}
