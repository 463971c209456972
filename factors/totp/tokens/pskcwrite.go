package tokens

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/portvakt/portvakt/factors/totp"
)

const (
	// MinPassword is how many characters a password of [WritePSKC] must have:
	// whoever has the file can try passwords as fast as his computers go.
	MinPassword = 16
	// MaxPSKC is how many tokens one container may have.
	MaxPSKC = 100_000
	// writeIterations make each try of the password cost about a second.
	writeIterations = 1_300_000
	writeKey        = 16 // octets: AES-128 (RFC 6030, section 6.1)
	writeMACKey     = 20 // octets: as long as what HMAC-SHA-1 makes (RFC 2104, section 3)
	writeSalt       = 16 // octets
)

// pskcHead goes in front of the packages: how the key is made of the password
// (RFC 6030, section 6.2), and the key of the MACs under it (section 6.1.1). The
// pseudo-random function is left out, as its default is HMAC-SHA-1 and not all
// readers know others.
const pskcHead = `<?xml version="1.0" encoding="UTF-8"?>
<pskc:KeyContainer Version="1.0" xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:xenc11="http://www.w3.org/2009/xmlenc11#" xmlns:pkcs5="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#">
  <pskc:EncryptionKey>
    <xenc11:DerivedKey>
      <xenc11:KeyDerivationMethod Algorithm="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2">
        <pkcs5:PBKDF2-params>
          <Salt><Specified>%s</Specified></Salt>
          <IterationCount>%d</IterationCount>
          <KeyLength>%d</KeyLength>
        </pkcs5:PBKDF2-params>
      </xenc11:KeyDerivationMethod>
      <xenc11:MasterKeyName>password</xenc11:MasterKeyName>
    </xenc11:DerivedKey>
  </pskc:EncryptionKey>
  <pskc:MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1">
    <pskc:MACKey>
      <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
      <xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData>
    </pskc:MACKey>
  </pskc:MACMethod>
`

// WritePSKC writes rows as a key container (RFC 6030) whose secrets are
// encrypted by AES-128-CBC under a key made of the password, each with a MAC.
// The password must have [MinPassword] characters, and there may be [MaxPSKC]
// rows.
func WritePSKC(w io.Writer, rows []Row, password string) error {
	return writePSKC(w, rows, password, writeIterations)
}

func writePSKC(w io.Writer, rows []Row, password string, iterations int) error {
	if utf8.RuneCountInString(password) < MinPassword {
		return fmt.Errorf("the password has fewer than %d characters", MinPassword)
	}
	if len(rows) > MaxPSKC {
		return fmt.Errorf("%d tokens are too many for one container, which may have %d: write some of the people at a time", len(rows), MaxPSKC)
	}
	salt := make([]byte, writeSalt)
	_, _ = rand.Read(salt) // never fails (Go 1.24)
	key, err := pbkdf2.Key(sha1.New, password, salt, iterations, writeKey)
	if err != nil {
		return err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	macKey := make([]byte, writeMACKey)
	_, _ = rand.Read(macKey)
	base64 := base64.StdEncoding.EncodeToString
	out := bufio.NewWriter(w)
	_, _ = fmt.Fprintf(out, pskcHead, base64(salt), iterations, writeKey, base64(seal(block, macKey)))
	for _, r := range rows {
		sealed := seal(block, r.Token.Seed)
		mac := hmac.New(sha1.New, macKey)
		mac.Write(sealed)
		if err := writePackage(out, r, base64(sealed), base64(mac.Sum(nil))); err != nil {
			return err
		}
	}
	_, _ = out.WriteString("</pskc:KeyContainer>\n")
	return out.Flush()
}

// seal encrypts by AES in CBC mode, a random vector in front (XML Encryption,
// section 5.2).
func seal(block cipher.Block, plain []byte) []byte {
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	sealed := make([]byte, aes.BlockSize, 2*aes.BlockSize+len(plain))
	_, _ = rand.Read(sealed)
	padded := append(append([]byte(nil), plain...), strings.Repeat(string([]byte{byte(padding)}), padding)...)
	sealed = sealed[:aes.BlockSize+len(padded)]
	cipher.NewCBCEncrypter(block, sealed[:aes.BlockSize]).CryptBlocks(sealed[aes.BlockSize:], padded)
	clear(padded)
	return sealed
}

func writePackage(out *bufio.Writer, r Row, sealed, mac string) error {
	t := r.Token
	moving := fmt.Sprintf("<pskc:Counter><pskc:PlainValue>%d</pskc:PlainValue></pskc:Counter>", t.Counter)
	if t.Kind == totp.KindTime {
		// A reader of the schema wants the time, too: where counting begins.
		moving = fmt.Sprintf("<pskc:Time><pskc:PlainValue>0</pskc:PlainValue></pskc:Time>\n        <pskc:TimeInterval><pskc:PlainValue>%d</pskc:PlainValue></pskc:TimeInterval>",
			int(t.Period/time.Second))
	}
	suite := map[totp.Algorithm]string{totp.SHA1: "HMAC-SHA1", totp.SHA256: "HMAC-SHA256", totp.SHA512: "HMAC-SHA512"}[t.Algorithm]
	if suite == "" {
		return errors.New("a token has an algorithm that is not known")
	}
	text := func(s string) string {
		var b strings.Builder
		_ = xml.EscapeText(&b, []byte(s))
		return b.String()
	}
	_, err := fmt.Fprintf(out, `  <pskc:KeyPackage>
    <pskc:DeviceInfo><pskc:SerialNo>%s</pskc:SerialNo></pskc:DeviceInfo>
    <pskc:Key Id="%s" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:%s">
      <pskc:AlgorithmParameters>
        <pskc:Suite>%s</pskc:Suite>
        <pskc:ResponseFormat Length="%d" Encoding="DECIMAL"/>
      </pskc:AlgorithmParameters>
      <pskc:FriendlyName>%s</pskc:FriendlyName>
      <pskc:Data>
        <pskc:Secret>
          <pskc:EncryptedValue>
            <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
            <xenc:CipherData><xenc:CipherValue>%s</xenc:CipherValue></xenc:CipherData>
          </pskc:EncryptedValue>
          <pskc:ValueMAC>%s</pskc:ValueMAC>
        </pskc:Secret>
        %s
      </pskc:Data>
      <pskc:UserId>UID=%s</pskc:UserId>
    </pskc:Key>
  </pskc:KeyPackage>
`, text(r.Serial), text(r.Serial), t.Kind, suite, t.Digits, text(r.Label), sealed, mac, moving, text(escapeDN(r.User)))
	return err
}
