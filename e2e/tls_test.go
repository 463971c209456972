package e2e_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// A password is told only to a directory that proved who it is (S-21).
func TestADirectoryThatCannotProveWhoItIsGetsNoPassword(t *testing.T) {
	ca := func(t *testing.T) *peer.CA { t.Helper(); return peer.NewCA(t) }
	for _, test := range []struct {
		name  string
		slapd func(t *testing.T) peer.SlapdOptions
		ldap  func(text string, d *peer.Slapd) string
	}{
		{"a certificate for another name", func(t *testing.T) peer.SlapdOptions {
			t.Helper()
			a := ca(t)
			return peer.SlapdOptions{CA: a, Cert: a.Issue(t, peer.CertRequest{Hosts: []string{"other.example.test"}})}
		}, nil},
		{"a certificate that has ended", func(t *testing.T) peer.SlapdOptions {
			t.Helper()
			a := ca(t)
			return peer.SlapdOptions{CA: a, Cert: a.Issue(t, peer.CertRequest{NotAfter: time.Now().Add(-time.Hour)})}
		}, nil},
		{"a certificate of somebody else", func(t *testing.T) peer.SlapdOptions {
			t.Helper()
			return peer.SlapdOptions{Cert: ca(t).Issue(t, peer.CertRequest{})}
		}, nil},
		{"no StartTLS", func(*testing.T) peer.SlapdOptions { return peer.SlapdOptions{NoTLS: true} }, func(text string, d *peer.Slapd) string {
			return strings.Replace(text, "\""+d.LDAPSURL+"\"]", "\""+d.URL+"\"]\nstarttls = true", 1)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			slapd := peer.StartSlapd(t, test.slapd(t))
			ldap := server.LDAP(slapd)
			if test.ldap != nil {
				ldap = test.ldap(ldap, slapd)
			}
			site := server.New(t, server.Config{LDAP: ldap, More: "\n[[rule]]\nclients = [\"vpn\"]\nsecond_factor = \"none\"\n"})
			d := site.Start(t)
			c := d.Client()
			c.Timeout = 3 * time.Second
			if reply, err := c.Do(t.Context(), client.Request{User: "alice", Password: peer.UserPassword}); !errors.Is(err, client.ErrNoReply) {
				t.Errorf("got %v, %v, want silence", reply.Code, err)
			}
			if strings.Contains(slapd.Log(), "BIND dn=") {
				t.Error("a password was told")
			}
			if r := site.Run(t, "", "check"); r.Code != 69 || !strings.Contains(r.Stdout, "FAILED") {
				t.Errorf("portvakt check: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
			}
			d.AwaitLog(t, `"outcome":"error"`)
		})
	}
}

func TestTheDirectoryOverStartTLS(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	ldap := strings.Replace(server.LDAP(slapd), slapd.LDAPSURL+"\"]", slapd.URL+"\"]\nstarttls = true", 1)
	d := server.New(t, server.Config{LDAP: ldap, More: "\n[[rule]]\nclients = [\"vpn\"]\nsecond_factor = \"none\"\n"}).Start(t)
	d.Admit(t, "alice", peer.UserPassword)
	d.Refuse(t, "alice", "wrong")
	if !strings.Contains(slapd.Log(), "STARTTLS") && !strings.Contains(slapd.Log(), "TLS established") {
		t.Error("the directory saw no StartTLS")
	}
}

// Passwords in clear are an administrator's decision, told at each start.
func TestWithoutTLSOnlyWhenToldTo(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{NoTLS: true})
	ldap := strings.Replace(server.LDAP(slapd), slapd.LDAPSURL+"\"]", slapd.URL+"\"]\ninsecure = true", 1)
	d := server.New(t, server.Config{LDAP: ldap, More: "\n[[rule]]\nclients = [\"vpn\"]\nsecond_factor = \"none\"\n"}).Start(t)
	d.Admit(t, "alice", peer.UserPassword)
	d.AwaitLog(t, `"level":"WARN"`, "clear")
}
