package ldapauth

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// ntProof is a login.NTProof that knows one hash.
type ntProof struct {
	proof
	hash   [16]byte
	mu     sync.Mutex
	proven bool
}

func (*ntProof) NTResponse() (challenge [8]byte, response [24]byte) { return challenge, response }

func (p *ntProof) Matches(hash [16]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.proven = p.proven || hash == p.hash
	return hash == p.hash
}

func (p *ntProof) Proven([16]byte) { p.proven = true }

// The NT hash of "secret", and of nothing (MS-NLMP, section 4.2.2).
const (
	hashOfSecret = "878d8014606cda29677a44efa1353fc7"
	hashOfNone   = "31d6cfe0d16ae931b73c59d7e0c089c0"
)

func proofOf(t testing.TB, digits string) *ntProof {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return &ntProof{hash: [16]byte(b)}
}

// hashSchema are the attributes of Samba 3 and FreeIPA that matter here, with
// their numbers and syntaxes.
const hashSchema = `
attributetype ( 1.3.6.1.4.1.7165.2.1.25 NAME 'sambaNTPassword' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26{64} )
attributetype ( 1.3.6.1.4.1.7165.2.1.26 NAME 'sambaAcctFlags' EQUALITY caseIgnoreIA5Match SYNTAX 1.3.6.1.4.1.1466.115.121.1.26{16} SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.7165.2.1.27 NAME 'sambaPwdLastSet' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.7165.2.1.32 NAME 'sambaKickoffTime' EQUALITY integerMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 2.16.840.1.113730.3.8.11.15 NAME 'ipaNTHash' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
attributetype ( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock' SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 2.16.840.1.113719.1.301.4.36.1 NAME 'krbPasswordExpiration' SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE )
attributetype ( 2.16.840.1.113730.3.1.9999 NAME 'clearPassword' SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.7165.2.2.6 NAME 'hashed' SUP top AUXILIARY MAY ( sambaNTPassword $ sambaAcctFlags $ sambaPwdLastSet $
  sambaKickoffTime $ ipaNTHash $ nsAccountLock $ krbPasswordExpiration $ clearPassword ) )
`

// hashed is a person with more lines.
func hashed(uid string, lines ...string) string {
	entry := strings.Replace(person(uid, ""), "objectClass: ", "objectClass: hashed\nobjectClass: ", 1)
	return strings.TrimRight(entry, "\n") + "\n" + strings.Join(lines, "\n") + "\n\n"
}

func TestMSCHAPv2ByStoredHashes(t *testing.T) {
	t.Parallel()
	samba := "sambaNTPassword: " + strings.ToUpper(hashOfSecret)
	raw, err := hex.DecodeString(hashOfSecret)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []struct {
		attribute string
		rows      []struct{ uid, lines, want string }
	}{
		{"sambaNTPassword", []struct{ uid, lines, want string }{
			{"plain", samba + "\nsambaAcctFlags: [UX         ]\nsambaPwdLastSet: 1700000000", "yes"},
			{"lower", strings.ToLower("sambantpassword: " + hashOfSecret), "yes"},
			{"othername", "sambaNTPassword: 0CB6948805F797BF2A82807973B89537", "bad_password"},
			{"nohash", "sambaAcctFlags: [U]", "bad_password"},
			{"nopass", "sambaNTPassword: NO PASSWORDXXXXXXXXXXXXXXXXXXXXX", "bad_password"},
			{"short", "sambaNTPassword: 878D", "bad_password"},
			{"disabled", samba + "\nsambaAcctFlags: [DU]", "account_disabled"},
			{"autolock", samba + "\nsambaAcctFlags: [UL]", "locked_by_directory"},
			{"kicked", samba + "\nsambaKickoffTime: 1600000000", "account_expired"},
			{"tokick", samba + "\nsambaKickoffTime: 9000000000", "yes"},
			{"never", samba + "\nsambaKickoffTime: 0", "yes"},
			{"mustset", samba + "\nsambaPwdLastSet: 0", "password_must_change"},
			{"olcreset", samba + "\npwdReset: TRUE", "password_must_change"},
			{"olclock", samba + "\npwdAccountLockedTime: 20240101000000Z", "locked_by_directory"},
			{"two", samba + "\nsambaNTPassword: " + hashOfNone, "undecided"},
		}},
		{"ipaNTHash", []struct{ uid, lines, want string }{
			{"plain", "ipaNTHash:: " + base64.StdEncoding.EncodeToString(raw), "yes"},
			{"locked", "ipaNTHash:: " + base64.StdEncoding.EncodeToString(raw) + "\nnsAccountLock: TRUE", "account_disabled"},
			{"unlocked", "ipaNTHash:: " + base64.StdEncoding.EncodeToString(raw) + "\nnsAccountLock: FALSE\nkrbPasswordExpiration: 20990101000000Z", "yes"},
			{"overdue", "ipaNTHash:: " + base64.StdEncoding.EncodeToString(raw) + "\nkrbPasswordExpiration: 20200101000000Z", "password_expired"},
		}},
	} {
		t.Run(table.attribute, func(t *testing.T) {
			t.Parallel()
			var data strings.Builder
			for _, row := range table.rows {
				data.WriteString(hashed(row.uid, row.lines))
			}
			s := peer.StartSlapd(t, peer.SlapdOptions{Config: hashSchema, Data: data.String()})
			c := slapdConfig(s)
			c.Attributes.NTHash = table.attribute
			d := open(t, c)
			for _, row := range table.rows {
				a := lookup(t, d, row.uid)
				p := proofOf(t, hashOfSecret)
				err := d.Verify(t.Context(), a, p)
				if got := outcome(err); got != row.want {
					t.Errorf("%s: got %s (%v), want %s", row.uid, got, err, row.want)
				}
				if row.want == "yes" && !p.proven {
					t.Errorf("%s: the proof was not told", row.uid)
				}
				// Whoever has not the password learns nothing of the account.
				if got := outcome(d.Verify(t.Context(), a, proofOf(t, strings.Repeat("11", 16)))); got != "bad_password" && got != "undecided" {
					t.Errorf("%s with a wrong password: got %s", row.uid, got)
				}
				if strings.Contains(fmt.Sprintf("%v %#v", err, a), hashOfSecret[:8]) {
					t.Errorf("%s: the hash is in %v or %#v", row.uid, err, a)
				}
			}
			if got := outcome(d.Verify(t.Context(), login.Account{}, proofOf(t, hashOfSecret))); got != "bad_password" {
				t.Errorf("nobody: got %s", got)
			}
			// A bind goes on as before, and CHAP has nothing to go by.
			a := lookup(t, d, "plain")
			if got := outcome(d.Verify(t.Context(), a, login.Cleartext("secret"))); got != "yes" {
				t.Errorf("the password itself: got %s", got)
			}
			if got := outcome(d.Verify(t.Context(), a, proof{})); got != "method_not_allowed" {
				t.Errorf("CHAP: got %s", got)
			}
			s.Stop()
			if got := outcome(d.Verify(t.Context(), a, proofOf(t, hashOfSecret))); got != "undecided" {
				t.Errorf("a directory that is down: got %s", got)
			}
		})
	}
}

// textProof is what CHAP has: it can be compared with a text.
type textProof string

func (textProof) Reveal() (string, bool) { return "", false }
func (p textProof) Is(text string) bool  { return string(p) == text }

func TestCHAPByStoredPasswords(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{Config: hashSchema, Data: hashed("plain", "clearPassword: sec}ret") +
		hashed("marked", "clearPassword: {cleartext}secret") + hashed("hash", "clearPassword: {SSHA}abcdef") +
		hashed("off", "clearPassword: secret", "nsAccountLock: TRUE") + hashed("none")})
	c := slapdConfig(s)
	c.Attributes.Cleartext = "clearPassword"
	d := open(t, c)
	for _, row := range []struct{ uid, typed, want string }{
		{"plain", "sec}ret", "yes"},
		{"plain", "other", "bad_password"},
		{"marked", "secret", "yes"},
		{"hash", "abcdef", "undecided"},
		{"off", "secret", "account_disabled"},
		{"none", "secret", "bad_password"},
	} {
		if err := d.Verify(t.Context(), lookup(t, d, row.uid), textProof(row.typed)); outcome(err) != row.want {
			t.Errorf("%s, %s: got %v, want %s", row.uid, row.typed, err, row.want)
		}
	}
	if got := outcome(d.Verify(t.Context(), lookup(t, d, "plain"), proofOf(t, hashOfSecret))); got != "method_not_allowed" {
		t.Errorf("MS-CHAPv2: got %s", got)
	}
}

func TestStatesOfEntries(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, row := range []struct{ attribute, value, want string }{
		{"accountUnlockTime", "19700101000000Z", "locked_by_directory"},
		{"accountUnlockTime", "20260501115959Z", "yes"},
		{"accountUnlockTime", "20260501120001Z", "locked_by_directory"},
		{"KRBPRINCIPALEXPIRATION", "20260501120000.5Z", "account_expired"},
		{"krbPrincipalExpiration", "20260501120001Z", "yes"},
		{"passwordExpirationTime", "tomorrow", "undecided"},
		{"sambaKickoffTime", "x", "undecided"},
		{"nsAccountLock", "maybe", "account_disabled"},
		{"description", "locked", "yes"},
	} {
		s := accountState{now: now}
		err := s.note(row.attribute, []byte(row.value))
		if err == nil {
			err = s.refusal
		}
		if got := outcome(err); got != row.want {
			t.Errorf("%s %s: got %s, want %s", row.attribute, row.value, got, row.want)
		}
	}
}

func FuzzStoredSecrets(f *testing.F) {
	f.Add([]byte(hashOfSecret), "nsAccountLock", []byte("TRUE"))
	f.Add([]byte("{SSHA}x"), "accountUnlockTime", []byte("19700101000000Z"))
	f.Add([]byte("NO PASSWORDXXXXXXXXXXXXXXXXXXXXX"), "sambaKickoffTime", []byte("-1"))
	f.Fuzz(func(t *testing.T, stored []byte, attribute string, value []byte) {
		p := &ntProof{hash: [16]byte{1, 2, 3}}
		if ok, _ := matchesHash(p, stored); ok != p.proven {
			t.Error("a match that the proof does not know of")
		}
		if ok, _ := matchesText(textProof(""), stored); ok {
			t.Error("nothing is a password")
		}
		_ = (&accountState{}).note(attribute, value)
	})
}
