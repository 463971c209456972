package tokens

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// maxPSKC bounds a key container, which is in memory as a whole. One that
// WritePSKC makes of [MaxPSKC] tokens has about half of it.
const maxPSKC = 256 << 20

// A PSKCKey opens the secrets of a key container; both may be empty for one
// whose secrets are in the clear.
type PSKCKey struct {
	// Shared is the key that was agreed on (RFC 6030, section 6.1).
	Shared []byte
	// Password makes the key (RFC 6030, section 6.2).
	Password string
}

// The parts of a key container that matter here (RFC 6030, section 4).
type (
	pskcContainer struct {
		XMLName    xml.Name      `xml:"urn:ietf:params:xml:ns:keyprov:pskc KeyContainer"`
		Encryption *pskcKey      `xml:"EncryptionKey"`
		MAC        *pskcMAC      `xml:"MACMethod"`
		Packages   []pskcPackage `xml:"KeyPackage"`
		Signature  *struct{}     `xml:"http://www.w3.org/2000/09/xmldsig# Signature"`
	}
	pskcKey struct {
		Derived *struct {
			Method struct {
				Algorithm string `xml:"Algorithm,attr"`
				Params    struct {
					Salt       string `xml:"Salt>Specified"`
					Iterations int    `xml:"IterationCount"`
					Length     int    `xml:"KeyLength"`
					PRF        struct {
						Algorithm string `xml:"Algorithm,attr"`
					} `xml:"PRF"`
				} `xml:"PBKDF2-params"`
			} `xml:"KeyDerivationMethod"`
		} `xml:"DerivedKey"`
	}
	pskcMAC struct {
		Algorithm string      `xml:"Algorithm,attr"`
		Key       *pskcCipher `xml:"MACKey"`
	}
	pskcCipher struct {
		Method struct {
			Algorithm string `xml:"Algorithm,attr"`
		} `xml:"EncryptionMethod"`
		Value string `xml:"CipherData>CipherValue"`
	}
	pskcValue struct {
		Plain     *string     `xml:"PlainValue"`
		Encrypted *pskcCipher `xml:"EncryptedValue"`
		MAC       string      `xml:"ValueMAC"`
	}
	pskcPackage struct {
		Serial string `xml:"DeviceInfo>SerialNo"`
		User   string `xml:"DeviceInfo>UserId"`
		Key    struct {
			ID        string `xml:"Id,attr"`
			Algorithm string `xml:"Algorithm,attr"`
			User      string `xml:"UserId"`
			Name      string `xml:"FriendlyName"`
			Suite     struct {
				Name string `xml:",chardata"`
				// Hash is where privacyIDEA writes it.
				Hash string `xml:"hashalgo,attr"`
			} `xml:"AlgorithmParameters>Suite"`
			Secret   pskcValue `xml:"Data>Secret"`
			Counter  pskcValue `xml:"Data>Counter"`
			Interval pskcValue `xml:"Data>TimeInterval"`
			Format   struct {
				Length   int    `xml:"Length,attr"`
				Encoding string `xml:"Encoding,attr"`
			} `xml:"AlgorithmParameters>ResponseFormat"`
		} `xml:"Key"`
	}
)

var errDTD = errors.New("has a document type: key containers need none, and one can make a reader fetch files")

// ReadPSKC yields the tokens of a Portable Symmetric Key Container (RFC 6030):
// HOTP and TOTP, with secrets in the clear or encrypted by AES-CBC, whose MAC is
// checked before anything is decrypted. Signatures are not looked at. Row.Line
// counts the packages. A token's User is the UID of its UserId, if it has one.
//
// A container that cannot be opened ends at once; a bad package is yielded as
// [Read] does.
func ReadPSKC(r io.Reader, key PSKCKey) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		c, err := parsePSKC(r)
		var open *pskcOpener
		if err == nil {
			open, err = newPSKCOpener(c, key)
		}
		if err != nil {
			yield(Row{}, fmt.Errorf("key container: %w", err))
			return
		}
		for i := range c.Packages {
			row, err := c.Packages[i].row(open)
			row.Line = i + 1
			if err != nil {
				row, err = Row{Line: i + 1}, &LineError{i + 1, err}
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// parsePSKC reads a container, and refuses document types before it does.
func parsePSKC(r io.Reader) (*pskcContainer, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxPSKC+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxPSKC {
		return nil, fmt.Errorf("has more than %d MiB: cut it into several", maxPSKC>>20)
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New("is not well-formed XML")
		}
		if _, ok := t.(xml.Directive); ok {
			return nil, errDTD
		}
	}
	if len(bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))) == 0 {
		return nil, ErrNoRows
	}
	c := &pskcContainer{}
	if err := xml.Unmarshal(b, c); err != nil {
		return nil, errors.New("is no KeyContainer of RFC 6030")
	}
	if len(c.Packages) == 0 {
		return nil, fmt.Errorf("has no KeyPackage: %w", ErrNoRows)
	}
	return c, nil
}

func (p *pskcPackage) row(open *pskcOpener) (Row, error) {
	k := &p.Key
	t := totp.Token{Digits: 6, Algorithm: totp.SHA1}
	switch strings.TrimPrefix(k.Algorithm, "urn:ietf:params:xml:ns:keyprov:pskc:") {
	case "hotp":
		t.Kind = totp.KindCounter
	case "totp":
		t.Kind, t.Period = totp.KindTime, 30*time.Second
	default:
		return Row{}, errors.New("its algorithm is neither hotp nor totp")
	}
	if f := k.Format; f.Length != 0 {
		if f.Encoding != "DECIMAL" {
			return Row{}, errors.New("its codes are not decimal digits")
		}
		t.Digits = f.Length
	}
	if s := cmp.Or(strings.TrimSpace(k.Suite.Name), k.Suite.Hash); s != "" {
		a, err := totp.ParseAlgorithm(strings.ReplaceAll(strings.TrimPrefix(s, "HMAC-"), "-", ""))
		if err != nil {
			return Row{}, err
		}
		t.Algorithm = a
	}
	var err error
	if t.Seed, err = open.value(k.Secret); err != nil {
		return Row{}, fmt.Errorf("its secret: %w", err)
	}
	if len(t.Seed) == 0 {
		return Row{}, errors.New("it has no secret")
	}
	for _, n := range []struct {
		what string
		from pskcValue
		to   func(uint64)
	}{
		{"counter", k.Counter, func(v uint64) { t.Counter = v }},
		{"interval", k.Interval, func(v uint64) { t.Period = time.Duration(min(v, 3600)) * time.Second }},
	} {
		v, ok, err := open.number(n.from)
		if err != nil {
			return Row{}, fmt.Errorf("its %s: %w", n.what, err)
		}
		if ok {
			n.to(v)
		}
	}
	if t.Kind == totp.KindTime {
		t.Counter = 0
	}
	row := Row{User: uidOf(k.User, p.User), Serial: strings.TrimSpace(p.Serial), Token: t, Label: strings.TrimSpace(k.Name)}
	row.Label = cmp.Or(row.Label, row.Serial)
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	return row, t.Validate()
}

// uidOf takes the login name out of a distinguished name, or is the text.
func uidOf(names ...string) string {
	for _, name := range names {
		for part := range strings.SplitSeq(name, ",") {
			key, value, ok := strings.Cut(part, "=")
			if ok && strings.EqualFold(strings.TrimSpace(key), "UID") {
				return unescapeDN(strings.TrimSpace(value))
			}
		}
		if name != "" && !strings.Contains(name, "=") {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// dnSpecials are written as a backslash and two hexadecimal digits in a value of
// a distinguished name (RFC 4514, section 2.4).
const dnSpecials = "\"#+,;<=>\\"

func escapeDN(value string) string {
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; strings.IndexByte(dnSpecials, c) >= 0 || c == ' ' && (i == 0 || i == len(value)-1) {
			fmt.Fprintf(&b, "\\%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unescapeDN(value string) string {
	var b []byte
	for i := 0; i < len(value); i++ {
		c := value[i]
		if c == '\\' && i+2 < len(value) {
			if v, err := strconv.ParseUint(value[i+1:i+3], 16, 8); err == nil {
				c, i = byte(v), i+2
			}
		}
		b = append(b, c)
	}
	return string(b)
}

// number reads a value that is a number: as text in the clear, as eight octets
// when it was encrypted.
func (o *pskcOpener) number(v pskcValue) (n uint64, there bool, err error) {
	if v.Plain != nil {
		n, err = strconv.ParseUint(strings.TrimSpace(*v.Plain), 10, 63)
		if err != nil {
			return 0, false, errors.New("is no number")
		}
		return n, true, nil
	}
	if v.Encrypted == nil {
		return 0, false, nil
	}
	b, err := o.value(v)
	if err != nil || len(b) > 8 {
		return 0, false, errors.Join(err, errors.New("is no number of eight octets"))
	}
	for _, octet := range b {
		n = n<<8 | uint64(octet)
	}
	return n, true, nil
}

func fromBase64(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		return nil, errors.New("is no base 64")
	}
	return b, nil
}
