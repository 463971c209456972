package ldapauth

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// Requirement S-21: a server that cannot prove who it is gets no password.
func TestS21ServersThatAreNotBelieved(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	good := peer.StartSlapd(t, peer.SlapdOptions{CA: ca})
	for _, row := range []struct {
		name  string
		slapd peer.SlapdOptions
		edit  func(*Config)
		says  string
	}{
		{"signed by a stranger", peer.SlapdOptions{CA: ca}, func(c *Config) { c.CA = peer.NewCA(t).File }, "unknown authority"},
		{"signed by a stranger, as the system sees it", peer.SlapdOptions{CA: ca}, func(c *Config) { c.CA = "" }, "unknown authority"},
		{"another name", peer.SlapdOptions{CA: ca, Cert: ca.Issue(t, peer.CertRequest{Hosts: []string{"other.test"}})}, func(*Config) {}, "other.test|doesn't contain any IP SANs"},
		{"another name than tls_server_name", peer.SlapdOptions{CA: ca}, func(c *Config) { c.TLSServerName = "dc1.example.test" }, "localhost"},
		{"expired", peer.SlapdOptions{CA: ca, Cert: ca.Issue(t, peer.CertRequest{NotAfter: time.Now().Add(-time.Hour)})}, func(*Config) {}, "expired"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := peer.StartSlapd(t, row.slapd)
			for _, url := range []string{s.LDAPSURL, s.URL} {
				c := slapdConfig(s)
				c.Servers, c.StartTLS = []string{url}, true
				c.Insecure = true // does not make StartTLS a suggestion
				row.edit(&c)
				d := open(t, c)
				err := d.Verify(t.Context(), login.Account{ID: "x", DN: peer.UserDN("alice")}, login.Cleartext(peer.UserPassword))
				says := slices.ContainsFunc(strings.Split(row.says, "|"), func(s string) bool { return strings.Contains(err.Error(), s) })
				if outcome(err) != "undecided" || !says {
					t.Errorf("%s: got %v, want %q", url, err, row.says)
				}
				if status := d.Check(t.Context())[0]; status.Err == nil || status.Expires.IsZero() {
					t.Errorf("%s: check says %+v", url, status)
				}
			}
			if strings.Contains(s.Log(), "BIND") {
				t.Error("a bind was sent")
			}
		})
	}
	t.Run("tls_server_name is the name that counts", func(t *testing.T) {
		c := slapdConfig(good)
		c.Servers, c.TLSServerName = []string{good.LDAPSURL}, "localhost"
		status := open(t, c).Check(t.Context())[0]
		if status.Err != nil || !strings.HasPrefix(status.TLS, "TLS 1.3") || time.Until(status.Expires) > 25*time.Hour || !status.Bound || !status.Base {
			t.Errorf("got %+v", status)
		}
	})
	t.Run("a server without TLS refuses StartTLS", func(t *testing.T) {
		s := peer.StartSlapd(t, peer.SlapdOptions{NoTLS: true})
		c := slapdConfig(s)
		c.Servers, c.StartTLS, c.Insecure = []string{s.URL}, true, true
		err := open(t, c).Verify(t.Context(), login.Account{ID: "x", DN: peer.UserDN("alice")}, login.Cleartext(peer.UserPassword))
		if !errors.Is(err, errStartTLS) || strings.Contains(s.Log(), "BIND") {
			t.Errorf("got %v, want %v", err, errStartTLS)
		}
	})
}

// Somebody between us and the server takes StartTLS out, or puts clear text
// behind its answer to have it read as protected.
func TestS21StartTLSStripped(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		send func(id int32) []byte
		want error
	}{
		{"refused", func(id int32) []byte { return reply(id, opExtendedResponse, 2, "unsupported extended operation") }, errStartTLS},
		{"referred", func(id int32) []byte { return reply(id, opExtendedResponse, 10, "") }, errStartTLS},
		{"followed by clear text", func(id int32) []byte {
			return slices.Concat(reply(id, opExtendedResponse, 0, ""), reply(id+1, opBindResponse, 0, ""))
		}, errInjected},
	} {
		f := startFake(t, func(_ byte, id int32, _ reader) []byte { return row.send(id) })
		c := fakeConfig(f)
		c.StartTLS = true
		err := open(t, c).Verify(t.Context(), fakeAccount, login.Cleartext("secret"))
		if !errors.Is(err, row.want) {
			t.Errorf("%s: got %v, want %v", row.name, err, row.want)
		}
		if ops := f.took(); !bytes.Equal(ops, []byte{opExtendedRequest}) {
			t.Errorf("%s: sent %x, want nothing but StartTLS", row.name, ops)
		}
	}
}
