package mschap_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/radiusd/mschap"
)

var (
	upstreamSecret = []byte("shared with the upstream")
	clientSecret   = []byte("shared with the client")
	there, here    = [16]byte{1, 2, 3}, [16]byte{9, 8, 7} // Request Authenticators
)

// granted is what a server answers to a proof it has found right.
func granted(t testing.TB, p *mschaptest.Peer) []byte {
	t.Helper()
	pr := proof(t, p)
	if !pr.Matches(mschaptest.NTHash(p.Password)) {
		t.Fatal("the proof is not right")
	}
	s, err := mschap.ParseSession(pr.Kept())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Attributes(nil, upstreamSecret, there[:])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The keys of RFC 3079, section 3.5.3 arrive at the client as the person's
// system has them, after having been encrypted under another secret.
func TestKeysGoFromOneSecretToAnother(t *testing.T) {
	t.Parallel()
	p := rfc2759(t)
	class := []byte{25, 5, 'a', 'b', 'c'}
	open, err := mschap.OpenKeys(append(class, granted(t, p)...), upstreamSecret, there[:])
	if err != nil {
		t.Fatal(err)
	}
	send, recv := p.Keys()
	if got := mschaptest.Microsoft(open); !bytes.Equal(got[16], send[:]) || !bytes.Equal(got[17], recv[:]) {
		t.Errorf("in the clear: %x and %x, want %x and %x", got[16], got[17], send, recv)
	}
	sealed, err := mschap.SealKeys(open, clientSecret, here[:])
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(sealed, class) {
		t.Errorf("what is no key was changed: %x", sealed[:5])
	}
	if err := p.Check(sealed, string(clientSecret), here); err != nil {
		t.Error(err)
	}
	if p.Check(sealed, string(upstreamSecret), there) == nil {
		t.Error("the keys are still under the upstream's secret")
	}
}

// Several attributes may share one Vendor-Specific (RFC 2548, section 2).
func TestKeysInOneVendorSpecific(t *testing.T) {
	t.Parallel()
	p := rfc2759(t)
	var inner []byte
	for rest := granted(t, p); len(rest) > 0; rest = rest[rest[1]:] {
		inner = append(inner, rest[6:rest[1]]...)
	}
	one := append([]byte{26, byte(6 + len(inner)), 0, 0, 1, 55}, inner...)
	open, err := mschap.OpenKeys(one, upstreamSecret, there[:])
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := mschap.SealKeys(open, clientSecret, here[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(sealed, string(clientSecret), here); err != nil {
		t.Error(err)
	}
}

func TestKeysThatCannotBeRead(t *testing.T) {
	t.Parallel()
	good := mschaptest.Microsoft(granted(t, rfc2759(t)))[16]
	change := func(fn func(b []byte) []byte) []byte { return mschaptest.VSA(16, fn(slices.Clone(good))) }
	for name, row := range map[string]struct {
		attributes []byte
		want       error
	}{
		"nothing in it":              {mschaptest.VSA(16, nil), mschap.ErrKey},
		"a salt alone":               {mschaptest.VSA(16, good[:2]), mschap.ErrKey},
		"half a block":               {mschaptest.VSA(17, good[:10]), mschap.ErrKey},
		"a block less":               {mschaptest.VSA(17, good[:18]), mschap.ErrKey},
		"a salt without its bit":     {change(func(b []byte) []byte { b[0] &^= 0x80; return b }), mschap.ErrKey},
		"a length of 0":              {change(func(b []byte) []byte { b[2] ^= 16; return b }), mschap.ErrKey},
		"a length beyond the end":    {change(func(b []byte) []byte { b[2] ^= 16 ^ 32; return b }), mschap.ErrKey},
		"padding that is not zero":   {change(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), mschap.ErrKey},
		"a block of padding":         {change(func(b []byte) []byte { b[2] ^= 16 ^ 15; return b }), mschap.ErrKey},
		"an attribute cut short":     {mschaptest.VSA(16, good)[:20], mschap.ErrForm},
		"half a header":              {[]byte{26}, mschap.ErrForm},
		"a vendor's length of 0":     {[]byte{26, 8, 0, 0, 1, 55, 16, 0}, mschap.ErrForm},
		"a vendor's length too long": {[]byte{26, 9, 0, 0, 1, 55, 16, 9, 1}, mschap.ErrForm},
	} {
		if b, err := mschap.OpenKeys(row.attributes, upstreamSecret, there[:]); !errors.Is(err, row.want) {
			t.Errorf("%s: got %x, %v, want %v", name, b, err, row.want)
		}
	}
}

func TestWhatAServerAnswersToAProof(t *testing.T) {
	t.Parallel()
	p := rfc2759(t)
	yes := granted(t, p)
	a, err := mschap.ReadAnswer(append([]byte{25, 3, 'x'}, yes...), p.Ident)
	if err != nil || !bytes.Equal(a.Success, p.Success()) || a.Code != 0 || !bytes.Equal(a.Keys, yes) {
		t.Errorf("yes: got %+v, %v", a, err)
	}
	for text, want := range map[string]int{
		"\x07E=691 R=1 C=00 V=3": 691, "E=648 R=0": 648, "\x07E=abc": 0, "\x07": 0, "\x07R=0 E=691": 0, "\x07E=-5": 0,
	} {
		if a, err := mschap.ReadAnswer(mschaptest.VSA(2, []byte(text)), p.Ident); err != nil || a.Code != want {
			t.Errorf("%q: got %d, %v, want %d", text, a.Code, err, want)
		}
	}
	for name, attributes := range map[string][]byte{
		"two proofs of the server":     append(slices.Clone(yes), mschaptest.VSA(26, p.Success())...),
		"the proof for another answer": mschaptest.VSA(26, append([]byte{p.Ident + 1}, p.Success()[1:]...)),
		"a proof that is none":         mschaptest.VSA(26, []byte("\x07S="+strings.Repeat("A", 39))),
		"a proof of something else":    mschaptest.VSA(26, []byte("\x07M="+strings.Repeat("A", 40))),
		"attributes cut short":         yes[:len(yes)-1],
	} {
		if a, err := mschap.ReadAnswer(attributes, p.Ident); err == nil {
			t.Errorf("%s: got %+v", name, a)
		}
	}
}

// What was carried is what came.
func TestAProofIsCarriedAsItCame(t *testing.T) {
	t.Parallel()
	p := rfc2759(t)
	user, attributes := proof(t, p).Carried()
	if user != p.User || !bytes.Equal(attributes, p.Attributes()) {
		t.Errorf("got %q and %x, want %q and %x", user, attributes, p.User, p.Attributes())
	}
}

// FuzzKeys: whatever is decrypted comes out again after encryption, and a server
// breaks nothing by what it answers.
func FuzzKeys(f *testing.F) {
	f.Add(granted(f, rfc2759(f)))
	f.Add(mschaptest.VSA(2, []byte("\x07E=691 R=1")))
	f.Add([]byte{26, 8, 0, 0, 1, 55, 16, 2})
	f.Fuzz(func(t *testing.T, attributes []byte) {
		_, _ = mschap.ReadAnswer(attributes, 7)
		open, err := mschap.OpenKeys(attributes, upstreamSecret, there[:])
		if err != nil {
			return
		}
		sealed, err := mschap.SealKeys(open, clientSecret, here[:])
		if err != nil {
			t.Fatalf("%x cannot be sealed: %v", open, err)
		}
		if again, err := mschap.OpenKeys(sealed, clientSecret, here[:]); err != nil || !bytes.Equal(again, open) {
			t.Errorf("got %x, %v, want %x", again, err, open)
		}
	})
}
