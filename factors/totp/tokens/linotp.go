package tokens

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

// linOTPToken is a row of LinOTP's table Token, and the login name of its owner,
// which the query may add.
type linOTPToken struct {
	Serial  text `json:"LinOtpTokenSerialnumber"`
	Type    text `json:"LinOtpTokenType"`
	Info    text `json:"LinOtpTokenInfo"`
	UserID  text `json:"LinOtpUserid"`
	Digits  text `json:"LinOtpOtpLen"`
	Sealed  text `json:"LinOtpKeyEnc"`
	Vector  text `json:"LinOtpKeyIV"`
	Counter text `json:"LinOtpCount"`
	Active  text `json:"LinOtpIsactive"`
	User    text `json:"user"`
}

// linOTPInfo is the JSON in LinOtpTokenInfo.
type linOTPInfo struct {
	Hash   text `json:"hashlib"`
	Period text `json:"timeStep"`
	Phone  text `json:"phone"`
	// Limits of a token's use, which would end with the move.
	From      text `json:"validity_period_start"`
	Until     text `json:"validity_period_end"`
	Uses      text `json:"count_auth_max"`
	Successes text `json:"count_auth_success_max"`
}

// text is a value of JSON that is no list or object, as text: databases write
// numbers and truth values in several ways.
type text string

// UnmarshalJSON takes a string, a number, a truth value or null, which is "".
func (t *text) UnmarshalJSON(b []byte) error {
	switch {
	case len(b) > 0 && b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		*t = text(strings.TrimSpace(s))
	case string(b) == "null":
		*t = ""
	case len(b) > 0 && (b[0] == '{' || b[0] == '['):
		return errors.New("a list or an object in the place of a value")
	default:
		*t = text(b)
	}
	return nil
}

// ReadLinOTP yields the tokens of LinOTP 2 and 3: rows of its table Token, one
// JSON object a line, whose secrets encKey opens, the file of that name. The
// algorithm is of tokens that do not tell theirs. HOTP and TOTP tokens come over, and
// the telephones of SMS and voice tokens; others, those that are not active and
// those of nobody are left out.
//
// Without a key of encKey the file ends at once. Rows that are bad or left out
// are yielded as [Read] does.
func ReadLinOTP(r io.Reader, encKey []byte, algorithm totp.Algorithm) iter.Seq2[Row, error] {
	return eachLine(r, func(*lines) func(string) ([]Row, error) {
		return func(line string) ([]Row, error) {
			if len(encKey) < linOTPKey {
				return nil, errEnds{ErrNoEncKey}
			}
			var t linOTPToken
			if err := json.Unmarshal([]byte(line), &t); err != nil {
				return nil, errors.New("is no JSON object of a row of the table Token") // the cause may quote it
			}
			row, err := t.row(encKey[:linOTPKey], algorithm)
			return []Row{row}, err
		}
	})
}

// linOTPKey is how many octets a key of the file encKey has. The first is of the
// tokens, the others of passwords and of signatures.
const linOTPKey = 32

// ErrNoEncKey is of secrets of LinOTP that no key was given for.
var ErrNoEncKey = errors.New("the secrets are encrypted: give the file encKey of LinOTP, of 96 octets")

func (t linOTPToken) row(key []byte, algorithm totp.Algorithm) (Row, error) {
	row := Row{User: string(t.User), Serial: string(t.Serial), Label: string(t.Serial)}
	if row.Serial == "" {
		return Row{}, errors.New("LinOtpTokenSerialnumber is empty")
	}
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	if active, err := parseEnabled(string(t.Active)); err != nil {
		return Row{}, errors.New("LinOtpIsactive is neither true nor false")
	} else if !active {
		return Row{}, leftOut("token %s is not active there", row.Serial)
	}
	if t.UserID == "" && t.User == "" {
		return Row{}, leftOut("token %s is nobody's there", row.Serial)
	}
	var info linOTPInfo
	if t.Info != "" {
		if err := json.Unmarshal([]byte(t.Info), &info); err != nil {
			return Row{}, errors.New("LinOtpTokenInfo is no JSON object")
		}
	}
	if info.limited() {
		return Row{}, fmt.Errorf("token %s may be used for a time or so many times only, and here it could be for ever: end that there, or enroll her again", row.Serial)
	}
	var err error
	switch kind := strings.ToLower(cmp.Or(string(t.Type), "hmac")); kind {
	case "hmac", "totp":
		row.Token, err = t.token(kind, info, key, algorithm)
	case "sms", "voice":
		if info.Phone == "" {
			return Row{}, leftOut("token %s has no telephone of its own: that of the directory is used", row.Serial)
		}
		row.Phones = []string{string(info.Phone)}
		err = row.checkNames()
	default:
		return Row{}, leftOut("token %s is of type %q, which has no codes to come over", row.Serial, kind)
	}
	return row, err
}

// limited reports whether a token is for a time or a number of uses.
func (i linOTPInfo) limited() bool {
	return i.From != "" || i.Until != "" ||
		slices.ContainsFunc([]text{i.Uses, i.Successes}, func(n text) bool { return strings.Trim(string(n), "0") != "" })
}

// token makes one of HOTP or TOTP.
func (t linOTPToken) token(kind string, info linOTPInfo, key []byte, algorithm totp.Algorithm) (totp.Token, error) {
	token := totp.Token{Kind: totp.KindTime, Algorithm: algorithm}
	var err error
	if info.Hash != "" {
		if token.Algorithm, err = totp.ParseAlgorithm(string(info.Hash)); err != nil {
			return totp.Token{}, err
		}
	}
	if token.Digits, err = number("LinOtpOtpLen", string(t.Digits), 6); err != nil {
		return totp.Token{}, err
	}
	if kind == "totp" {
		period, err := number("timeStep", string(info.Period), 30)
		if err != nil {
			return totp.Token{}, err
		}
		token.Period = time.Duration(period) * time.Second
	} else {
		token.Kind = totp.KindCounter
		// It is the next one, also behind a code that was just used.
		if token.Counter, err = strconv.ParseUint(string(t.Counter), 10, 63); err != nil {
			return totp.Token{}, errors.New("LinOtpCount is not a number")
		}
	}
	if token.Seed, err = openLinOTP(key, string(t.Vector), string(t.Sealed)); err != nil {
		return totp.Token{}, err
	}
	return token, token.Validate()
}

var errEncKeyWrong = errors.New("does not open with this encKey: is it of the same LinOTP, and of the same day?")

// openLinOTP opens a secret: AES-256-CBC over the hexadecimal form of the
// hexadecimal form of the seed, with a padding of either [pkcs7] or, in databases
// that no LinOTP from 3.1 on has upgraded, [endMark]. There is no MAC: that both
// forms are hexadecimal tells a wrong key.
func openLinOTP(key []byte, vector, sealed string) (totp.Seed, error) {
	iv, ivErr := hex.DecodeString(vector)
	data, err := hex.DecodeString(sealed)
	if err := cmp.Or(ivErr, err); err != nil || len(iv) != aes.BlockSize || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errors.New("LinOtpKeyEnc or LinOtpKeyIV is cut off or not hexadecimal")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	inner, ok := pkcs7(data)
	if !ok {
		inner, ok = endMark(data)
	}
	for range 2 {
		n, err := hex.Decode(inner, inner)
		if !ok || err != nil {
			return nil, errEncKeyWrong
		}
		inner = inner[:n]
	}
	return inner, nil
}

// pkcs7 takes the padding off (RFC 5652, section 6.3).
func pkcs7(b []byte) ([]byte, bool) {
	n := int(b[len(b)-1])
	if n < 1 || n > aes.BlockSize {
		return nil, false
	}
	text, padding := b[:len(b)-n], b[len(b)-n:]
	return text, !slices.ContainsFunc(padding, func(p byte) bool { return int(p) != n })
}

// endMark takes 01 02, and the zeros behind it, off.
func endMark(b []byte) ([]byte, bool) {
	text, ok := strings.CutSuffix(strings.TrimRight(string(b), "\x00"), "\x01\x02")
	return []byte(text), ok
}
