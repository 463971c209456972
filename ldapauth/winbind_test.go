package ldapauth

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// peerProof is what the person's system has sent.
type peerProof struct {
	proof
	*mschaptest.Peer
	key [16]byte
}

func (p *peerProof) NTResponse() (challenge [8]byte, response [24]byte) {
	return p.ChallengeHash(), p.Peer.NTResponse()
}
func (*peerProof) Matches([16]byte) bool { return false }
func (p *peerProof) Proven(key [16]byte) { p.key = key }

// peerChange is what it has sent to change the password.
type peerChange struct {
	peerProof
	old string
}

func (p *peerChange) NTBlobs() (password [516]byte, hash [16]byte) {
	attrs := mschaptest.Microsoft(p.Change(p.old))
	copy(hash[:], attrs[27][2:])
	return [516]byte(mschaptest.EncryptPassword(p.Password, mschaptest.NTHash(p.old))), hash
}

// S-24 by MS-CHAPv2: an Active Directory decides, by Samba's winbindd and
// ntlm_auth as they are.
func TestS24ActiveDirectoryByMSCHAPv2(t *testing.T) {
	s, ntlmAuth := peer.StartWinbind(t)
	c := sambaConfig(s)
	c.NTLMAuth, c.NTLMDomain = ntlmAuth, peer.SambaDomain
	d := open(t, c)
	if err := d.TryDomain(t.Context()); err != nil {
		t.Fatal(err)
	}
	try := func(name, password string) (*peerProof, error) {
		p := &peerProof{Peer: mschaptest.New(name, password)}
		return p, d.Verify(t.Context(), lookup(t, d, name), p)
	}
	for _, row := range []struct{ name, password, want string }{
		{"alice", peer.SambaUserPassword, "yes"},
		{`ADEX\alice`, peer.SambaUserPassword, "yes"},
		{"alice@" + peer.SambaRealm, peer.SambaUserPassword, "yes"},
		{"bob", "wrong", "bad_password"},
		{"expired", peer.SambaUserPassword, "password_expired"},
		{"expired", "wrong", "bad_password"},
		{"mustchange", peer.SambaUserPassword, "password_must_change"},
		{"disabled", peer.SambaUserPassword, "account_disabled"},
		{"disabled", "wrong", "bad_password"},
		{"acctexp", peer.SambaUserPassword, "account_expired"},
	} {
		p, err := try(row.name, row.password)
		if got := outcome(err); got != row.want {
			t.Errorf("%s: got %s (%v), want %s", row.name, got, err, row.want)
		}
		// The controller's session key is the MD4 of the hash, from which all
		// else comes.
		want := [16]byte{}
		if row.want == "yes" {
			want = mschaptest.SessionKey(row.password)
		}
		if p.key != want {
			t.Errorf("%s: session key %x, want %x", row.name, p.key, want)
		}
	}
	for range 3 {
		_, _ = try("locked", "wrong")
	}
	if _, err := try("locked", peer.SambaUserPassword); outcome(err) != "locked_by_directory" {
		t.Errorf("after three wrong passwords: %v", err)
	}
	change := func(name, old, fresh string) error {
		return d.ChangeNTPassword(t.Context(), lookup(t, d, name), &peerChange{peerProof{Peer: mschaptest.New(name, fresh)}, old})
	}
	for _, row := range []struct{ name, old, fresh, want string }{
		{"expired", "wrong", "Long3nough!", "bad_password"},
		{"expired", peer.SambaUserPassword, "aB3!", "new_password_refused"},
		{"expired", peer.SambaUserPassword, "Long3nough!\u20ac", "yes"},
		{"mustchange", peer.SambaUserPassword, "Long3nough!\u20ac", "yes"},
		{"locked", peer.SambaUserPassword, "Long3nough!", "locked_by_directory"},
	} {
		if err := change(row.name, row.old, row.fresh); outcome(err) != row.want {
			t.Errorf("%s from %s to %s: got %s (%v), want %s", row.name, row.old, row.fresh, outcome(err), err, row.want)
		}
	}
	for _, name := range []string{"expired", "mustchange"} {
		if _, err := try(name, "Long3nough!\u20ac"); err != nil {
			t.Errorf("%s with the new password: %v", name, err)
		}
	}
	nt, _ := try("bob", peer.SambaUserPassword)
	if got := outcome(d.Verify(t.Context(), login.Account{}, nt)); got != "bad_password" {
		t.Errorf("nobody: got %s", got)
	}
	alice := lookup(t, d, "alice")
	s.Stop()
	if err := d.Verify(t.Context(), alice, nt); outcome(err) != "undecided" {
		t.Errorf("without the controller: %v", err)
	}
}
