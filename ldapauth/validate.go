package ldapauth

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Warnings are what works and should be changed.
func (c Config) Warnings() []string {
	var warnings, plain []string
	for _, s := range c.Servers {
		if c.plain(s) {
			plain = append(plain, s)
		}
	}
	if len(c.NTLMAuth) > 0 && !slices.Contains(c.NTLMAuth, allowMSCHAPv2) {
		warnings = append(warnings, fmt.Sprintf("ntlm_auth: without %q a domain that forbids NTLMv1 answers as if every password were wrong: add it", allowMSCHAPv2))
	}
	if c.Attributes.Cleartext != "" {
		warnings = append(warnings, "attributes.cleartext: whoever reads the directory, a backup of it or the service account's password has every password: use another method than chap")
	}
	if plain == nil {
		return warnings
	}
	return append(warnings, fmt.Sprintf("insecure: passwords cross the network in clear to %s: use ldaps:// or set starttls = true", strings.Join(plain, ", ")))
}

// Validate returns every problem of the section, joined.
func (c Config) Validate() error {
	if !c.Enabled() {
		return nil
	}
	var problems []error
	say := func(key, format string, args ...any) {
		problems = append(problems, fmt.Errorf("ldap.%s: "+format, append([]any{key}, args...)...))
	}
	if !slices.Contains([]string{KindOpenLDAP, Kind389DS, KindAD}, c.Kind) {
		say("kind", "%q is not known: use openldap, 389ds or ad", c.Kind)
	}
	c = c.resolved()
	if len(c.Servers) == 0 || len(c.Servers) > maxServers {
		say("servers", "must name 1 to %d servers, as in [\"ldaps://dc1.example.org\"]", maxServers)
	}
	for _, s := range c.Servers {
		if _, err := c.endpoint(s); err != nil {
			say("servers", "%w", err)
		}
	}
	if _, err := c.roots(); err != nil {
		say("ca", "%q: %w; give a PEM file of the authority that signed the servers' certificates", c.CA, err)
	}
	c.validateNames(say)
	if c.BindDN != "" && c.BindPassword.IsZero() {
		say("bind_password", "is empty, which directories take for an anonymous bind: set it, or leave bind_dn out")
	}
	if c.BindDN == "" && !c.BindPassword.IsZero() {
		say("bind_dn", "is empty though there is a bind_password: name the service account")
	}
	if c.Timeout < minTimeout || c.Timeout > maxTimeout {
		say("timeout", "%v is not between %v and %v", c.Timeout, minTimeout, maxTimeout)
	}
	if c.Cache < 0 || c.Cache > keepEntries {
		say("cache", "%v is not between 0s and %v", c.Cache, keepEntries)
	}
	for _, pool := range []struct {
		key string
		n   int
	}{{"search_connections", c.SearchConnections}, {"bind_connections", c.BindConnections}} {
		if pool.n < 1 || pool.n > maxConnections {
			say(pool.key, "%d is not between 1 and %d", pool.n, maxConnections)
		}
	}
	if _, err := ldap.ParseDN(c.PasswordPolicy); err != nil {
		say("password_policy", "%q is not a distinguished name such as cn=default,ou=policies,dc=example,dc=org", c.PasswordPolicy)
	}
	if c.PasswordPolicy != "" && c.Kind == KindAD {
		say("password_policy", "has no meaning in Active Directory, whose domain tells its rules: remove it")
	}
	c.validateProofs(say)
	c.validateLockout(say)
	return errors.Join(problems...)
}

// validateProofs is about what checks sign-ins that carry no password.
func (c Config) validateProofs(say func(key, format string, args ...any)) {
	for _, read := range []struct{ key, attribute string }{
		{"attributes.nt_hash", c.Attributes.NTHash}, {"attributes.cleartext", c.Attributes.Cleartext},
	} {
		switch {
		case read.attribute == "":
		case !attributeName.MatchString(read.attribute):
			say(read.key, "%q is not the name of an attribute", read.attribute)
		case c.Kind == KindAD:
			say(read.key, "Active Directory shows passwords and their hashes to nobody: leave it out, and set ldap.ntlm_auth for MS-CHAPv2")
		case slices.ContainsFunc(c.Servers, c.plain):
			say(read.key, "would cross the network in clear: use ldaps:// or set starttls = true")
		}
	}
	if _, _, key := c.checks(); key != "" && c.Elsewhere {
		say(key, "checks nothing where there is an [[upstream.server]], which decides about every password: remove one of them")
	}
	switch {
	case c.NTLMDomain == "":
	case c.NTLMAuth == nil:
		say("ntlm_domain", "has no meaning without ntlm_auth, which changes the passwords: set it, or remove this")
	case !shortDomain.MatchString(c.NTLMDomain):
		say("ntlm_domain", "%q is not the short name of a domain, as in \"EXAMPLE\"", c.NTLMDomain)
	}
	switch n := c.NTLMAuth; {
	case n == nil:
	case len(n) == 0 || !filepath.IsAbs(n[0]):
		say("ntlm_auth", "must begin with the whole path of the program, as in [\"/usr/bin/ntlm_auth\", \"--helper-protocol=ntlm-server-1\", \"--allow-mschapv2\"]")
	case !slices.Contains(n[1:], helperProtocol):
		say("ntlm_auth", "must have the argument %q: it is the only protocol spoken here", helperProtocol)
	case c.Attributes.NTHash != "":
		say("ntlm_auth", "is there beside attributes.nt_hash: one of them decides, remove the other")
	}
}

// helperProtocol is the argument by which ntlm_auth speaks as package winbind
// does; allowMSCHAPv2 the one without which a domain that forbids NTLMv1
// answers as if the password were wrong.
const (
	helperProtocol = "--helper-protocol=ntlm-server-1"
	allowMSCHAPv2  = "--allow-mschapv2"
)

// attributeName is a name as RFC 4512, section 1.4 has it, without options.
var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

// shortDomain is a domain's NetBIOS name: 15 characters at most.
var shortDomain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,14}$`)

// plain reports whether a server is spoken to without TLS.
func (c Config) plain(server string) bool {
	e, err := c.endpoint(server)
	return err == nil && e.tls == modePlain
}

// MayChange returns what keeps passwords from being changed; nil when nothing
// does.
func (c Config) MayChange() error {
	if i := slices.IndexFunc(c.Servers, c.plain); i >= 0 {
		return fmt.Errorf("passwords would cross the network in clear to %s: use ldaps:// or set starttls = true", c.Servers[i])
	}
	return nil
}

// Checks reports which sign-ins without a password can be checked: those by
// MS-CHAPv2 and those by CHAP.
func (c Config) Checks() (mschapv2, chap bool) {
	mschapv2, chap, _ = c.checks()
	return mschapv2 || c.Elsewhere, chap || c.Elsewhere
}

// checks is Checks of the section alone, with the key that makes it so.
func (c Config) checks() (mschapv2, chap bool, key string) {
	if c.Attributes.Cleartext != "" {
		chap, key = true, "attributes.cleartext"
	}
	if c.Attributes.NTHash != "" {
		mschapv2, key = true, "attributes.nt_hash"
	}
	if len(c.NTLMAuth) > 0 {
		mschapv2, key = true, "ntlm_auth"
	}
	return mschapv2, chap, key
}

func (c Config) validateNames(say func(key, format string, args ...any)) {
	for _, name := range []struct{ key, dn string }{{"base", c.Base}, {"bind_dn", c.BindDN}, {"group_base", c.GroupBase}} {
		// Active Directory also binds by user@domain and DOMAIN\user.
		if _, err := ldap.ParseDN(name.dn); err != nil && (name.key != "bind_dn" || c.Kind != KindAD) {
			say(name.key, "%q is not a distinguished name such as ou=people,dc=example,dc=org", name.dn)
		}
	}
	if c.Base == "" {
		say("base", "is missing: give the distinguished name below which people are")
	}
	if _, err := newNames(c); err != nil {
		say("filter", "%w", err)
	}
	needsDomains := slices.Contains(c.Names, string(formDomain)) ||
		slices.Contains(c.Names, string(formUPN)) && c.Kind != KindAD
	if needsDomains && len(c.Domains) == 0 {
		say("domains", "must list the domains that names of the forms %q and %q may have", formUPN, formDomain)
	}
	if c.GroupFilter != "" {
		if _, err := newGroupFinder(c); err != nil {
			say("group_filter", "%w", err)
		}
	}
}
