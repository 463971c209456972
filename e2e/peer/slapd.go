package peer

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"text/template"
)

// What every slapd of a test has.
const (
	SlapdBase     = "dc=example,dc=test"
	SlapdPeople   = "ou=people," + SlapdBase
	SlapdGroups   = "ou=groups," + SlapdBase
	SlapdAdminDN  = "cn=admin," + SlapdBase
	SlapdAdmin    = "admin"
	SlapdBindDN   = "cn=svc," + SlapdBase // the service account
	SlapdPassword = "svcpass"
	// SlapdLocksAfter is how many wrong passwords lock anybody, within 5
	// minutes.
	SlapdLocksAfter = 5
	// UserPassword is everybody's password but umlaut's.
	UserPassword = "secret"
	// UmlautPassword is the password of the user "umlaut", in NFC.
	UmlautPassword = "p\u00e4ssw\u00f6rd"
)

// SlapdOptions are what a test may want to be different.
type SlapdOptions struct {
	// Cert is the server's certificate; one of CA for this machine if zero.
	Cert Cert
	// CA signs; a new one if nil.
	CA *CA
	// NoTLS starts a server that refuses StartTLS.
	NoTLS bool
	// Lenient allows anonymous binds with a name or a password.
	Lenient bool
	// Bulk adds the users user0000, user0001, … with UserPassword.
	Bulk int
	// ManyGroups puts the user "many" into that many groups.
	ManyGroups int
	// ChangePasswords lets the service account change passwords, by the old ones.
	ChangePasswords bool
	// Config is added to slapd.conf before the database, Data to its content
	// (LDIF).
	Config, Data string
	// Of starts a replica: with all that this one has now, ids included, and
	// nothing that it will have.
	Of *Slapd
	// Quiet logs nothing, for measurements.
	Quiet bool
}

// A Slapd is an OpenLDAP server with people in ou=people: alice, bob (German),
// umlaut, expired, outdated (expired too; a new password lasts a year), reset
// (must change the password), lockme (locked after SlapdLocksAfter wrong ones,
// as everybody is), nopassword, twin (twice, in different
// branches), mailtwin1 and mailtwin2 (one mail address), and groups in
// ou=groups: alice is in vpn, vpn in staff, staff in everybody, and everybody
// in staff.
type Slapd struct {
	// URL and LDAPSURL are its addresses, CAFile what signed its certificate.
	URL, LDAPSURL, CAFile string
	// Port and LDAPSPort are on 127.0.0.1.
	Port, LDAPSPort int

	folder string
	level  string
	log    Output
	p      *process
}

// StartSlapd starts a server that ends with the test.
func StartSlapd(t testing.TB, o SlapdOptions) *Slapd {
	t.Helper()
	Need(t, "slapd", "slapadd")
	if o.CA == nil {
		o.CA = NewCA(t)
	}
	if o.Cert == (Cert{}) {
		o.Cert = o.CA.Issue(t, CertRequest{})
	}
	s := &Slapd{folder: t.TempDir(), CAFile: o.CA.File, Port: FreePort(t), LDAPSPort: FreePort(t), level: "stats"}
	if o.Quiet {
		s.level = "0"
	}
	s.URL = "ldap://" + address("127.0.0.1", s.Port)
	s.LDAPSURL = "ldaps://" + address("127.0.0.1", s.LDAPSPort)
	if err := os.Mkdir(s.path("db"), 0o700); err != nil {
		t.Fatal(err)
	}
	var conf strings.Builder
	if err := slapdConf.Execute(&conf, map[string]any{"Dir": s.folder, "O": o}); err != nil {
		t.Fatal(err)
	}
	write(t, s.path("slapd.conf"), conf.String())
	data := slapdData(o)
	if o.Of != nil {
		Need(t, "slapcat")
		data = run(t, "slapcat", "-f", o.Of.path("slapd.conf"), "-b", SlapdBase)
	}
	write(t, s.path("data.ldif"), data)
	run(t, "slapadd", "-q", "-f", s.path("slapd.conf"), "-b", SlapdBase, "-l", s.path("data.ldif"))
	s.Start(t)
	t.Cleanup(s.Stop)
	return s
}

func (s *Slapd) path(name string) string { return filepath.Join(s.folder, name) }

// Start starts it (again), at the same ports.
func (s *Slapd) Start(t testing.TB) {
	t.Helper()
	urls := s.URL + " " + s.LDAPSURL
	s.p = start(t, &s.log, "slapd", "-f", s.path("slapd.conf"), "-h", urls, "-d", s.level)
	// It begins to listen at one after the other.
	plain, secured := listens(address("127.0.0.1", s.Port)), listens(address("127.0.0.1", s.LDAPSPort))
	s.p.until(t, "slapd", func() bool { return plain() && secured() })
}

// Stop ends it; a second Stop does nothing.
func (s *Slapd) Stop() { s.p.stop() }

// Pause stops it from running without closing anything; Continue goes on.
func (s *Slapd) Pause() { s.p.pause() }

// Continue ends a Pause.
func (s *Slapd) Continue() { s.p.signal(syscall.SIGCONT) }

// Log is what it has printed so far: connections, operations, results.
func (s *Slapd) Log() string { return s.log.String() }

// Search returns attributes of an entry as LDIF, as its administrator sees them.
func (s *Slapd) Search(t testing.TB, dn string, attributes ...string) string {
	t.Helper()
	Need(t, "ldapsearch")
	return run(t, "ldapsearch", append([]string{
		"-x", "-LLL", "-H", s.URL, "-D", SlapdAdminDN, "-w", SlapdAdmin, "-s", "base", "-b", dn, "(objectClass=*)",
	}, attributes...)...)
}

// Modify changes entries by LDIF, as its administrator.
func (s *Slapd) Modify(t testing.TB, changes string) {
	t.Helper()
	Need(t, "ldapmodify")
	file := filepath.Join(t.TempDir(), "changes.ldif")
	write(t, file, changes)
	run(t, "ldapmodify", "-x", "-H", s.URL, "-D", SlapdAdminDN, "-w", SlapdAdmin, "-f", file)
}

// Pid is its process, for measurements.
func (s *Slapd) Pid() int { return s.p.cmd.Process.Pid }

// UserDN is the name of one of its people.
func UserDN(uid string) string { return "uid=" + uid + "," + SlapdPeople }

// GroupDN is the name of one of its groups.
func GroupDN(cn string) string { return "cn=" + cn + "," + SlapdGroups }

var slapdConf = template.Must(template.New("slapd.conf").Parse(`
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
pidfile {{.Dir}}/slapd.pid
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
moduleload memberof
moduleload refint
{{if not .O.NoTLS -}}
TLSCACertificateFile {{.O.CA.File}}
TLSCertificateFile {{.O.Cert.CertFile}}
TLSCertificateKeyFile {{.O.Cert.KeyFile}}
TLSVerifyClient never
TLSProtocolMin 3.3
{{end -}}
{{if .O.Lenient}}allow bind_anon_cred bind_anon_dn
{{end -}}
sizelimit 5000
{{.O.Config}}
database mdb
maxsize 268435456
dbnosync
suffix dc=example,dc=test
rootdn cn=admin,dc=example,dc=test
rootpw admin
directory {{.Dir}}/db
index objectClass,uid,cn,mail,memberOf,member,memberUid eq
access to attrs=userPassword {{if .O.ChangePasswords}}by dn.exact="cn=svc,dc=example,dc=test" =xw {{end}}by anonymous auth by self write by * none
access to * by dn.exact="cn=svc,dc=example,dc=test" read by self read by * none
overlay ppolicy
ppolicy_default cn=default,ou=policies,dc=example,dc=test
ppolicy_use_lockout
overlay memberof
memberof-group-oc groupOfNames
memberof-refint TRUE
overlay refint
refint_attributes member
`))

// ldif collects entries.
type ldif struct{ strings.Builder }

func (l *ldif) entry(dn string, lines ...string) {
	fmt.Fprintf(l, "dn: %s\n%s\n\n", dn, strings.Join(lines, "\n"))
}

// user adds a person; slapadd runs no overlay, so memberOf is written here.
func (l *ldif) user(branch, uid, password string, n int, more ...string) {
	lines := []string{
		"objectClass: inetOrgPerson", "uid: " + uid, "cn: User " + uid, "sn: " + uid,
		fmt.Sprintf("mobile: +1555%07d", n),
	}
	if password != "" {
		lines = append(lines, "userPassword: "+ssha(password))
	}
	if !slices.ContainsFunc(more, func(s string) bool { return strings.HasPrefix(s, "mail:") }) {
		lines = append(lines, "mail: "+uid+"@example.test")
	}
	l.entry("uid="+uid+","+branch, append(lines, more...)...)
}

func ssha(password string) string {
	salt := rand.Text()[:8]
	sum := sha1.Sum([]byte(password + salt))
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

func slapdData(o SlapdOptions) string {
	var l ldif
	l.entry(SlapdBase, "objectClass: dcObject", "objectClass: organization", "o: Example", "dc: example")
	for _, ou := range []string{"people", "groups", "policies"} {
		l.entry("ou="+ou+","+SlapdBase, "objectClass: organizationalUnit", "ou: "+ou)
	}
	l.entry("ou=branch,"+SlapdPeople, "objectClass: organizationalUnit", "ou: branch")
	l.entry(SlapdBindDN, "objectClass: organizationalRole", "objectClass: simpleSecurityObject",
		"cn: svc", "userPassword: "+ssha(SlapdPassword))
	for name, own := range map[string]string{
		"default":    "pwdMaxAge: 0",
		"expire":     "pwdMaxAge: 1\npwdExpireWarning: 0\npwdGraceAuthNLimit: 0",
		"yearly":     "pwdMaxAge: 31536000\npwdInHistory: 3",
		"mustchange": "pwdMaxAge: 0\npwdMustChange: TRUE",
	} {
		l.entry("cn="+name+",ou=policies,"+SlapdBase, "objectClass: device", "objectClass: pwdPolicy", "cn: "+name,
			"pwdAttribute: userPassword", "pwdLockout: TRUE", "pwdLockoutDuration: 300", fmt.Sprint("pwdMaxFailure: ", SlapdLocksAfter),
			"pwdFailureCountInterval: 300", "pwdCheckQuality: 1", "pwdMinLength: 5", "pwdAllowUserChange: TRUE", own)
	}
	policy := func(name string) string { return "pwdPolicySubentry: cn=" + name + ",ou=policies," + SlapdBase }
	l.user(SlapdPeople, "alice", UserPassword, 1, "telephoneNumber: +15559999999", "memberOf: "+GroupDN("vpn"))
	l.user(SlapdPeople, "bob", UserPassword, 2, "preferredLanguage: de", "mobile: +447400123456")
	l.user(SlapdPeople, "umlaut", UmlautPassword, 3)
	l.user(SlapdPeople, "expired", UserPassword, 4, "pwdChangedTime: 20200101000000Z", policy("expire"))
	l.user(SlapdPeople, "outdated", UserPassword, 13, "pwdChangedTime: 20200101000000Z", policy("yearly"))
	l.user(SlapdPeople, "reset", UserPassword, 5, "pwdReset: TRUE", policy("mustchange"))
	l.user(SlapdPeople, "lockme", UserPassword, 6)
	l.user(SlapdPeople, "nopassword", "", 7)
	l.user(SlapdPeople, "twin", UserPassword, 8)
	l.user("ou=branch,"+SlapdPeople, "twin", UserPassword, 9)
	l.user(SlapdPeople, "mailtwin1", UserPassword, 10, "mail: shared@example.test")
	l.user(SlapdPeople, "mailtwin2", UserPassword, 11, "mail: shared@example.test")
	for i := range o.Bulk {
		l.user(SlapdPeople, fmt.Sprintf("user%04d", i), UserPassword, 1000+i)
	}
	group := func(cn string, lines ...string) {
		l.entry(GroupDN(cn), append([]string{"objectClass: groupOfNames", "cn: " + cn}, lines...)...)
	}
	group("vpn", "member: "+UserDN("alice"), "memberOf: "+GroupDN("staff"))
	group("staff", "member: "+GroupDN("vpn"), "member: "+GroupDN("everybody"), "memberOf: "+GroupDN("everybody"))
	group("everybody", "member: "+GroupDN("staff"), "memberOf: "+GroupDN("staff"))
	l.entry(GroupDN("posix"), "objectClass: posixGroup", "cn: posix", "gidNumber: 100", "memberUid: alice")
	var of []string
	for i := range o.ManyGroups {
		cn := fmt.Sprintf("g%04d", i)
		group(cn, "member: "+UserDN("many"))
		of = append(of, "memberOf: "+GroupDN(cn))
	}
	if o.ManyGroups > 0 {
		l.user(SlapdPeople, "many", UserPassword, 12, of...)
	}
	return l.String() + o.Data
}
