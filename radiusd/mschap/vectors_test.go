package mschap_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/radiusd/mschap"
)

func octets(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rfc2759 is the exchange of RFC 2759, section 9.2; that of RFC 3079, section
// 3.5.3, has the same names, passwords and challenges.
func rfc2759(t testing.TB) *mschaptest.Peer {
	t.Helper()
	return &mschaptest.Peer{
		User: "User", Password: "clientPass", Ident: 7,
		Challenge:     [16]byte(octets(t, "5B 5D 7C 7D 7B 3F 2F 3E 3C 2C 60 21 32 26 26 28")),
		PeerChallenge: [16]byte(octets(t, "21 40 23 24 25 5E 26 2A 28 29 5F 2B 3A 33 7C 7E")),
	}
}

// attributes parses what a test has encoded.
func attributes(t testing.TB, b []byte) radius.Attributes {
	t.Helper()
	attrs, err := radius.ParseAttributes(b)
	if err != nil {
		t.Fatal(err)
	}
	return attrs
}

func proof(t testing.TB, p *mschaptest.Peer) *mschap.Proof {
	t.Helper()
	f, err := mschap.Find(attributes(t, p.Attributes()))
	if err != nil {
		t.Fatal(err)
	}
	pr, err := f.Proof(p.User)
	if err != nil {
		t.Fatal(err)
	}
	return pr
}

func TestVectorsOfRFC2759Section92(t *testing.T) {
	t.Parallel()
	p := rfc2759(t)
	hash, err := mschap.NTHash(p.Password)
	if want := octets(t, "44 EB BA 8D 53 12 B8 D6 11 47 44 11 F5 69 89 AE"); err != nil || string(hash[:]) != string(want) {
		t.Errorf("NtPasswordHash: got %x %v, want %x", hash, err, want)
	}
	if got, want := mschaptest.NTHash(p.Password), hash; got != want {
		t.Errorf("the peer's: got %x, want %x", got, want)
	}
	pr := proof(t, p)
	challenge, response := pr.NTResponse()
	if want := octets(t, "D0 2E 43 86 BC E9 12 26"); string(challenge[:]) != string(want) {
		t.Errorf("ChallengeHash: got %x, want %x", challenge, want)
	}
	if want := octets(t, "82 30 9E CD 8D 70 8B 5E A0 8F AA 39 81 CD 83 54 42 33 11 4A 3D 85 D6 DF"); string(response[:]) != string(want) {
		t.Errorf("NT-Response: got %x, want %x", response, want)
	}
	if !pr.Is("clientPass") || pr.Is("clientpass") || pr.Is("") {
		t.Error("Is does not tell the password from others")
	}
	if !pr.Matches(hash) {
		t.Fatal("the hash does not match")
	}
	s, err := mschap.ParseSession(pr.Kept())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Attributes(nil, []byte("secret"), make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	const want = "\x07S=407A5589115FD0D6209F510FE9C04566932CDA56"
	if got := string(mschaptest.Microsoft(b)[26]); got != want {
		t.Errorf("MS-CHAP2-Success: got %q, want %q", got, want)
	}
}

// The NAS's send key is GetAsymmetricStartKey of the server; the RFC prints
// it as SendStartKey128, and the master key before it.
func TestVectorsOfRFC3079Section353(t *testing.T) {
	t.Parallel()
	p := rfc2759(t)
	pr := proof(t, p)
	pr.Proven([16]byte(octets(t, "41 C0 0C 58 4B D2 D9 1C 40 17 A2 A1 2F A5 9F 3F"))) // PasswordHashHash
	kept := pr.Kept()
	if want := octets(t, "FD EC E3 71 7A 8C 83 8C B3 88 E5 27 AE 3C DD 31"); string(kept[21:]) != string(want) {
		t.Errorf("MasterKey: got %x, want %x", kept[21:], want)
	}
	send, _ := p.Keys()
	if want := octets(t, "8B 7C DC 14 9B 99 3A 1B A1 18 CB 15 3F 56 DC CB"); string(send[:]) != string(want) {
		t.Errorf("SendStartKey128 of the peer: got %x, want %x", send, want)
	}
	s, err := mschap.ParseSession(kept)
	if err != nil {
		t.Fatal(err)
	}
	authenticator := [16]byte{1, 2, 3}
	b, err := s.Attributes(nil, []byte("secret"), authenticator[:])
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(b, "secret", authenticator); err != nil {
		t.Error(err)
	}
	if p.Check(b, "another", authenticator) == nil || p.Check(b, "secret", [16]byte{}) == nil {
		t.Error("the keys are not encrypted under the secret and the Request Authenticator")
	}
}

// RFC 1320, section A.5.
func TestMD4OfThePeer(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"":    "31d6cfe0d16ae931b73c59d7e0c089c0",
		"abc": "a448017aaf21d8525fc10ae87aa6729d",
		"12345678901234567890123456789012345678901234567890123456789012345678901234567890": "e33b4ddc9c38f2199c3e7b164fcc0536",
	} {
		if got := mschaptest.MD4([]byte(message)); hex.EncodeToString(got[:]) != want {
			t.Errorf("%q: got %x, want %s", message, got, want)
		}
	}
}
