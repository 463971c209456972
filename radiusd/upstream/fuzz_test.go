package upstream

import (
	"bytes"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/client"
	"github.com/portvakt/portvakt/radiusd/dictionary"
	"github.com/portvakt/portvakt/radiusd/mschap"
)

// FuzzGranted: whatever attributes an Access-Accept has, what is granted is whole
// and short enough, and is nothing that was not let through.
func FuzzGranted(f *testing.F) {
	f.Add([]byte{25, 5, 'a', 'b', 'c', 24, 3, 's', 33, 3, 'p'}, false)
	f.Add([]byte{26, 14, 0, 0, 48, 68, 1, 4, 'a', 'b', 3, 4, 'c', 'd'}, false)
	f.Add(mschaptest.VSA(26, append([]byte{0}, "S=0123456789012345678901234567890123456789"...)), true)
	d := &Directory{}
	var err error
	if d.dictionary, err = dictionary.Load(); err != nil {
		f.Fatal(err)
	}
	if d.allowed, err = (Config{Pass: []string{"Class", "Fortinet-Group-Name", "Tunnel-Private-Group-Id"}}).allowed(); err != nil {
		f.Fatal(err)
	}
	s := &server{ServerConfig: ServerConfig{Name: "one", Secret: secret.New("shared")}}
	f.Fuzz(func(t *testing.T, attributes []byte, proven bool) {
		var proof *mschap.Proof
		if proven {
			proof = &mschap.Proof{}
		}
		grant, err := d.granted(s, client.Reply{Code: client.AccessAccept, Attributes: attributes}, proof)
		if err != nil {
			return
		}
		if len(grant) > login.MaxGrant {
			t.Fatalf("%d octets were granted", len(grant))
		}
		for rest := grant; len(rest) > 0; rest = rest[rest[1]:] {
			if len(rest) < 2 || rest[1] < 2 || int(rest[1]) > len(rest) {
				t.Fatalf("%x is not whole", grant)
			}
			switch avp := rest[:rest[1]]; {
			case avp[0] == 25, avp[0] == 81, bytes.HasPrefix(avp[2:], []byte{0, 0, 48, 68, 1}):
			case avp[0] == 26 && proven && bytes.HasPrefix(avp[2:], []byte{0, 0, 1, 55}):
			default:
				t.Fatalf("%x was granted", avp)
			}
		}
	})
}
