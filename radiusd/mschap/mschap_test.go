package mschap_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/mschap"
)

// What a person's system hashes is the name without domain and the password in
// UTF-16.
func TestProofsOfOtherNamesAndAlphabets(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ user, password string }{
		{"alice", "secret"},
		{`EXAMPLE\alice`, "secret"},
		{"alice@example.test", "secret"},
		{"zoë", "pässwörd"},
		{"alice", "пароль 密码 🔑"},
		{"alice", strings.Repeat("long", 30)},
	} {
		p := mschaptest.New(c.user, c.password)
		pr := proof(t, p)
		if !pr.Is(c.password) {
			t.Errorf("%s, %s: is not its password", c.user, c.password)
		}
		if pr.Kept() != nil {
			t.Errorf("%s: a session that nobody has decided on", c.user)
		}
		if pr.Matches(mschaptest.NTHash("other")) || pr.Kept() != nil {
			t.Errorf("%s: another hash matches", c.user)
		}
		if !pr.Matches(mschaptest.NTHash(c.password)) {
			t.Errorf("%s, %s: its hash does not match", c.user, c.password)
		}
		var s fmt.Stringer = pr
		if got := fmt.Sprintf("%v %+v %#v %s", pr, pr, pr, s); strings.Trim(strings.ReplaceAll(got, "[redacted]", ""), " ") != "" {
			t.Errorf("prints as %s", got)
		}
	}
}

// All proofs of one password have the same in common, once they were found right
// by whoever knows the hash or its MD4; a server that tells only keys of the
// session, and the key of a guest, tell nothing.
func TestWhatProofsOfOnePasswordHaveInCommon(t *testing.T) {
	t.Parallel()
	matched := func(user, password string) []byte {
		p := proof(t, mschaptest.New(user, password))
		if p.Lasting() != nil || p.Matches(mschaptest.NTHash("other")) || p.Lasting() != nil {
			t.Errorf("%s: told before it was found right", password)
		}
		p.Matches(mschaptest.NTHash(password))
		return p.Lasting()
	}
	one := matched("alice", "secret")
	if again := matched("alice", "secret"); len(one) == 0 || !bytes.Equal(one, again) {
		t.Errorf("got %x and then %x", one, again)
	}
	if other := matched("alice", "Secret"); bytes.Equal(one, other) {
		t.Error("another password has the same")
	}
	byDomain := proof(t, mschaptest.New("alice", "secret"))
	byDomain.Proven([16]byte(one))
	if !bytes.Equal(byDomain.Lasting(), one) {
		t.Error("a domain's yes has something else")
	}
	guest := proof(t, mschaptest.New("alice", "secret"))
	if guest.Proven([16]byte{}); guest.Lasting() != nil {
		t.Error("a key of nothing tells something")
	}
}

func TestOnlyOneWholeExchangeIsTaken(t *testing.T) {
	t.Parallel()
	p := mschaptest.New("alice", "secret")
	challenge := mschaptest.VSA(11, p.Challenge[:])
	response := mschaptest.Microsoft(p.Attributes())[25]
	changed := func(at int, b byte) []byte {
		c := bytes.Clone(response)
		c[at] = b
		return mschaptest.VSA(25, c)
	}
	whole := mschaptest.VSA(25, response)
	// RFC 2548, section 2: several of them in one attribute.
	together := append([]byte{26, 6 + 18 + 52, 0, 0, 1, 55}, append(challenge[6:], whole[6:]...)...)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, row := range []struct {
		name  string
		attrs []byte
		good  bool
	}{
		{"a whole one", join(challenge, whole), true},
		{"the other order", join(whole, challenge), true},
		{"both in one attribute", together, true},
		{"another vendor's beside it", join([]byte{26, 9, 0, 0, 0, 9, 25, 3, 0}, challenge, whole), true},
		{"no challenge", whole, false},
		{"no response", challenge, false},
		{"two challenges", join(challenge, challenge, whole), false},
		{"two responses", join(challenge, whole, whole), false},
		{"a challenge of 8 octets, as version 1 has", join(mschaptest.VSA(11, p.Challenge[:8]), whole), false},
		{"a response of 49 octets", join(challenge, mschaptest.VSA(25, response[:49])), false},
		{"flags", join(challenge, changed(1, 1)), false},
		{"a reserved octet", join(challenge, changed(18, 1)), false},
		{"the last reserved octet", join(challenge, changed(25, 0x80)), false},
		{"version 1 beside it", join(challenge, whole, mschaptest.VSA(1, make([]byte, 50))), false},
		{"an empty response", join(challenge, mschaptest.VSA(25, nil)), false},
		{"a length beyond the end", join(challenge, []byte{26, 10, 0, 0, 1, 55, 25, 52, 1, 2}), false},
		{"a length of nothing", join(challenge, []byte{26, 10, 0, 0, 1, 55, 25, 0, 1, 2}), false},
	} {
		f, err := mschap.Find(attributes(t, row.attrs))
		if err == nil {
			var pr *mschap.Proof
			if pr, err = f.Proof("alice"); err == nil && !pr.Is("secret") {
				t.Errorf("%s: not the proof", row.name)
			}
		}
		if (err == nil) != row.good {
			t.Errorf("%s: got %v", row.name, err)
		}
	}
}

func TestReplyRulesKeepTheirPolicy(t *testing.T) {
	t.Parallel()
	p := mschaptest.New("alice", "secret")
	pr := proof(t, p)
	pr.Matches(mschaptest.NTHash("secret"))
	s, err := mschap.ParseSession(pr.Kept())
	if err != nil {
		t.Fatal(err)
	}
	rule := append(mschaptest.VSA(7, []byte{0, 0, 0, 2}), mschaptest.VSA(8, []byte{0, 0, 0, 4})...)
	b, err := s.Attributes(rule, []byte("secret"), make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	if got := mschaptest.Microsoft(b); got[7] != nil || got[8] != nil {
		t.Errorf("policy %x and types %x a second time", got[7], got[8])
	}
	if err := p.Check(append(rule, b...), "secret", [16]byte{}); err != nil {
		t.Error(err)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		reason login.Reason
		want   string
	}{
		{login.ReasonBadPassword, "691"},
		{login.ReasonUnknownUser, "691"},
		{login.ReasonLocked, "691"},
		{login.ReasonLockedDirectory, "691"},
		{login.ReasonWrongCode, "691"},
		{login.ReasonNotEnrolled, "691"},
		{login.ReasonPasswordExpired, "648"},
		{login.ReasonMustChange, "648"},
		{login.ReasonDisabled, "647"},
		{login.ReasonAccountExpired, "647"},
		{login.ReasonHours, "646"},
		{login.ReasonPolicyDeny, "649"},
	} {
		got := mschaptest.Microsoft(mschap.Found{Ident: 9}.Failure(row.reason, "No."))[2]
		form := regexp.MustCompile(`^\x09E=` + row.want + ` R=0 C=[0-9A-F]{32} V=3 M=No\.$`)
		if !form.Match(got) {
			t.Errorf("%s: got %q", row.reason, got)
		}
	}
	long := mschap.Found{}.Failure(login.ReasonBadPassword, strings.Repeat("ä", 300))
	if got := mschaptest.Microsoft(long)[2]; len(long) > 255 || !utf8.Valid(got) || len(got) < 200 {
		t.Errorf("a long text: %q", got)
	}
	if got := mschaptest.Microsoft(mschap.Found{Change: true}.Failure(login.ReasonBadRequest, ""))[2]; !bytes.Contains(got, []byte("E=709 ")) || bytes.Contains(got, []byte("M=")) {
		t.Errorf("a change of the password: got %q", got)
	}
}

func TestWhatIsNoSessionIsNotParsed(t *testing.T) {
	t.Parallel()
	for _, b := range [][]byte{nil, make([]byte, 36), make([]byte, 38)} {
		if s, err := mschap.ParseSession(b); err == nil {
			t.Errorf("%d octets: got %+v", len(b), s)
		}
	}
}

func FuzzFind(f *testing.F) {
	p := mschaptest.New("alice", "secret")
	whole := p.Attributes()
	f.Add(whole)
	f.Add(append(mschaptest.VSA(27, make([]byte, 68)), mschaptest.VSA(6, make([]byte, 200))...))
	f.Add(p.Change("old"))
	f.Add([]byte{26, 10, 0, 0, 1, 55, 25, 52, 1, 2})
	f.Add([]byte{26, 7, 0, 0, 1, 55, 25})
	f.Fuzz(func(t *testing.T, b []byte) {
		attrs, err := radius.ParseAttributes(b)
		if err != nil {
			return
		}
		carries := false
		for _, a := range attrs {
			carries = carries || a.Type == 26 && mschap.Carries(a.Attribute)
		}
		found, err := mschap.Find(attrs)
		if err != nil {
			return
		}
		if c, err := found.NewPassword("alice"); err == nil && (!carries || !found.Change || c.Kept() != nil) {
			t.Error("a change that the survey did not see, or with a session")
		}
		if pr, err := found.Proof("alice"); err == nil {
			if !carries {
				t.Error("a proof that the survey did not see")
			}
			pr.Is("secret")
			if pr.Kept() != nil {
				t.Error("a session without a decision")
			}
		}
	})
}
