package ldapauth

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/conf/secret"
)

// Kinds of directories; a kind sets what is usual there.
const (
	KindOpenLDAP = "openldap"
	Kind389DS    = "389ds"
	KindAD       = "ad"
)

// Config is the [ldap] section.
type Config struct {
	// Kind is "openldap" (default; also for most others), "389ds" (also
	// FreeIPA) or "ad" (Active Directory, Samba). It sets the defaults of
	// Filter, Names and Attributes.
	Kind string `mapstructure:"kind"`
	// Servers are URLs, ldaps://host[:port] or ldap://host[:port], tried in
	// order. ldap:// needs StartTLS or Insecure.
	Servers []string `mapstructure:"servers"`
	// StartTLS makes ldap:// servers switch to TLS before anything else is
	// said. A server that refuses is not used.
	StartTLS bool `mapstructure:"starttls"`
	// Insecure allows ldap:// without TLS: passwords cross the network in
	// clear. A warning is logged at each start.
	Insecure bool `mapstructure:"insecure"`
	// CA is a PEM file of the authorities that servers' certificates are
	// checked with; empty: the system's.
	CA string `mapstructure:"ca"`
	// TLSServerName is the name in the servers' certificates when it is not
	// the host of the URL.
	TLSServerName string `mapstructure:"tls_server_name"`
	// BindDN and BindPassword are the service account that searches. Without
	// a BindDN searches are anonymous.
	BindDN       string       `mapstructure:"bind_dn"`
	BindPassword secret.Value `mapstructure:"bind_password"`
	// Base is the distinguished name below which people are.
	Base string `mapstructure:"base"`
	// Filter finds a person; {user} stands for the name.
	Filter string `mapstructure:"filter"`
	// Names are the forms of login names that are taken: "uid" (as Filter
	// has it), "mail" (the same filter with the mail attribute), "upn"
	// (user@domain: userPrincipalName in Active Directory, and the name before
	// the @ when the domain is in Domains), "domain" (DOMAIN\user with a
	// domain in Domains).
	Names []string `mapstructure:"names"`
	// Domains are the domain names, short and long, that "upn" and "domain"
	// take, in any case.
	Domains []string `mapstructure:"domains"`
	// GroupFilter finds the groups of a person where entries have no memberOf:
	// {dn} stands for the entry's distinguished name, as in "(member={dn})",
	// or {user} for the login name, as in "(memberUid={user})". What it finds
	// is added to the groups attribute's values.
	GroupFilter string `mapstructure:"group_filter"`
	// GroupBase is where groups are; default: Base, or for "ad" the domain.
	GroupBase string `mapstructure:"group_base"`
	// Nested includes groups that a person is in through other groups: by
	// the matching rule 1.2.840.113556.1.4.1941 in Active Directory, else by
	// walking up with GroupFilter or the groups attribute of each group, at
	// most 10 levels and 1,000 groups.
	Nested bool `mapstructure:"nested"`
	// Timeout is the budget of one operation, from 100 ms to 60 s, over all
	// servers tried.
	Timeout time.Duration `mapstructure:"timeout"`
	// Cache is how old an entry may be that a new login uses, at most 15
	// minutes: what the Flow gives Lookup as maxAge. Passwords are always
	// checked by the directory.
	Cache time.Duration `mapstructure:"cache"`
	// SearchConnections and BindConnections are the most connections to each
	// server, 1 to 256. A distant server wants as many as binds per second
	// times its round trip in seconds.
	SearchConnections int `mapstructure:"search_connections"`
	BindConnections   int `mapstructure:"bind_connections"`
	// NTLMAuth is Samba's ntlm_auth and its arguments, which has winbindd check
	// sign-ins by MS-CHAPv2 where the directory shows no NT hashes: [program,
	// "--helper-protocol=ntlm-server-1", "--allow-mschapv2"].
	NTLMAuth []string `mapstructure:"ntlm_auth"`
	// NTLMDomain is the short name of the domain, as in "EXAMPLE". With it, people
	// change expired passwords by MS-CHAPv2 too, by way of NTLMAuth.
	NTLMDomain string `mapstructure:"ntlm_domain"`
	// PasswordPolicy is the distinguished name of the password policy that holds
	// for entries that name none (OpenLDAP's ppolicy_default), for telling
	// people its rules when they change a password. Active Directory needs none.
	PasswordPolicy string `mapstructure:"password_policy"`
	// LockoutThreshold is after how many wrong passwords, within LockoutWindow,
	// the directory locks an account: sign-ins stop below it. 0 has both read
	// from the directory.
	LockoutThreshold int           `mapstructure:"lockout_threshold"`
	LockoutWindow    time.Duration `mapstructure:"lockout_window"`
	// Attributes is the [ldap.attributes] section.
	Attributes Attributes `mapstructure:"attributes"`
	// Elsewhere is that something else checks passwords: the section may be left
	// out then. Whoever reads the file sets it.
	Elsewhere bool `mapstructure:"-"`
}

// Enabled reports whether there is a directory: always, unless the section is
// left out where it may be.
func (c Config) Enabled() bool {
	return !c.Elsewhere || len(c.Servers) > 0 || c.Base != "" || c.BindDN != ""
}

// Attributes is where the directory keeps what a login needs. An empty name
// means the usual one for the kind.
type Attributes struct {
	// ID never changes and is never reused: entryUUID, nsUniqueId,
	// ipaUniqueID, objectGUID.
	ID string `mapstructure:"id"`
	// Name is the login name: uid, sAMAccountName.
	Name string `mapstructure:"name"`
	// Phone attributes in order; the first number found is the primary one.
	Phone    []string `mapstructure:"phone"`
	Mail     string   `mapstructure:"mail"`
	Language string   `mapstructure:"language"`
	Groups   string   `mapstructure:"groups"`
	// LastLogon are the attributes that tell when the account was used last, of
	// which the latest counts; one that never was counts from when it was made.
	LastLogon []string `mapstructure:"last_logon"`
	// NTHash is where NT hashes are, 16 octets or 32 hexadecimal digits, for
	// sign-ins by MS-CHAPv2: sambaNTPassword, ipaNTHash. Empty: not read.
	NTHash string `mapstructure:"nt_hash"`
	// Cleartext is where passwords are that can be read, for sign-ins by CHAP,
	// which needs them. Empty: not read.
	Cleartext string `mapstructure:"cleartext"`
}

// Limits of the configuration.
const (
	minTimeout     = 100 * time.Millisecond
	maxTimeout     = time.Minute
	maxConnections = 256
	maxServers     = 16
)

// DefaultConfig has the defaults that do not depend on the kind.
func DefaultConfig() Config {
	return Config{
		Kind:              KindOpenLDAP,
		Timeout:           5 * time.Second,
		Cache:             30 * time.Second,
		SearchConnections: 8,
		BindConnections:   16,
	}
}

// resolved fills in what the kind implies.
func (c Config) resolved() Config {
	def := func(s *string, usual string) {
		if *s == "" {
			*s = usual
		}
	}
	a := &c.Attributes
	def(&a.Mail, "mail")
	def(&a.Language, "preferredLanguage")
	def(&a.Groups, "memberOf")
	if len(a.Phone) == 0 {
		a.Phone = []string{"mobile", "telephoneNumber"}
	}
	usual := []string{string(formUID)}
	switch c.Kind {
	case KindAD:
		def(&c.Filter, "(&(objectCategory=person)(objectClass=user)(sAMAccountName={user}))")
		def(&a.ID, "objectGUID")
		def(&a.Name, "sAMAccountName")
		lastLogon(a, "lastLogonTimestamp")
		def(&c.GroupBase, domainOf(c.Base))
		usual = append(usual, string(formUPN))
		if len(c.Domains) > 0 {
			usual = append(usual, string(formDomain))
		}
	case Kind389DS:
		def(&a.ID, "nsUniqueId")
		lastLogon(a, "lastLoginTime", "krbLastSuccessfulAuth")
	}
	// Of OpenLDAP itself (lastbind on) and of its overlay before 2.5.
	lastLogon(a, "pwdLastSuccess", "authTimestamp")
	def(&c.Filter, "(uid={user})")
	def(&a.ID, "entryUUID")
	def(&a.Name, "uid")
	def(&c.GroupBase, c.Base)
	if len(c.Names) == 0 {
		c.Names = usual
	}
	return c
}

func lastLogon(a *Attributes, usual ...string) {
	if len(a.LastLogon) == 0 {
		a.LastLogon = usual
	}
}

// domainOf is the part of a DN that names the domain: its dc= suffix.
func domainOf(dn string) string {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return dn
	}
	n := len(parsed.RDNs)
	for n > 0 && strings.EqualFold(parsed.RDNs[n-1].Attributes[0].Type, "dc") {
		n--
	}
	parsed.RDNs = parsed.RDNs[n:]
	return parsed.String()
}

// roots reads CA; nil means the system's authorities.
func (c Config) roots() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil //nolint:nilnil // nil is crypto/tls's own word for the system's
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("has no PEM certificate")
	}
	return pool, nil
}

// endpoint is one server of the configuration.
type endpoint struct {
	url     string // as configured
	address string // host:port
	host    string // what the certificate must name
	tls     mode
}

// mode is how a connection is protected.
type mode int

const (
	modeLDAPS mode = iota
	modeStartTLS
	modePlain
)

// endpoint parses one of Servers.
func (c Config) endpoint(server string) (endpoint, error) {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "" {
		return endpoint{}, fmt.Errorf("%q is not a server's URL: write ldaps://host or ldaps://host:port", server)
	}
	e := endpoint{url: server, host: u.Hostname()}
	if c.TLSServerName != "" {
		e.host = c.TLSServerName
	}
	port := u.Port()
	switch u.Scheme {
	case "ldaps":
		if port == "" {
			port = "636"
		}
	case "ldap":
		if port == "" {
			port = "389"
		}
		e.tls = modeStartTLS
		if !c.StartTLS {
			e.tls = modePlain
			if !c.Insecure {
				return endpoint{}, fmt.Errorf("%q would send passwords in clear: use ldaps:// or set starttls = true", server)
			}
		}
	default:
		return endpoint{}, fmt.Errorf("%q: the scheme must be ldaps or ldap", server)
	}
	e.address = net.JoinHostPort(u.Hostname(), port)
	return e, nil
}
