package ldapauth

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// Warnings are what works and should be changed.
func (c Config) Warnings() []string {
	var plain []string
	for _, s := range c.Servers {
		if e, err := c.endpoint(s); err == nil && e.tls == modePlain {
			plain = append(plain, s)
		}
	}
	if plain == nil {
		return nil
	}
	return []string{fmt.Sprintf("insecure: passwords cross the network in clear to %s: use ldaps:// or set starttls = true", strings.Join(plain, ", "))}
}

// Validate returns every problem of the section, joined.
func (c Config) Validate() error {
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
	if c.Attributes.NTHash != "" {
		say("attributes.nt_hash", "is not supported in this version: remove it; MS-CHAPv2 needs another way to check passwords")
	}
	return errors.Join(problems...)
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
