package mschap_test

import (
	"bytes"
	"slices"
	"testing"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/radiusd/mschap"
)

// changeOf is the change that a request with these attributes carries.
func changeOf(t *testing.T, attrs ...[]byte) (*mschap.Change, error) {
	t.Helper()
	parsed, err := radius.ParseAttributes(bytes.Join(attrs, nil))
	if err != nil {
		t.Fatal(err)
	}
	found, err := mschap.Find(parsed)
	if err != nil {
		return nil, err
	}
	return found.NewPassword("alice")
}

// split are encoded attributes, one by one.
func split(attrs []byte) (all [][]byte) {
	for ; len(attrs) > 0; attrs = attrs[attrs[1]:] {
		all = append(all, slices.Clone(attrs[:attrs[1]]))
	}
	return all
}

func TestAChangeCarriesTheNewPasswordUnderTheOld(t *testing.T) {
	t.Parallel()
	p := mschaptest.New("alice", "пароль 🔑")
	all := split(p.Change("old secret"))
	challenge, cpw, pieces := all[0], all[1], all[2:]
	for _, order := range [][][]byte{
		{challenge, cpw, pieces[0], pieces[1], pieces[2]},
		{pieces[2], pieces[0], challenge, pieces[1], cpw},
	} {
		c, err := changeOf(t, order...)
		if err != nil {
			t.Fatal(err)
		}
		password, hash := c.NTBlobs()
		if got := mschaptest.DecryptPassword(password[:], mschaptest.NTHash("old secret")); got != p.Password {
			t.Errorf("the new password is %q, want %q", got, p.Password)
		}
		if got := mschaptest.DecryptHash(hash, mschaptest.NTHash(p.Password)); got != mschaptest.NTHash("old secret") {
			t.Errorf("the old hash is %x", got)
		}
		if !c.Is(p.Password) || c.Is("old secret") {
			t.Error("is no proof of the new password, or one of the old")
		}
		if !c.Matches(mschaptest.NTHash(p.Password)) || len(c.Kept()) == 0 {
			t.Error("the new password earns no session")
		}
	}
}

func TestAChangeThatIsNotWhole(t *testing.T) {
	t.Parallel()
	p := mschaptest.New("alice", "new secret")
	all := split(p.Change("old secret"))
	challenge, cpw, pieces := all[0], all[1], all[2:]
	with := func(attr []byte, at int, octet byte) []byte {
		b := slices.Clone(attr)
		b[at] = octet
		return b
	}
	const value = 8 // octets in front of the value
	for _, row := range []struct {
		name  string
		attrs [][]byte
	}{
		{"no challenge", [][]byte{cpw, pieces[0], pieces[1], pieces[2]}},
		{"no pieces", [][]byte{challenge, cpw}},
		{"one missing", [][]byte{challenge, cpw, pieces[0], pieces[2]}},
		{"one twice", [][]byte{challenge, cpw, pieces[0], pieces[1], pieces[1], pieces[2]}},
		{"two with one number", [][]byte{challenge, cpw, pieces[0], with(pieces[1], value+3, 1), pieces[2]}},
		{"one of another exchange", [][]byte{challenge, cpw, pieces[0], with(pieces[1], value+1, p.Ident+1), pieces[2]}},
		{"one of another kind", [][]byte{challenge, cpw, with(pieces[0], value, 5), pieces[1], pieces[2]}},
		{"more than there can be", append([][]byte{challenge, cpw}, slices.Repeat(pieces, 6)...)},
		{"a change that is none", [][]byte{challenge, with(cpw, value, 6), pieces[0], pieces[1], pieces[2]}},
		{"reserved octets", [][]byte{challenge, with(cpw, value+34, 1), pieces[0], pieces[1], pieces[2]}},
		{"two changes", [][]byte{challenge, cpw, cpw, pieces[0], pieces[1], pieces[2]}},
		{"an answer beside it", [][]byte{p.Attributes(), cpw, pieces[0], pieces[1], pieces[2]}},
	} {
		if c, err := changeOf(t, row.attrs...); err == nil {
			t.Errorf("%s: taken: %v", row.name, c)
		}
	}
}
