package tokens

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// maxIterations bounds what a container can make us compute.
const maxIterations = 10_000_000

// ErrNeedsKey is of a key container whose key, or password, was not given.
var ErrNeedsKey = errors.New("its secrets are encrypted: give the key, or the password, that came with it")

var errWrongKey = errors.New("does not open with this key or password")

// A pskcOpener opens the values of one container.
type pskcOpener struct {
	key    []byte // nil for a container in the clear
	mac    func() hash.Hash
	macKey []byte
}

func newPSKCOpener(c *pskcContainer, k PSKCKey) (*pskcOpener, error) {
	o := &pskcOpener{}
	if c.Encryption == nil {
		return o, nil
	}
	switch d := c.Encryption.Derived; {
	case d == nil && len(k.Shared) == 0, d != nil && k.Password == "":
		return nil, ErrNeedsKey
	case d == nil:
		o.key = k.Shared
	default:
		m := d.Method
		if !strings.HasSuffix(m.Algorithm, "#pbkdf2") {
			return nil, errors.New("its key is derived by another method than PBKDF2")
		}
		if m.Params.PRF.Algorithm != "" && !strings.HasSuffix(strings.ToLower(m.Params.PRF.Algorithm), "hmac-sha1") {
			return nil, errors.New("its key is derived with another function than HMAC-SHA-1")
		}
		if n := m.Params.Iterations; n < 1 || n > maxIterations || m.Params.Length < 16 || m.Params.Length > 32 {
			return nil, fmt.Errorf("its key is derived in %d rounds to %d octets", n, m.Params.Length)
		}
		salt, err := fromBase64(m.Params.Salt)
		if err != nil {
			return nil, fmt.Errorf("its salt: %w", err)
		}
		if o.key, err = pbkdf2.Key(sha1.New, k.Password, salt, m.Params.Iterations, m.Params.Length); err != nil {
			return nil, err
		}
	}
	return o, o.authenticate(c.MAC)
}

// authenticate takes the key of the MACs into use. Without one nothing would
// tell a wrong key from a right one: CBC opens to anything (RFC 6030, section
// 6.1.1, wants it).
func (o *pskcOpener) authenticate(m *pskcMAC) error {
	if m == nil {
		return errors.New("has encrypted secrets and no MACMethod: a changed file could not be told")
	}
	switch {
	case strings.HasSuffix(m.Algorithm, "#hmac-sha1"):
		o.mac = sha1.New
	case strings.HasSuffix(m.Algorithm, "#hmac-sha256"):
		o.mac = sha256.New
	case strings.HasSuffix(m.Algorithm, "#hmac-sha512"):
		o.mac = sha512.New
	default:
		return errors.New("its MACMethod is not known")
	}
	if m.Key == nil {
		o.macKey = o.key // RFC 6030, section 6.1.1: the encryption key then
		return nil
	}
	sealed, err := fromBase64(m.Key.Value)
	if err != nil {
		return fmt.Errorf("its MACKey: %w", err)
	}
	if o.macKey, err = o.decrypt(m.Key.Method.Algorithm, sealed); err != nil {
		return fmt.Errorf("its MACKey: %w", err)
	}
	return nil
}

// value opens one value.
func (o *pskcOpener) value(v pskcValue) ([]byte, error) {
	if v.Plain != nil {
		return fromBase64(*v.Plain)
	}
	if v.Encrypted == nil {
		return nil, nil
	}
	if o.key == nil {
		return nil, errors.New("is encrypted, and the container names no key")
	}
	sealed, err := fromBase64(v.Encrypted.Value)
	if err != nil {
		return nil, err
	}
	tag, err := fromBase64(v.MAC)
	if err != nil {
		return nil, err
	}
	if len(tag) == 0 {
		return nil, errors.New("has no MAC: a changed file could not be told")
	}
	mac := hmac.New(o.mac, o.macKey)
	mac.Write(sealed)
	if !hmac.Equal(mac.Sum(nil), tag) {
		return nil, errWrongKey
	}
	return o.decrypt(v.Encrypted.Method.Algorithm, sealed)
}

// decrypt opens AES in CBC mode, with the vector in front (XML Encryption,
// section 5.2).
func (o *pskcOpener) decrypt(algorithm string, sealed []byte) ([]byte, error) {
	var size int
	if _, err := fmt.Sscanf(algorithm[strings.LastIndexByte(algorithm, '#')+1:], "aes%d-cbc", &size); err != nil || size != 128 && size != 192 && size != 256 {
		return nil, errors.New("is encrypted by another algorithm than AES-CBC")
	}
	if len(o.key) != size/8 {
		return nil, fmt.Errorf("wants a key of %d octets: %w", size/8, errWrongKey)
	}
	if len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, errors.New("is cut off")
	}
	block, err := aes.NewCipher(o.key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize || padding > len(plain) {
		return nil, errWrongKey
	}
	return plain[:len(plain)-padding], nil
}
