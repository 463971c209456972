package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 2865, section 7.1: nemo logs in with "arctangent".
const (
	nemoRequest = "010000380f403f9473978057bd83d5cb98f4227a01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110050600000003"
	nemoAccept  = "0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103"
	nemoSecret  = "xyzzy5461"
)

func TestExampleOfRFC2865(t *testing.T) {
	w := newWire(nemoSecret)
	request, p, err := read(unhex(t, nemoRequest))
	if err != nil {
		t.Fatal(err)
	}
	var auth nonce
	copy(auth[:], request[authAt:])
	if got := w.hide(nil, &auth, "arctangent"); !bytes.Equal(got, p.password) {
		t.Errorf("hidden password: got %x, want %x", got, p.password)
	}
	if got, err := w.unhide(nil, &auth, p.password); err != nil || string(got) != "arctangent" {
		t.Errorf("unhidden password: got %q, %v", got, err)
	}
	accept := unhex(t, nemoAccept)
	if got, err := w.check(accept, &auth, false); err != nil || got.code != accessAccept {
		t.Errorf("the reply: got code %d, %v", got.code, err)
	}
	if _, err := w.check(accept, &auth, true); !errors.Is(err, errUnsigned) {
		t.Errorf("the reply, where Message-Authenticator is required: got %v, want %v", err, errUnsigned)
	}
}

func TestLongPasswordsAreHiddenInBlocks(t *testing.T) {
	w := newWire("secret")
	auth := nonce{1, 2, 3}
	for _, password := range []string{"", "a", "sixteen-octets-!", "seventeen-octets!", "a sentence that takes three blocks of it"} {
		hidden := w.hide(nil, &auth, password)
		if got, err := w.unhide(nil, &auth, hidden); err != nil || string(got) != password || len(hidden)%16 != 0 {
			t.Errorf("%q: got %q of %d octets, %v", password, got, len(hidden), err)
		}
	}
}

// Each octet of a reply counts, in whatever part of it.
func TestEveryOctetOfAReplyIsChecked(t *testing.T) {
	w := newWire("secret")
	auth := nonce{4, 5, 6}
	reply := w.reply(nil, accessChallenge, 7, &auth, []byte("state"), "Code:")
	p, err := w.check(reply, &auth, true)
	if err != nil || p.code != accessChallenge || string(p.state) != "state" {
		t.Fatalf("got %+v, %v", p, err)
	}
	for i := range reply {
		bent := bytes.Clone(reply)
		bent[i] ^= 0x20
		if _, err := w.check(bent, &auth, true); err == nil {
			t.Errorf("octet %d changed, and nothing was noticed", i)
		}
	}
	other := nonce{4, 5, 7}
	if _, err := w.check(reply, &other, true); !errors.Is(err, errSignature) {
		t.Errorf("a reply to another request: got %v, want %v", err, errSignature)
	}
}

// A server that holds the secret may still sign badly.
func TestWrongMessageAuthenticatorUnderAGoodSignature(t *testing.T) {
	w := newWire("secret")
	auth := nonce{8}
	reply := w.reply(nil, accessAccept, 1, &auth, nil, "")
	reply[headerLen+2] ^= 1
	copy(reply[authAt:], w.respond(reply, &auth))
	if _, err := w.check(reply, &auth, false); !errors.Is(err, errMAC) {
		t.Errorf("got %v, want %v", err, errMAC)
	}
}

func TestRequestsAreReadAsTheyWereWritten(t *testing.T) {
	w := newWire("secret")
	var auth nonce
	b := w.request(nil, 9, &auth, "user000001", "pw-000001", []byte("state"))
	p, got, password, err := w.open(b, nil)
	if err != nil || got != auth || string(p.name) != "user000001" || string(password) != "pw-000001" || string(p.state) != "state" {
		t.Fatalf("got %+v, password %q, %v", p, password, err)
	}
	if _, _, _, err := newWire("other").open(b, nil); !errors.Is(err, errMAC) {
		t.Errorf("under another secret: got %v, want %v", err, errMAC)
	}
	for i := range badPackets {
		bad := badPackets[i].make(w, make([]byte, maxPacket))
		if _, _, _, err := w.open(bad, nil); err == nil {
			t.Errorf("%s: the floor takes it", badPackets[i].name)
		}
	}
}

func FuzzRead(f *testing.F) {
	w := newWire("secret")
	auth := nonce{1}
	f.Add(w.reply(nil, accessChallenge, 7, &auth, []byte("state"), "Code:"))
	f.Add(w.request(nil, 9, &auth, "user000001", "pw-000001", nil))
	for _, kind := range badPackets {
		f.Add(kind.make(w, make([]byte, maxPacket)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cut, p, err := read(b)
		if err == nil && (len(cut) < headerLen || len(cut) > len(b) || p.macAt+16 > len(cut) && p.macAt != 0) {
			t.Errorf("took %d octets of %d, Message-Authenticator at %d", len(cut), len(b), p.macAt)
		}
		_, _ = w.check(b, &auth, false)
		_, _, _, _ = w.open(b, nil)
	})
}
