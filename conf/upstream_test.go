package conf

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/radiusd/reply"
	"github.com/portvakt/portvakt/radiusd/upstream"
)

// An [ldap] section may be left out where passwords are checked upstream, and
// then nothing may need it.
func TestWhatNeedsADirectory(t *testing.T) {
	with := func(change func(f *File)) *File {
		f := DefaultFile()
		s := upstream.DefaultServerConfig()
		s.Name, s.Address, s.Secret = "nps", netip.MustParseAddrPort("192.0.2.1:1812"), secret.New("a secret of 24 characters")
		f.Upstream.Server = []upstream.ServerConfig{s}
		change(&f)
		f.Assemble()
		return &f
	}
	groups := []string{"cn=staff,dc=example,dc=org"}
	directory := func(f *File) { f.LDAP.Servers, f.LDAP.Base = []string{"ldaps://dc1.example.org"}, "dc=example,dc=org" }
	for name, c := range map[string]struct {
		change        func(f *File)
		want, warning string
	}{
		"upstream alone":              {func(*File) {}, "", ""},
		"no upstream":                 {func(f *File) { f.Upstream.Server = nil }, "ldap.servers: must name", ""},
		"a section begun":             {func(f *File) { f.LDAP.Base = "dc=example,dc=org" }, "ldap.servers: must name", ""},
		"a directory too":             {directory, "", ""},
		"domains of a directory":      {func(f *File) { directory(f); f.Upstream.Domains = []string{"EXAMPLE"} }, "upstream.domains: names are looked up", ""},
		"hashes that nobody looks at": {func(f *File) { directory(f); f.LDAP.Attributes.NTHash = "sambaNTPassword" }, "ldap.attributes.nt_hash: checks nothing", ""},
		"a helper that nobody asks":   {func(f *File) { directory(f); f.LDAP.NTLMAuth = []string{"/x", "--helper-protocol=ntlm-server-1"} }, "ldap.ntlm_auth: checks nothing", ""},
		"copies that are sent on":     {func(f *File) { f.Clients = []radiusd.ClientConfig{{Shadow: "password"}} }, "client 1: shadow", ""},
		"copies that end here":        {func(f *File) { f.Clients = []radiusd.ClientConfig{{Shadow: "rule"}} }, "", ""},
		"a rule for a group":          {func(f *File) { f.Rules = []login.RuleConfig{{Groups: groups}} }, "rule 1: groups: without [ldap]", ""},
		"a reply rule for a group":    {func(f *File) { f.Replies = []reply.RuleConfig{{Groups: groups}} }, "reply rule 1: groups: without [ldap]", ""},
		"attributes that never come": {func(f *File) {
			f.Upstream.Server, f.Replies = nil, []reply.RuleConfig{{Pass: []string{"Class"}}}
			directory(f)
		}, "reply number 1: pass: without an [[upstream.server]]", ""},
		"attributes for some": {func(f *File) { f.Replies = []reply.RuleConfig{{Pass: []string{"Class"}, Users: []string{"alice"}}} }, "", ""},
		"attributes for some, and for everybody": {func(f *File) {
			f.Upstream.Pass, f.Replies = []string{"Class"}, []reply.RuleConfig{{Pass: []string{"class"}}}
		}, "reply number 1: pass: upstream.pass lets class through", ""},
		"people who enroll": {func(f *File) {
			f.Rules = []login.RuleConfig{{Unenrolled: login.UnenrolledEnroll, EnrollConfig: login.EnrollConfig{Dormant: -1}}}
		}, "", "rule 1: lets in who has nothing"},
		"people who enroll once the service desk has said so": {func(f *File) { f.Rules = []login.RuleConfig{{Unenrolled: login.UnenrolledEnroll}} }, "", ""},
		"people without second factor":                        {func(f *File) { f.Rules = []login.RuleConfig{{SecondFactor: login.SecondEnrolled}} }, "", "rule 1: lets in who has nothing"},
		"passwords that nobody changes": {func(f *File) {
			f.Rules = []login.RuleConfig{{}, {ExpiredPassword: login.ExpiredChange}}
		}, "", "rule number 2: expired_password: \"change\" has no effect"},
		"the same, with a directory that knows people": {func(f *File) {
			directory(f)
			f.Rules = []login.RuleConfig{{ExpiredPassword: login.ExpiredChange}}
		}, "", "rule number 1: expired_password"},
		"passwords that the directory changes": {func(f *File) {
			directory(f)
			f.Upstream.Server = nil
			f.Rules = []login.RuleConfig{{ExpiredPassword: login.ExpiredChange}}
		}, "", ""},
		"the same, with a directory": {func(f *File) {
			directory(f)
			f.Rules = []login.RuleConfig{{SecondFactor: login.SecondEnrolled}}
		}, "", ""},
	} {
		f := with(c.change)
		var told []string
		for _, err := range []error{f.LDAP.Validate(), f.passes(), f.nameless()} {
			if err != nil {
				told = append(told, err.Error())
			}
		}
		if got := strings.Join(told, "\n"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if got := strings.Join(f.Warnings(), "\n"); (got == "") != (c.warning == "") || !strings.Contains(got, c.warning) {
			t.Errorf("%s: warnings %q, want %q", name, got, c.warning)
		}
	}
}
