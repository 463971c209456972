package upstream_test

import (
	"crypto/md5"
	"net"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/login"
)

// What a server answers to a proof, as servers other than FreeRADIUS do.
func TestAnswersToProofs(t *testing.T) {
	t.Parallel()
	p := mschaptest.New("alice", "secret")
	join := func(parts ...[]byte) (all []byte) {
		for _, part := range parts {
			all = append(all, part...)
		}
		return all
	}
	success := mschaptest.VSA(26, p.Success())
	for name, row := range map[string]struct {
		code       byte
		attributes []byte
		want       login.Reason // "-" for yes, "" for no decision
	}{
		"yes, without keys":                   {2, success, "-"},
		"yes, with a key that is none":        {2, join(success, mschaptest.VSA(16, []byte("not encrypted"))), ""},
		"yes, without proving itself":         {2, attr(25, "x"), ""},
		"yes, with the proof for another one": {2, mschaptest.VSA(26, append([]byte{p.Ident + 1}, p.Success()[1:]...)), ""},
		"yes, with two proofs":                {2, join(success, success), ""},
		"no":                                  {3, nil, login.ReasonBadPassword},
		"no, wrong":                           {3, mschaptest.VSA(2, []byte("\x07E=691 R=1 C=0011 V=3")), login.ReasonBadPassword},
		"no, expired":                         {3, mschaptest.VSA(2, []byte("\x07E=648 R=0")), login.ReasonPasswordExpired},
		"no, disabled":                        {3, mschaptest.VSA(2, []byte("\x07E=647 R=0")), login.ReasonDisabled},
		"no, hours":                           {3, mschaptest.VSA(2, []byte("\x07E=646 R=0")), login.ReasonHours},
		"no, no dial-in":                      {3, mschaptest.VSA(2, []byte("\x07E=649 R=0")), login.ReasonWorkstation},
		"no, for a reason nobody knows":       {3, mschaptest.VSA(2, []byte("\x07E=1234567890123456789012")), login.ReasonBadPassword},
		"no, twice":                           {3, join(mschaptest.VSA(2, []byte("\x07E=648")), mschaptest.VSA(2, []byte("\x07E=691"))), login.ReasonBadPassword},
		"a question":                          {11, attr(24, "state"), login.ReasonMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fake(t, false, func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte {
				return [][]byte{f.reply(r, row.code, row.attributes...)}
			})
			proof := proofOf(t, p)
			grant, err := open(t, config(f.config()), nil).Grant(t.Context(), alice, proof)
			if proof.Lasting() != nil {
				t.Error("keys of a session are taken for what lasts as long as the password")
			}
			switch {
			case row.want == "-":
				if err != nil || string(grant) != string(success) {
					t.Errorf("got %x, %v", grant, err)
				}
			case err == nil || login.Refused(err) != row.want:
				t.Errorf("got %v, want %q", err, row.want)
			}
		})
	}
}

// The name was hashed into the proof, so it goes on as it was typed. It has to
// be the account's: else the password of one person would let in another.
func TestTheNameInAProof(t *testing.T) {
	t.Parallel()
	f := fake(t, false, func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte { return [][]byte{f.reply(r, 3)} })
	d := open(t, config(f.config()), nil)
	for typed, passed := range map[string]bool{
		"alice": true, "ALICE": true, `EXAMPLE\alice`: true, "alice@example.org": true,
		"bob": false, `EXAMPLE\bob`: false, "bob@example.org": false, "alice.b@example.org": false, "@alice": false, `alice\bob`: false,
	} {
		before := len(f.requests())
		err := d.Verify(t.Context(), alice, proofOf(t, mschaptest.New(typed, "x")))
		if passed {
			refused(t, typed, err, login.ReasonBadPassword)
			got := f.requests()
			if name := attr(1, typed); len(got) != before+1 || string(valueOf(got[before], 1)) != string(name[2:]) {
				t.Errorf("%s: the server did not get the name as it was typed", typed)
			}
			continue
		}
		refused(t, typed, err, login.ReasonMethodNotAllowed)
		if len(f.requests()) != before {
			t.Errorf("%s: the server was asked", typed)
		}
	}
}

func valueOf(packet []byte, kind byte) []byte {
	for avps := packet[20:]; len(avps) > 0; avps = avps[avps[1]:] {
		if avps[0] == kind {
			return avps[2:avps[1]]
		}
	}
	return nil
}

// Of a name that nobody has, the password that was typed is not sent: it may be
// somebody's. A request about one who exists goes out beside it.
func TestThePasswordOfNobodyIsNotSent(t *testing.T) {
	t.Parallel()
	f := fake(t, false, func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte { return [][]byte{f.reply(r, 3)} })
	d := open(t, config(f.config()), nil)
	for _, a := range []login.Account{alice, {}} {
		refused(t, "a password", d.Verify(t.Context(), a, login.Cleartext("fourteen chars")), login.ReasonBadPassword)
	}
	got := f.requests()
	if text := unhidden(got[0]); !strings.HasPrefix(text, "fourteen chars\x00") {
		t.Errorf("of alice, the password sent is %q", text)
	}
	if text := unhidden(got[1]); strings.Contains(text, "fourteen") || string(valueOf(got[1], 1)) == "" {
		t.Errorf("of nobody, the password sent is %q", text)
	}
}

// unhidden is the first block of a request's User-Password (RFC 2865, section
// 5.2).
func unhidden(request []byte) string {
	pad := md5.Sum(append([]byte(shared), request[4:20]...))
	hidden := valueOf(request, 2)[:16]
	for i := range pad {
		pad[i] ^= hidden[i]
	}
	return string(pad[:])
}

// Passwords that PAP cannot carry whole are refused before any traffic.
func TestPasswordsThatAreNotSent(t *testing.T) {
	t.Parallel()
	f := fake(t, false, func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte { return [][]byte{f.reply(r, 2)} })
	d := open(t, config(f.config()), nil)
	for password, want := range map[string]login.Reason{
		"": login.ReasonEmptyPassword, "\x00": login.ReasonBadEncoding, "secret\x00": login.ReasonBadEncoding,
	} {
		refused(t, "a password", d.Verify(t.Context(), alice, login.Cleartext(password)), want)
	}
	if n := len(f.requests()); n > 0 {
		t.Errorf("%d requests were sent", n)
	}
}
