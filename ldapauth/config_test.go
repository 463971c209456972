package ldapauth

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

func goodConfig() Config {
	c := DefaultConfig()
	c.Servers = []string{"ldaps://dc1.example.org", "ldaps://dc2.example.org:3269"}
	c.BindDN, c.BindPassword = "cn=portvakt,dc=example,dc=org", secret.New("x")
	c.Base = "ou=people,dc=example,dc=org"
	return c
}

func TestValidateSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	noCert := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(noCert, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		edit func(*Config)
		want string // "" is no problem
	}{
		{"a good one", func(*Config) {}, ""},
		{"a kind nobody knows", func(c *Config) { c.Kind = "novell" }, "ldap.kind:"},
		{"no servers", func(c *Config) { c.Servers = nil }, "ldap.servers:"},
		{"a host without scheme", func(c *Config) { c.Servers = []string{"dc1.example.org"} }, "ldap.servers:"},
		{"another scheme", func(c *Config) { c.Servers = []string{"https://dc1.example.org"} }, "ldap.servers:"},
		{"a path", func(c *Config) { c.Servers = []string{"ldaps://dc1/dc=x"} }, "ldap.servers:"},
		{"no TLS", func(c *Config) { c.Servers = []string{"ldap://dc1"} }, "in clear"},
		{"no TLS, but StartTLS", func(c *Config) { c.Servers, c.StartTLS = []string{"ldap://dc1"}, true }, ""},
		{"no TLS, knowingly", func(c *Config) { c.Servers, c.Insecure = []string{"ldap://dc1"}, true }, ""},
		{"no such CA file", func(c *Config) { c.CA = noCert + "x" }, "ldap.ca:"},
		{"a CA file without certificate", func(c *Config) { c.CA = noCert }, "ldap.ca:"},
		{"no base", func(c *Config) { c.Base = "" }, "ldap.base:"},
		{"a base that is no name", func(c *Config) { c.Base = "example.org" }, "ldap.base:"},
		{"a filter without place", func(c *Config) { c.Filter = "(uid=alice)" }, "ldap.filter:"},
		{"a filter that is none", func(c *Config) { c.Filter = "(uid={user}" }, "ldap.filter:"},
		{"a name that chooses its attribute", func(c *Config) { c.Filter = "({user}=x)" }, "ldap.filter:"},
		{"a name that chooses whether it is there", func(c *Config) { c.Filter = "({user}=*)" }, "ldap.filter:"},
		{"a filter in which mail cannot stand in", func(c *Config) { c.Filter, c.Names = "(cn=x{user})", []string{"mail"} }, "ldap.filter:"},
		{"a form nobody knows", func(c *Config) { c.Names = []string{"nick"} }, "ldap.filter:"},
		{"domains missing", func(c *Config) { c.Names = []string{"domain"} }, "ldap.domains:"},
		{"a name without password", func(c *Config) { c.BindPassword = secret.Value{} }, "ldap.bind_password:"},
		{"a password without name", func(c *Config) { c.BindDN = "" }, "ldap.bind_dn:"},
		{"neither: anonymous", func(c *Config) { c.BindDN, c.BindPassword = "", secret.Value{} }, ""},
		{"user@domain binds", func(c *Config) { c.BindDN = "svc@example.org" }, "ldap.bind_dn:"},
		{"user@domain binds in Active Directory", func(c *Config) { c.Kind, c.BindDN = KindAD, "svc@example.org" }, ""},
		{"a group filter without place", func(c *Config) { c.GroupFilter = "(cn=x)" }, "ldap.group_filter:"},
		{"a group filter with two kinds", func(c *Config) { c.GroupFilter = "(|(member={dn})(memberUid={user}))" }, "ldap.group_filter:"},
		{"no time", func(c *Config) { c.Timeout = 0 }, "ldap.timeout:"},
		{"too much time", func(c *Config) { c.Timeout = time.Hour }, "ldap.timeout:"},
		{"too old a cache", func(c *Config) { c.Cache = time.Hour }, "ldap.cache:"},
		{"no connections", func(c *Config) { c.BindConnections = 0 }, "ldap.bind_connections:"},
		{"too many connections", func(c *Config) { c.SearchConnections = 1000 }, "ldap.search_connections:"},
		{"a password policy", func(c *Config) { c.PasswordPolicy = "cn=default,ou=policies,dc=example,dc=org" }, ""},
		{"a password policy that is no name", func(c *Config) { c.PasswordPolicy = "default" }, "ldap.password_policy:"},
		{"a password policy of Active Directory", func(c *Config) { c.Kind, c.PasswordPolicy = KindAD, "cn=x,dc=example,dc=org" }, "ldap.password_policy:"},
		{"hashes", func(c *Config) { c.Attributes.NTHash = "sambaNTPassword" }, ""},
		{"hashes over StartTLS", func(c *Config) {
			c.Servers, c.StartTLS, c.Attributes.NTHash = []string{"ldap://dc1"}, true, "ipaNTHash"
		}, ""},
		{"hashes in clear", func(c *Config) {
			c.Servers, c.Insecure, c.Attributes.NTHash = []string{"ldap://dc1"}, true, "ipaNTHash"
		}, "ldap.attributes.nt_hash:"},
		{"hashes of Active Directory", func(c *Config) { c.Kind, c.Attributes.NTHash = KindAD, "unicodePwd" }, "ldap.attributes.nt_hash:"},
		{"hashes in what is no attribute", func(c *Config) { c.Attributes.NTHash = "ipaNTHash)" }, "ldap.attributes.nt_hash:"},
		{"passwords in clear", func(c *Config) {
			c.Servers, c.Insecure, c.Attributes.Cleartext = []string{"ldap://dc1"}, true, "userPassword"
		}, "ldap.attributes.cleartext:"},
		{"a domain for winbind", func(c *Config) {
			c.NTLMAuth, c.NTLMDomain = []string{"/usr/bin/ntlm_auth", helperProtocol, allowMSCHAPv2}, "EXAMPLE"
		}, ""},
		{"a long name of it", func(c *Config) {
			c.NTLMAuth, c.NTLMDomain = []string{"/usr/bin/ntlm_auth", helperProtocol, allowMSCHAPv2}, "ad.example.org"
		}, "ldap.ntlm_domain:"},
		{"one without winbind", func(c *Config) { c.NTLMDomain = "EXAMPLE" }, "ldap.ntlm_domain:"},
		{"winbind", func(c *Config) { c.NTLMAuth = []string{"/usr/bin/ntlm_auth", helperProtocol, allowMSCHAPv2} }, ""},
		{"winbind by a program somewhere", func(c *Config) { c.NTLMAuth = []string{"ntlm_auth", helperProtocol} }, "ldap.ntlm_auth:"},
		{"winbind by no program", func(c *Config) { c.NTLMAuth = []string{} }, "ldap.ntlm_auth:"},
		{"winbind by another protocol", func(c *Config) { c.NTLMAuth = []string{"/usr/bin/ntlm_auth", "--helper-protocol=squid-2.5-basic"} }, "ldap.ntlm_auth:"},
		{"winbind and hashes", func(c *Config) {
			c.NTLMAuth, c.Attributes.NTHash = []string{"/usr/bin/ntlm_auth", helperProtocol}, "ipaNTHash"
		}, "ldap.ntlm_auth:"},
	} {
		c := goodConfig()
		row.edit(&c)
		err := c.Validate()
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want %q", row.name, err, row.want)
		}
		d, err := New(c, slog.New(slog.DiscardHandler))
		if (err == nil) != (row.want == "") {
			t.Errorf("%s: New: %v", row.name, err)
		}
		if err == nil {
			d.Close()
		}
	}
	if got := strings.Count((Config{}).Validate().Error(), "\n"); got < 5 {
		t.Errorf("the empty section: %d problems, want all at once", got+1)
	}
}

func TestKindsSetWhatIsUsualThere(t *testing.T) {
	t.Parallel()
	c := goodConfig()
	c.Kind, c.Base, c.Domains = KindAD, "OU=Staff,DC=ad,DC=example,DC=org", []string{"ADEX"}
	c.Attributes.Mail = "otherMailbox"
	got := c.resolved()
	if got.Attributes.ID != "objectGUID" || got.Attributes.Mail != "otherMailbox" || !strings.Contains(got.Filter, "sAMAccountName={user}") ||
		!strings.EqualFold(got.GroupBase, "DC=ad,DC=example,DC=org") || !slices.Equal(got.Names, []string{"uid", "upn", "domain"}) {
		t.Errorf("ad: got %+v", got)
	}
	c.Kind = Kind389DS
	if got := c.resolved().Attributes.ID; got != "nsUniqueId" {
		t.Errorf("389ds: got %s", got)
	}
}

// A restriction that the operator wrote holds for every form of name.
func TestOtherAttributeKeepsTheRestrictions(t *testing.T) {
	t.Parallel()
	got, err := withAttribute("(&(uid={user})(memberOf=cn=vpn,dc=x))", "mail")
	if want := "(&(mail={user})(memberOf=cn=vpn,dc=x))"; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}
