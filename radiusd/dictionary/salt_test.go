package dictionary

import (
	"strings"
	"testing"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/conf/secret"
)

var shared = secret.New("a shared secret of thirty octets")

func TestSaltsAreUniqueInAPacketAndHaveTheirHighBit(t *testing.T) {
	t.Parallel()
	d := load(t)
	password, _ := d.Lookup("Tunnel-Password")
	authenticator := [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	salter := NewSalter(shared, authenticator)
	seen := make(map[string]bool)
	for i := range 100 {
		want := strings.Repeat("p", 1+i%40)
		e, err := Encode(password, want, 7)
		if err != nil {
			t.Fatal(err)
		}
		octets, err := e.Append(nil, salter)
		if err != nil {
			t.Fatal(err)
		}
		if octets[2] != 7 || octets[3]&0x80 == 0 || (len(octets)-5)%16 != 0 {
			t.Fatalf("got % x: want tag 7, a salt with its high bit, whole blocks", octets)
		}
		seen[string(octets[3:5])] = true
		got, _, err := radius.TunnelPassword(octets[3:], []byte(shared.Reveal()), authenticator[:])
		if err != nil || string(got) != want {
			t.Fatalf("decrypts to %q (%v), want %q", got, err, want)
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d different salts in 100", len(seen))
	}
}

func TestEncryptedAttributesNeedTheRequest(t *testing.T) {
	t.Parallel()
	d := load(t)
	for name, value := range map[string]string{"Tunnel-Password": "p", "MS-MPPE-Send-Key": "0x00112233", "Tall-Key": "k"} {
		a, _ := d.Lookup(name)
		e, err := Encode(a, value, 0)
		if err != nil {
			t.Fatal(err)
		}
		if octets, err := e.Append(nil, nil); err == nil || len(octets) > 0 {
			t.Errorf("%s was written in clear: % x", name, octets)
		}
		octets, err := e.Append(nil, NewSalter(shared, [16]byte{}))
		if err != nil || len(octets) != e.Len() {
			t.Errorf("%s: %d octets, Len %d (%v)", name, len(octets), e.Len(), err)
		}
	}
}
