package peer

import (
	"archive/tar"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"text/template"
	"unicode/utf16"
)

// What every Samba of a test has.
const (
	SambaBase     = "DC=ad,DC=example,DC=test"
	SambaPeople   = "CN=Users," + SambaBase
	SambaRealm    = "ad.example.test"
	SambaDomain   = "ADEX"
	SambaBindDN   = "CN=svc," + SambaPeople
	SambaPassword = "svcpass12"
	// SambaAdminPassword is that of administrator, SambaAdminDN.
	SambaAdminPassword = "Passw0rd!x"
	SambaAdminDN       = "CN=Administrator," + SambaPeople
	// SambaUserPassword is everybody's password.
	SambaUserPassword = "secret12"
)

// A Samba is an Active Directory domain controller with the people alice
// (in staff, which is in vpn-users), bob, expired, disabled, mustchange,
// locked (as everybody after three wrong passwords) and acctexp. A password has
// six characters at least; a policy of mustchange's own wants nine of three
// kinds. There are settings for passwords of nobody, too, which lock after two
// and which only SambaAdminDN sees.
type Samba struct {
	// URL and LDAPSURL are its addresses, CAFile what signed its certificate.
	// Without TLS it refuses binds with passwords.
	URL, LDAPSURL, CAFile string

	p   *process
	log Output
}

// provisioned is the domain as it was made first: making it takes seconds, so
// that it is done once in a test program.
var provisioned struct {
	sync.Once
	domain []byte // tar
}

// sambas is how many this program has started.
var sambas atomic.Int32

// StartSamba starts a controller that ends with the test. It needs root: its
// ports are 389 and 636, on an address that depends on this process and on how
// many it has started, so that tests do not meet.
func StartSamba(t testing.TB) *Samba {
	t.Helper()
	return startSamba(t, "ldap")
}

func startSamba(t testing.TB, services string) *Samba {
	t.Helper()
	Need(t, "samba", "samba-tool", systemPython)
	NeedRoot(t)
	pid := os.Getpid()
	host := fmt.Sprintf("127.%d.%d.%d", 83+sambas.Add(1)%100, pid>>8&0xff, pid&0xff|1)
	provisioned.Do(func() { provision(t, host) })
	if provisioned.domain == nil {
		t.Fatal("the domain could not be provisioned in an earlier test")
	}
	folder := filepath.Join(t.TempDir(), "dc")
	unpack(t, provisioned.domain, folder)
	ca := NewCA(t)
	cert := ca.Issue(t, CertRequest{Name: "dc1." + SambaRealm, Hosts: []string{"dc1." + SambaRealm, host}})
	var conf strings.Builder
	if err := sambaConf.Execute(&conf, map[string]any{"Dir": folder, "Host": host, "Cert": cert, "Realm": SambaRealm, "Services": services}); err != nil {
		t.Fatal(err)
	}
	s := &Samba{URL: "ldap://" + host, LDAPSURL: "ldaps://" + host, CAFile: ca.File}
	path := write(t, filepath.Join(folder, "etc", "smb.conf"), conf.String())
	s.p = start(t, &s.log, "samba", "-F", "--no-process-group", "--debug-stdout", "-s", path)
	t.Cleanup(s.Stop)
	s.p.until(t, "samba", listens(host+":636"))
	return s
}

// Stop ends it; a second Stop does nothing.
func (s *Samba) Stop() { s.p.stop() }

// Pause stops it from running without closing anything; Continue goes on.
func (s *Samba) Pause() { s.p.pause() }

// Continue ends a Pause.
func (s *Samba) Continue() { s.p.signal(syscall.SIGCONT) }

// LockOut has the controller lock a person, by wrong passwords from elsewhere.
func (s *Samba) LockOut(t testing.TB, user string) {
	t.Helper()
	Need(t, "ldapwhoami")
	for range 3 { // as the domain's policy has it
		c := exec.Command(find("ldapwhoami"), "-x", "-H", s.LDAPSURL, "-D", user+"@"+SambaRealm, "-w", "wrong")
		c.Env = append(os.Environ(), "LDAPTLS_CACERT="+s.CAFile)
		out, err := c.CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("data 52e")) {
			t.Fatalf("a wrong password of %s: %v\n%s", user, err, out)
		}
	}
}

// SetPassword gives somebody another password, as the administrator.
func (s *Samba) SetPassword(t testing.TB, user, password string) {
	t.Helper()
	Need(t, "ldapmodify")
	var quoted []byte // MS-ADTS, section 3.1.1.3.1.5.1
	for _, c := range utf16.Encode([]rune(`"` + password + `"`)) {
		quoted = append(quoted, byte(c), byte(c>>8))
	}
	file := write(t, filepath.Join(t.TempDir(), "password.ldif"), "dn: "+SambaUserDN(user)+
		"\nchangetype: modify\nreplace: unicodePwd\nunicodePwd:: "+base64.StdEncoding.EncodeToString(quoted)+"\n")
	c := exec.Command(find("ldapmodify"), "-x", "-H", s.LDAPSURL, "-D", SambaAdminDN, "-w", SambaAdminPassword, "-f", file)
	c.Env = append(os.Environ(), "LDAPTLS_CACERT="+s.CAFile)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("set the password of %s: %v\n%s", user, err, out)
	}
}

// Log is what it has printed so far.
func (s *Samba) Log() string { return s.log.String() }

// systemPython has Samba's modules; another python3 may come first in PATH.
const systemPython = "/usr/bin/python3"

// SambaUserDN is the name of one of its people or groups.
func SambaUserDN(cn string) string { return "CN=" + cn + "," + SambaPeople }

func provision(t testing.TB, host string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "dc")
	run(t, "samba-tool", "domain", "provision", "--targetdir="+folder, "--realm="+strings.ToUpper(SambaRealm),
		"--domain="+SambaDomain, "--server-role=dc", "--dns-backend=NONE", "--adminpass="+SambaAdminPassword, "--host-name=dc1",
		"--host-ip="+host, "--option=bind interfaces only=yes", "--option=interfaces="+host+"/8")
	run(t, systemPython, write(t, filepath.Join(t.TempDir(), "people.py"), sambaPeople), folder)
	packed, err := pack(folder)
	if err != nil {
		t.Fatal(err)
	}
	provisioned.domain = packed
}

var sambaConf = template.Must(template.New("smb.conf").Parse(`[global]
	netbios name = DC1
	realm = {{.Realm}}
	workgroup = ADEX
	server role = active directory domain controller
	server services = {{.Services}}
	dcerpc endpoint servers = epmapper, samr, lsarpc, netlogon, drsuapi, dssetup
	ntlm auth = mschapv2-and-ntlmv2-only
	bind interfaces only = yes
	interfaces = {{.Host}}/8
	private dir = {{.Dir}}/private
	lock directory = {{.Dir}}
	state directory = {{.Dir}}/state
	cache directory = {{.Dir}}/cache
	binddns dir = {{.Dir}}/bind-dns
	pid directory = {{.Dir}}
	ncalrpc dir = {{.Dir}}/ncalrpc
	ntp signd socket directory = {{.Dir}}/ntp_signd
	log file = {{.Dir}}/log.samba
	log level = 1
	tls enabled = yes
	tls keyfile = {{.Cert.KeyFile}}
	tls certfile = {{.Cert.CertFile}}
	tls cafile =
`))

// sambaPeople writes into the database of a controller that does not run. The
// control is Samba's own, without which pwdLastSet cannot be put into the past.
const sambaPeople = `
import sys, time
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.auth import system_session
import ldb

def filetime(days):
    return str(int((time.time() - 86400 * days + 11644473600) * 10**7))

lp = LoadParm()
lp.load(sys.argv[1] + '/etc/smb.conf')
s = SamDB(sys.argv[1] + '/private/sam.ldb', session_info=system_session(), lp=lp)

def change(dn, control=None, **values):
    m = ldb.Message(dn)
    for k, v in values.items():
        m[k] = ldb.MessageElement(v, ldb.FLAG_MOD_REPLACE, k)
    s.modify(m, controls=[control] if control else [])

def person(name):
    return s.search(expression='sAMAccountName=' + name, attrs=['dn'])[0].dn

change(ldb.Dn(s, str(s.domain_dn())), pwdProperties='0', minPwdLength='6', minPwdAge='0', lockoutThreshold='3',
       maxPwdAge=str(-42 * 86400 * 10**7), lockoutDuration=str(-1800 * 10**7), lockOutObservationWindow=str(-1800 * 10**7))
for u in 'alice bob expired disabled mustchange locked acctexp svc'.split():
    s.newuser(u, 'svcpass12' if u == 'svc' else 'secret12', mailaddress=u + '@example.test', telephonenumber='+15550001')
change(person('svc'), userAccountControl=str(0x10200))
change(person('disabled'), userAccountControl=str(0x202))
change(person('mustchange'), pwdLastSet='0')
change(person('acctexp'), accountExpires=filetime(1))
change(person('expired'), 'local_oid:1.3.6.1.4.1.7165.4.3.12:1', pwdLastSet=filetime(100))
s.add({'dn': 'CN=strict,CN=Password Settings Container,CN=System,' + str(s.domain_dn()), 'objectClass': 'msDS-PasswordSettings',
       'msDS-PasswordSettingsPrecedence': '1', 'msDS-PasswordReversibleEncryptionEnabled': 'FALSE',
       'msDS-PasswordHistoryLength': '3', 'msDS-PasswordComplexityEnabled': 'TRUE', 'msDS-MinimumPasswordLength': '9',
       'msDS-MinimumPasswordAge': '0', 'msDS-MaximumPasswordAge': str(-42 * 86400 * 10**7), 'msDS-LockoutThreshold': '3',
       'msDS-LockoutObservationWindow': str(-1800 * 10**7), 'msDS-LockoutDuration': str(-1800 * 10**7),
       'msDS-PSOAppliesTo': str(person('mustchange'))})
for g in ('vpn-users', 'staff'):
    s.newgroup(g)
s.add_remove_group_members('vpn-users', ['staff'])
s.add_remove_group_members('staff', ['alice'])
s.add({'dn': 'CN=nobodys,CN=Password Settings Container,CN=System,' + str(s.domain_dn()), 'objectClass': 'msDS-PasswordSettings',
       'msDS-PasswordSettingsPrecedence': '1', 'msDS-PasswordReversibleEncryptionEnabled': 'FALSE',
       'msDS-PasswordHistoryLength': '0', 'msDS-PasswordComplexityEnabled': 'FALSE', 'msDS-MinimumPasswordLength': '6',
       'msDS-MinimumPasswordAge': '0', 'msDS-MaximumPasswordAge': '-9223372036854775808', 'msDS-LockoutThreshold': '2',
       'msDS-LockoutObservationWindow': str(-3600 * 10**7), 'msDS-LockoutDuration': str(-3600 * 10**7)})
`

// pack puts a folder into a tar in memory, without sockets.
func pack(folder string) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() && !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		h, err := tar.FileInfoHeader(info, "")
		if err != nil {
			return err
		}
		h.Name = name
		if err := w.WriteHeader(h); err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	})
	return b.Bytes(), errors.Join(err, w.Close())
}

// unpack makes a folder of what pack packed.
func unpack(t testing.TB, packed []byte, folder string) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(packed)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			path := filepath.Join(folder, h.Name)
			if h.FileInfo().IsDir() {
				err = os.MkdirAll(path, h.FileInfo().Mode().Perm())
			} else {
				content := make([]byte, h.Size)
				if _, err = io.ReadFull(r, content); err == nil {
					err = os.WriteFile(path, content, h.FileInfo().Mode().Perm())
				}
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{"ncalrpc", "cache"} {
		if err := os.MkdirAll(filepath.Join(folder, d), 0o750); err != nil {
			t.Fatal(err)
		}
	}
}
