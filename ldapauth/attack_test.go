package ldapauth

import (
	"crypto/rand"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// logged is what a server has logged, up to and with a search that d makes now:
// its log comes through a pipe, a moment later.
func logged(t testing.TB, d *Directory, s *peer.Slapd) string {
	t.Helper()
	mark := strings.ToLower(rand.Text())
	_, _ = d.Lookup(t.Context(), mark, 0)
	eventually(t, 5*time.Second, "the log has the last search", func() bool { return strings.Contains(s.Log(), mark) })
	return s.Log()
}

// Requirement S-18: a server that takes a bind without a name says yes to any
// password. No entry and no account makes us send one.
func TestS18NobodyIsNotBoundAs(t *testing.T) {
	t.Parallel()
	t.Run("OpenLDAP", func(t *testing.T) {
		t.Parallel()
		s := peer.StartSlapd(t, peer.SlapdOptions{Lenient: true})
		attack, err := ldap.DialURL(s.URL)
		if err != nil {
			t.Fatal(err)
		}
		defer attack.Close()
		if err := attack.Bind("", "anything"); err != nil {
			t.Fatalf("the server does not do what is tested: %v", err)
		}
		d := open(t, slapdConfig(s))
		for _, a := range []login.Account{{ID: "x"}, {ID: "x", Name: "alice"}, {ID: "x", DN: " "}} {
			if got := outcome(d.Verify(t.Context(), a, login.Cleartext("anything"))); got != "undecided" {
				t.Errorf("%+v: got %s, want undecided", a, got)
			}
		}
		if got := outcome(d.Verify(t.Context(), login.Account{}, login.Cleartext("anything"))); got != "bad_password" {
			t.Errorf("nobody: got %s, want bad_password", got)
		}
		if n := strings.Count(logged(t, d, s), `BIND dn="" method`); n != 1 {
			t.Errorf("%d binds without a name, want the test's own", n)
		}
	})
	t.Run("an entry without a name", func(t *testing.T) {
		t.Parallel()
		f := startFake(t, func(op byte, id int32, _ reader) []byte {
			if op == opSearchRequest {
				return append(entryOf(id, "", "entryUUID", "x", "uid", "alice"), reply(id, opSearchDone, 0, "")...)
			}
			return reply(id, opBindResponse, 0, "") // yes to everybody
		})
		d := open(t, fakeConfig(f))
		a, err := d.Lookup(t.Context(), "alice", 0)
		if err == nil {
			err = d.Verify(t.Context(), a, login.Cleartext("anything"))
		}
		if got := outcome(err); got != "undecided" {
			t.Errorf("got %s, want undecided", got)
		}
	})
}

// Requirement S-22: a referral is a place to take a password to. It is never
// gone to, and never taken for "wrong password", which would count.
func TestS22ReferralsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var visits atomic.Int64
	attacker, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := attacker.Accept()
			if err != nil {
				return
			}
			visits.Add(1)
			_ = nc.Close()
		}
	}()
	url := "ldap://" + attacker.Addr().String() + "/" + fakeAlice
	referral := func(id int32, op byte, code int32) []byte {
		var w writer
		m := w.begin(tagSequence)
		w.integer(tagInteger, id)
		o := w.begin(op)
		w.integer(tagEnumerated, code)
		w.text(tagOctets, "")
		w.text(tagOctets, "go there")
		r := w.begin(tagReferral)
		w.text(tagOctets, url)
		w.end(r)
		w.end(o)
		w.end(m)
		return w.b
	}
	for _, row := range []struct {
		name string
		op   byte // that is answered so, all others sanely
		send func(id int32) []byte
	}{
		{"a search", opSearchRequest, func(id int32) []byte { return referral(id, opSearchDone, 10) }},
		{"a search, as LDAPv2 did", opSearchRequest, func(id int32) []byte { return referral(id, opSearchDone, 9) }},
		{"a search that found her", opSearchRequest, func(id int32) []byte {
			return append(entryOf(id, fakeAlice, "entryUUID", "x"), referral(id, opSearchDone, 10)...)
		}},
		{"a reference beside her", opSearchRequest, func(id int32) []byte {
			return append(append(reference(id, url), entryOf(id, fakeAlice, "entryUUID", "x")...), reply(id, opSearchDone, 0, "")...)
		}},
		{"a bind", opBindRequest, func(id int32) []byte { return referral(id, opBindResponse, 10) }},
		{"a bind, as LDAPv2 did", opBindRequest, func(id int32) []byte { return referral(id, opBindResponse, 9) }},
	} {
		f := startFake(t, func(op byte, id int32, body reader) []byte {
			if op == row.op && !isService(op, body) {
				return row.send(id)
			}
			return sane(op, id, body)
		})
		d := open(t, fakeConfig(f))
		a, err := d.Lookup(t.Context(), "alice", 0)
		if err == nil {
			err = d.Verify(t.Context(), a, login.Cleartext("secret"))
		}
		if got := outcome(err); got != "undecided" {
			t.Errorf("%s: got %s (%v), want undecided", row.name, got, err)
		}
	}
	_ = attacker.Close()
	<-done
	if n := visits.Load(); n != 0 {
		t.Errorf("the attacker's host was visited %d times", n)
	}
}

// Requirement S-25: a password is octets to a directory. One that is no UTF-8
// cannot be right and is not sent, where it would count against the person; one
// that is goes as it came.
func TestS25PasswordsInOtherCharacterSets(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	d := open(t, slapdConfig(s))
	umlaut := lookup(t, d, "umlaut")
	for _, row := range []struct{ name, password, want string }{
		{"as it was set", peer.UmlautPassword, "yes"},
		{"in another normal form", norm.NFD.String(peer.UmlautPassword), "bad_password"},
		{"in Latin-1", "p\xe4ssw\xf6rd", "password_not_utf8"},
		{"in UTF-16", "p\x00\xe4\x00s\x00s\x00", "password_not_utf8"},
		{"with a surrogate", "p\xed\xa0\x80ss", "password_not_utf8"},
		{"overlong", "p\xc1\xa1ss", "password_not_utf8"},
	} {
		if got := outcome(d.Verify(t.Context(), umlaut, login.Cleartext(row.password))); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	if n := strings.Count(logged(t, d, s), `BIND dn="uid=umlaut,`+peer.SlapdPeople+`" method`); n != 2 {
		t.Errorf("%d binds, want those of the two that are UTF-8", n)
	}
}
