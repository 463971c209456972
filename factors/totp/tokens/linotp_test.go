package tokens

import (
	"bytes"
	"io"
	"iter"
	"os"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/totp"
)

// linOTP returns what testdata/linotp.sh made with openssl and sqlite3.
func linOTP(t testing.TB) (rows, encKey []byte) {
	t.Helper()
	rows, err := os.ReadFile("testdata/linotp.json")
	if err != nil {
		t.Fatal(err)
	}
	if encKey, err = os.ReadFile("testdata/linotp.enckey"); err != nil {
		t.Fatal(err)
	}
	return rows, encKey
}

func TestReadLinOTP(t *testing.T) {
	file, encKey := linOTP(t)
	want := `1: "TOTP0001" "TOTP0001" totp SHA256 8 every 1m0s (32)
2: "OATH0002" "OATH0002" hotp SHA1 6 from 42 (20)
3: "OATH0003" "OATH0003" hotp SHA1 6 from 7 (20)
4: "TOTP0004" "TOTP0004" totp SHA1 6 every 30s (20)
5: "LSSM0005" "LSSM0005" "+47 900 00 042"
6: ! line 6: token TOTP0006 is not active there
7: ! line 7: token TOTP0007 is nobody's there
8: ! line 8: token KIPT0008 is of type "push", which has no codes to come over
9: ! line 9: token PW000009 is of type "pw", which has no codes to come over
10: ! line 10: token TOTP0010 may be used for a time or so many times only, and here it could be for ever: end that there, or enroll her again
11: ! line 11: algorithm is none of SHA1, SHA256, SHA512
`
	if got := list(ReadLinOTP(bytes.NewReader(file), encKey, totp.SHA1)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	// Both paddings, and both cases of hexadecimal, open to what was sealed.
	seeds := map[string]string{"TOTP0001": "12345678901234567890123456789012", "OATH0002": seed20, "OATH0003": "ABCDEFGHIJKLMNOPQRST", "TOTP0004": "abcdefghijklmnopqrst"}
	for row, err := range ReadLinOTP(bytes.NewReader(file), encKey, totp.SHA1) {
		if err == nil && string(row.Token.Seed) != seeds[row.Serial] {
			t.Errorf("%s opens to something else", row.Serial)
		}
	}
}

func TestAnotherEncKeyOpensNothing(t *testing.T) {
	file, encKey := linOTP(t)
	first, _, _ := bytes.Cut(file, []byte("\n"))
	encKey[0]++
	for name, tt := range map[string]struct {
		key  []byte
		want string
	}{
		"another":   {encKey, "1: ! line 1: does not open with this encKey: is it of the same LinOTP, and of the same day?\n"},
		"cut off":   {encKey[:31], "1: ! line 1: the secrets are encrypted: give the file encKey of LinOTP, of 96 octets\n"},
		"not given": {nil, "1: ! line 1: the secrets are encrypted: give the file encKey of LinOTP, of 96 octets\n"},
	} {
		if got := list(ReadLinOTP(bytes.NewReader(first), tt.key, totp.SHA1)); got != tt.want {
			t.Errorf("%s: got %swant %s", name, got, tt.want)
		}
	}
}

func TestLinOTPRows(t *testing.T) {
	_, encKey := linOTP(t)
	sealed := `"LinOtpKeyEnc":"2da7c75098855f4dead87fbb88371a110a7c3d75b34c46b9499be686036c4c8e7ef884ae62929abce6b97f56103e27963110aa195dd319e979fcf7bb7fef022213766b90cef753c2e2bc67036ab90b15f7c1e71d17e72a7933df284d4754aa08","LinOtpKeyIV":"f0e0d0c0b0a090807060504030201000"`
	good := `"LinOtpTokenSerialnumber":"T1","LinOtpUserid":"7","LinOtpIsactive":true,"LinOtpOtpLen":6,` + sealed
	table{
		{
			"values are written in several ways, and the query may name the owner",
			`{` + good + `,"LinOtpTokenType":"totp","user":"anna"}` + "\n" + `{` + good + `,"LinOtpTokenType":null,"LinOtpCount":"9"}` + "\n" +
				`{` + good + `,"LinOtpTokenType":"HMAC","LinOtpCount":1e3}` + "\n",
			`1: "anna" "T1" "T1" totp SHA256 6 every 30s (20)` + "\n" + `2: "T1" "T1" hotp SHA256 6 from 9 (20)` + "\n" + "3: ! line 3: LinOtpCount is not a number\n",
		},
		{
			"what cannot be read is refused, without what it says",
			"T1\n{\n[]\n" + `{"LinOtpTokenSerialnumber":["` + b32 + `"]}` + "\n{}\n" + `{` + good + `,"LinOtpTokenInfo":"` + b32 + `"}` + "\n" +
				`{"LinOtpTokenSerialnumber":"T1","LinOtpUserid":"7"}` + "\n" + strings.Replace(`{`+good+`,"LinOtpTokenType":"totp"}`, `"f0e0`, `"f0`, 1) + "\n" +
				`{` + good + `,"LinOtpTokenType":"totp","LinOtpTokenInfo":"{\"timeStep\":45}"}` + "\n" + `{` + good + `,"LinOtpTokenType":"totp","user":"a\u0007b"}` + "\n" +
				`{` + good + `,"LinOtpTokenType":"totp","LinOtpTokenInfo":"{\"count_auth_max\":3}"}` + "\n" +
				`{` + good + `,"LinOtpTokenType":"totp","LinOtpTokenInfo":"{\"count_auth_max\":0,\"validity_period_end\":\"\"}"}` + "\n" +
				`{` + good + `,"LinOtpTokenType":"voice"}` + "\n",
			"1: ! line 1: is no JSON object of a row of the table Token\n2: ! line 2: is no JSON object of a row of the table Token\n" +
				"3: ! line 3: is no JSON object of a row of the table Token\n4: ! line 4: is no JSON object of a row of the table Token\n" +
				"5: ! line 5: LinOtpTokenSerialnumber is empty\n6: ! line 6: LinOtpTokenInfo is no JSON object\n" +
				"7: ! line 7: LinOtpIsactive is neither true nor false\n8: ! line 8: LinOtpKeyEnc or LinOtpKeyIV is cut off or not hexadecimal\n" +
				"9: ! line 9: a period of 45s; 30s or 60s are supported\n10: ! line 10: user has control characters\n" +
				"11: ! line 11: token T1 may be used for a time or so many times only, and here it could be for ever: end that there, or enroll her again\n" +
				`12: "T1" "T1" totp SHA256 6 every 30s (20)` + "\n" +
				"13: ! line 13: token T1 has no telephone of its own: that of the directory is used\n",
		},
	}.run(t, func(r io.Reader) iter.Seq2[Row, error] { return ReadLinOTP(r, encKey, totp.SHA256) })
}

func FuzzReadLinOTP(f *testing.F) {
	file, encKey := linOTP(f)
	for line := range bytes.Lines(file) {
		f.Add(line, encKey)
	}
	f.Fuzz(func(t *testing.T, file, encKey []byte) {
		for row, err := range ReadLinOTP(bytes.NewReader(file), encKey, totp.SHA1) {
			if err != nil || len(row.Phones) > 0 && row.Token.Seed == nil {
				continue
			}
			if _, err := totp.NewCredential(row.Label, row.Token); err != nil || row.Serial == "" {
				t.Errorf("line %d was taken: %v", row.Line, err)
			}
		}
	})
}

// FuzzOpenLinOTP opens anything: nothing but a text of both forms is a seed.
func FuzzOpenLinOTP(f *testing.F) {
	f.Add(bytes.Repeat([]byte{7}, 32), strings.Repeat("0f", 16), strings.Repeat("1e", 32))
	f.Fuzz(func(t *testing.T, key []byte, vector, sealed string) {
		if len(key) != linOTPKey {
			t.Skip()
		}
		if seed, err := openLinOTP(key, vector, sealed); err == nil && len(seed) > len(sealed)/8 {
			t.Errorf("%d octets out of %d", len(seed), len(sealed)/2)
		}
	})
}
