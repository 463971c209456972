package ldapauth

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// What we write is read by go-ldap's BER library, what that writes by us.
func TestRequestsAreWhatAnotherLibraryReads(t *testing.T) {
	t.Parallel()
	var w writer
	w.bindRequest(300, "cn=a", strings.Repeat("x", 200), oidPolicy)
	p, err := ber.DecodePacketErr(w.b)
	if err != nil {
		t.Fatal(err)
	}
	op := p.Children[1]
	control := p.Children[2].Children[0]
	if p.Children[0].Value != int64(300) || op.Tag != ldap.ApplicationBindRequest || op.Children[0].Value != int64(3) ||
		op.Children[1].Value != "cn=a" || op.Children[2].Data.Len() != 200 || control.Children[0].Value != oidPolicy {
		ber.PrintPacket(p)
		t.Error("not the bind request that was meant")
	}
}

func TestIntegers(t *testing.T) {
	t.Parallel()
	for v, want := range map[int32]string{
		0: "020100", 127: "02017f", 128: "02020080", 255: "020200ff", 256: "02020100",
		32767: "02027fff", 32768: "0203008000", 1<<31 - 1: "02047fffffff",
	} {
		var w writer
		w.integer(tagInteger, v)
		if got := hex.EncodeToString(w.b); got != want {
			t.Errorf("%d: got %s, want %s", v, got, want)
		}
		if got, err := reader(w.b[2:]).integer(); err != nil || got != v {
			t.Errorf("%d: read back as %d, %v", v, got, err)
		}
	}
}

func TestMalformedBERIsRefused(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                  "",
		"a tag alone":              "30",
		"a length cut off":         "3082ff",
		"an indefinite length":     "30800000",
		"a length of five octets":  "30850000000001ff",
		"a tag of several octets":  "3f8101020100",
		"more announced than sent": "3005020101",
		"no message id":            "3003040101",
		"a negative message id":    "30050201ff6100",
		"a message id too long":    "300902050000000001" + "6100",
	} {
		b, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, _, err := reader(b).message(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestPolicyControl(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, value string
		want        policyState
		bad         bool
	}{
		{"nothing", "", policyState{}, false},
		{"an empty sequence", "3000", policyState{}, false},
		{"expired", "3003810100", policyState{state: policyExpired}, false},
		{"locked", "3003810101", policyState{state: policyLocked}, false},
		{"must change", "3003810102", policyState{state: policyMustChange}, false},
		{"expires in 1 s", "3005a003800101", policyState{}, false},
		{"two grace logins", "3005a003810102", policyState{grace: true}, false},
		{"a warning and an error", "3008a003800101810102", policyState{state: policyMustChange}, false},
		{"no sequence", "0400", policyState{}, true},
		{"an error without value", "30028100", policyState{}, true},
		{"a warning without choice", "3002a000", policyState{}, true},
	} {
		b, err := hex.DecodeString(row.value)
		if err != nil {
			t.Fatal(err)
		}
		got, err := reader(b).policy()
		if (err != nil) != row.bad || err == nil && got != row.want {
			t.Errorf("%s: got %+v, %v", row.name, got, err)
		}
	}
}

// FuzzMessage reads whatever a server could send, all the way.
func FuzzMessage(f *testing.F) {
	policy, _ := hex.DecodeString("300c02010161070a010004000400a0233021" + "0419312e332e362e312e342e312e34322e322e32372e382e352e31" + "04053003810102")
	f.Add(policy)
	f.Add(reply(1, opBindResponse, 49, adMessage+"52e, v1"))
	f.Add(reply(0, opExtendedResponse, 52, ""))
	f.Add(entryOf(2, fakeAlice, "objectGUID", "0123456789abcdef", "memberOf;range=0-1499", "cn=x", "mobile", "+1"))
	f.Add(reference(3, "ldap://x"))
	f.Add([]byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff})
	s := newSchema(Config{Kind: KindAD}.resolved().Attributes)
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := framed(b, maxMessage)
		if err != nil || n == 0 || n > len(b) {
			return
		}
		_, op, body, controls, err := reader(b[:n]).message()
		if err != nil {
			return
		}
		if op == opSearchEntry {
			e, err := body.entry()
			if err != nil {
				return
			}
			if a, err := s.account(e); err == nil && (a.ID == "" || a.DN == "") {
				t.Errorf("account without identifier or name: %+v", a)
			}
			return
		}
		res, err := body.result(controls)
		if err == nil && res.code != 0 && res.verdict() == nil {
			t.Errorf("result %d lets somebody in", res.code)
		}
	})
}

// FuzzFilter puts any name into filters: they must still be the same filters,
// with exactly the name in the place of {user}.
func FuzzFilter(f *testing.F) {
	for _, name := range []string{"alice", "*", "a)(uid=*", `\2a`, "{user}", "a\x00b", strings.Repeat("x", 300), "(|", "\xff"} {
		f.Add(name)
	}
	const text = "(&(objectClass=person)(|(uid={user})(mail={user}@example.test))(!(uid=x*)))"
	t, err := compileTemplate(text, placeUser)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(tt *testing.T, name string) {
		var w writer
		t.fill(&w, name)
		want, err := ldap.CompileFilter(strings.ReplaceAll(text, placeUser, escapeAll(name)))
		if err != nil {
			tt.Skip()
		}
		if got := minimal(tt, w.b); !bytes.Equal(got, want.Bytes()) {
			tt.Errorf("%q: got %x, want %x", name, got, want.Bytes())
		}
	})
}

// escapeAll escapes every octet, as RFC 4515, section 3 allows.
func escapeAll(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString(`\` + hex.EncodeToString([]byte{s[i]}))
	}
	return b.String()
}

// minimal writes BER anew with the shortest lengths, as go-ldap does.
func minimal(t *testing.T, r reader) (b []byte) {
	t.Helper()
	for !r.empty() {
		tag, value, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		content := []byte(value)
		if tag&constructed != 0 {
			content = minimal(t, value)
		}
		b = append(b, tag)
		switch n := len(content); {
		case n < 0x80:
			b = append(b, byte(n))
		case n < 0x100:
			b = append(b, 0x81, byte(n))
		case n < 0x10000:
			b = append(b, 0x82, byte(n>>8), byte(n))
		default:
			t.Skip("longer than any name")
		}
		b = append(b, content...)
	}
	return b
}
