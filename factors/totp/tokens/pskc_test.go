package tokens

import (
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// container puts a key and a package around values of the examples of RFC 6030.
func container(encryption, secret, more string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#"
  xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
  xmlns:pkcs5="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#">` + encryption + `
<KeyPackage><DeviceInfo><SerialNo>987654321</SerialNo></DeviceInfo>
<Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
<AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
<Data><Secret>` + secret + `</Secret><Counter><PlainValue>7</PlainValue></Counter></Data>` + more + `</Key></KeyPackage></KeyContainer>`
}

func sealed(value, mac string) string {
	return `<EncryptedValue><xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
<xenc:CipherData><xenc:CipherValue>` + value + `</xenc:CipherValue></xenc:CipherData></EncryptedValue><ValueMAC>` + mac + `</ValueMAC>`
}

func macMethod(key string) string {
	return `<MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><MACKey>
<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
<xenc:CipherData><xenc:CipherValue>` + key + `</xenc:CipherValue></xenc:CipherData></MACKey></MACMethod>`
}

var (
	shared  = `<EncryptionKey><ds:KeyName>Pre-shared-key</ds:KeyName></EncryptionKey>` + macMethod("ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX")
	derived = `<EncryptionKey><xenc11:DerivedKey><xenc11:KeyDerivationMethod
 Algorithm="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2"><pkcs5:PBKDF2-params><Salt><Specified>Ej7/PEpyEpw=</Specified></Salt>
<IterationCount>1000</IterationCount><KeyLength>16</KeyLength><PRF/></pkcs5:PBKDF2-params></xenc11:KeyDerivationMethod></xenc11:DerivedKey></EncryptionKey>` +
		macMethod("2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx")
	plainSecret   = `<PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue>`
	sharedSecret  = sealed("AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv", "Su+NvtQfmvfJzF6bmQiJqoLRExc=")
	derivedSecret = sealed("oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f", "LP6xMvjtypbfT9PdkJhBZ+D6O4w=")
)

func rfcKey(t *testing.T) []byte {
	t.Helper()
	key, err := hex.DecodeString("12345678901234567890123456789012")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func onlyRow(text string, key PSKCKey) (Row, error) {
	for row, err := range ReadPSKC(strings.NewReader(text), key) {
		return row, err
	}
	return Row{}, errors.New("no row")
}

// TestRFC6030Examples has the secret of the examples: in the clear (figure 2),
// under a shared key (figure 6) and under a password (figure 7).
func TestRFC6030Examples(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		key  PSKCKey
	}{
		"in the clear":       {container("", plainSecret, ""), PSKCKey{}},
		"under a shared key": {container(shared, sharedSecret, ""), PSKCKey{Shared: rfcKey(t)}},
		"under a password":   {container(derived, derivedSecret, ""), PSKCKey{Password: "qwerty"}},
	} {
		row, err := onlyRow(c.text, c.key)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		tok := row.Token
		if string(tok.Seed) != "12345678901234567890" || tok.Kind != totp.KindCounter || tok.Counter != 7 || tok.Digits != 8 || row.Serial != "987654321" || row.Line != 1 {
			t.Errorf("%s: row %+v, kind %s, counter %d, %d digits", name, row.Serial, tok.Kind, tok.Counter, tok.Digits)
		}
	}
}

func TestTokensOfContainers(t *testing.T) {
	text := strings.ReplaceAll(container("", plainSecret, `<UserId>CN=Alice, UID=alice,DC=example</UserId>`), "pskc:hotp", "pskc:totp")
	text = strings.Replace(text, "</Counter>", "</Counter><TimeInterval><PlainValue>60</PlainValue></TimeInterval>", 1)
	text = strings.Replace(text, "<AlgorithmParameters>", "<AlgorithmParameters><Suite>HMAC-SHA256</Suite>", 1)
	row, err := onlyRow(text, PSKCKey{})
	if err != nil {
		t.Fatal(err)
	}
	if row.User != "alice" || row.Token.Kind != totp.KindTime || row.Token.Period != time.Minute || row.Token.Algorithm != totp.SHA256 || row.Token.Counter != 0 {
		t.Errorf("got %+v", row)
	}
}

func TestContainersThatAreNotOpened(t *testing.T) {
	right := PSKCKey{Shared: rfcKey(t)}
	for name, c := range map[string]struct {
		text string
		key  PSKCKey
		want string
	}{
		"no key":                    {container(shared, sharedSecret, ""), PSKCKey{}, "give the key"},
		"no password":               {container(derived, derivedSecret, ""), right, "give the key"},
		"another key":               {container(shared, sharedSecret, ""), PSKCKey{Shared: make([]byte, 16)}, "does not open"},
		"another password":          {container(derived, derivedSecret, ""), PSKCKey{Password: "asdfgh"}, "does not open"},
		"a key of another length":   {container(shared, sharedSecret, ""), PSKCKey{Shared: make([]byte, 32)}, "wants a key of 16 octets"},
		"a secret that was changed": {container(shared, strings.Replace(sharedSecret, "AAEC", "AAED", 1), ""), right, "does not open"},
		"no MAC":                    {container(`<EncryptionKey><ds:KeyName>k</ds:KeyName></EncryptionKey>`, sharedSecret, ""), right, "no MACMethod"},
		"a secret without a MAC":    {container(shared, regexp.MustCompile(`<ValueMAC>.*</ValueMAC>`).ReplaceAllString(sharedSecret, ""), ""), right, "has no MAC"},
		"rounds without end":        {container(strings.Replace(derived, ">1000<", ">1000000000<", 1), derivedSecret, ""), PSKCKey{Password: "qwerty"}, "rounds"},
		"a document type":           {`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + container("", plainSecret, ""), PSKCKey{}, "document type"},
		"no XML":                    {"user,secret", PSKCKey{}, "no KeyContainer"},
		"another document":          {"<a/>", PSKCKey{}, "no KeyContainer"},
		"another algorithm":         {strings.ReplaceAll(container("", plainSecret, ""), "pskc:hotp", "pskc:ocra"), PSKCKey{}, "neither hotp nor totp"},
		"no secret":                 {container("", "", ""), PSKCKey{}, "no secret"},
		"a secret that is none":     {container("", "<PlainValue>%%%</PlainValue>", ""), PSKCKey{}, "base 64"},
		"a counter that is none":    {strings.Replace(container("", plainSecret, ""), ">7<", ">x<", 1), PSKCKey{}, "no number"},
		"codes of letters":          {strings.Replace(container("", plainSecret, ""), "DECIMAL", "ALPHANUMERIC", 1), PSKCKey{}, "not decimal"},
	} {
		_, err := onlyRow(c.text, c.key)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "MTIz") {
			t.Errorf("%s: the error has a secret: %v", name, err)
		}
	}
}

func FuzzReadPSKC(f *testing.F) {
	f.Add(container("", plainSecret, ""))
	f.Add(container(shared, sharedSecret, ""))
	f.Fuzz(func(_ *testing.T, text string) {
		for range ReadPSKC(strings.NewReader(text), PSKCKey{Shared: make([]byte, 16)}) {
		}
	})
}
