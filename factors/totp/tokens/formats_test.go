package tokens

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/totp"
)

const seed20 = "12345678901234567890" // b32 and hexKey

func TestReadOTPAuth(t *testing.T) {
	table{
		{
			"apps write issuer and account in front",
			"# from Aegis\notpauth://totp/Example%20Co:anna?secret=" + b32 + "&issuer=Example%20Co&image=x\n" +
				"otpauth://totp/anna?secret=" + strings.ToLower(b32) + "&algorithm=SHA256&digits=8&period=60\n" +
				"otpauth://hotp/Example:bj%C3%B8rn?secret=" + b32 + "&counter=17&algorithm=SHA512\n",
			`2: "anna" "Example Co" totp SHA1 6 every 30s (20)` + "\n" + `3: "anna" totp SHA256 8 every 1m0s (20)` + "\n" +
				`4: "bjørn" "Example" hotp SHA512 6 from 17 (20)` + "\n",
		},
		{
			"each bad row is told, without what may be a secret",
			"otpauth://totp/anna?secret=" + b32[:16] + "\notpauth://totp/?secret=" + b32 + "\notpauth://steam/anna?secret=" + b32 +
				"\notpauth://hotp/anna?secret=" + b32 + "\nhttps://example.org/" + b32 + "\notpauth://totp/anna?secret=" + b32 + "&digits=7" +
				"\notpauth://totp/anna?secret=" + b32 + "&algorithm=MD5\notpauth://totp/a%00b?secret=" + b32 + "\nanna " + b32 + "%zz\notpauth://totp/anna?secret=%zz",
			"1: ! line 1: secret has 10 octets; at least 16 are needed (128 bit)\n2: ! line 2: names no account\n" +
				"3: ! line 3: type is neither totp nor hotp\n4: ! line 4: counter is missing or not a number\n" +
				"5: ! line 5: begins with neither otpauth:// nor otpauth-migration://\n6: ! line 6: 7 digits; 6 or 8 are supported\n" +
				"7: ! line 7: algorithm is none of SHA1, SHA256, SHA512\n8: ! line 8: user has control characters\n9: ! line 9: is no URI\n" +
				"10: ! line 10: has parameters that cannot be read\n",
		},
	}.run(t, ReadOTPAuth)
}

// number and octets write a field of protocol buffers.
func pbNumber(field int, v uint64) string {
	return string(binary.AppendUvarint([]byte{byte(field << 3)}, v))
}

func pbOctets(field int, s string) string {
	return string(binary.AppendUvarint([]byte{byte(field<<3 | 2)}, uint64(len(s)))) + s
}

func migration(payload string) string {
	return "otpauth-migration://offline?data=" + url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(payload))) + "\n"
}

func TestMigrationLinks(t *testing.T) {
	anna := pbOctets(1, seed20) + pbOctets(2, "Example:anna") + pbOctets(3, "Example") + pbNumber(4, 1) + pbNumber(5, 1) + pbNumber(6, 2)
	counter := pbOctets(1, seed20) + pbOctets(2, "bob") + pbNumber(4, 2) + pbNumber(5, 2) + pbNumber(6, 1) + pbNumber(7, 300)
	batch := pbNumber(2, 1) + pbNumber(3, 1) + pbNumber(4, 0) + string([]byte{5 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	table{
		{
			"a link has several tokens",
			migration(pbOctets(1, anna)+pbOctets(1, counter)+batch) + migration(pbOctets(1, pbOctets(1, seed20)+pbOctets(2, "carol"))),
			`1: "anna" "Example" totp SHA1 6 every 30s (20)` + "\n" + `1: "bob" hotp SHA256 8 from 300 (20)` + "\n" +
				`2: "carol" totp SHA1 6 every 30s (20)` + "\n",
		},
		{
			// The example that is published with descriptions of the format.
			"a secret of 80 bit is refused",
			"otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8SGEV4YW1wbGU6YWxpY2VAZ29vZ2xlLmNvbRoHRXhhbXBsZTAC\n",
			"1: ! line 1: token 1: secret has 10 octets; at least 16 are needed (128 bit); none of its 1 tokens is taken\n",
		},
		{
			"one bad token refuses its link, and the next is read",
			migration(pbOctets(1, anna)+pbOctets(1, anna+pbNumber(4, 4))) + migration(pbOctets(1, anna)),
			"1: ! line 1: token 2: algorithm, digits or type are not supported; none of its 2 tokens is taken\n" +
				`2: "anna" "Example" totp SHA1 6 every 30s (20)` + "\n",
		},
		{
			"what is cut off is refused",
			migration(pbOctets(1, anna)[:20]) + migration("\x0d1234") + migration("\x08") + migration("") + "otpauth-migration://offline?data=%25%25\n",
			"1: ! line 1: its data is cut off or no message of protocol buffers\n2: ! line 2: its data is cut off or no message of protocol buffers\n" +
				"3: ! line 3: its data is cut off or no message of protocol buffers\n4: ! line 4: has no tokens\n5: ! line 5: its data is no base 64\n",
		},
		{
			"all links of a migration must be there",
			migration(pbOctets(1, anna)+pbNumber(3, 3)+pbNumber(4, 0)+pbNumber(5, 7)) + migration(pbOctets(1, anna)+pbNumber(3, 3)+pbNumber(4, 2)+pbNumber(5, 7)) +
				migration(pbOctets(1, anna)+pbNumber(3, 1)+pbNumber(5, 8)),
			`1: "anna" "Example" totp SHA1 6 every 30s (20)` + "\n" + `2: "anna" "Example" totp SHA1 6 every 30s (20)` + "\n" + `3: "anna" "Example" totp SHA1 6 every 30s (20)` + "\n" +
				"3: ! line 3: is the last, and 1 links of the same migration are missing: the app shows them one after the other\n",
		},
		{
			"numbers that cannot be right are refused",
			migration(pbOctets(1, anna)+pbNumber(3, 2)+pbNumber(4, 2)) + migration(pbOctets(1, anna)+pbNumber(3, 1<<40)),
			"1: ! line 1: its number among the links of the migration cannot be right\n2: ! line 2: its number among the links of the migration cannot be right\n",
		},
		{
			"tokens of a link have a limit",
			migration(strings.Repeat(pbOctets(1, pbOctets(2, "a")), maxMigration+1)),
			"1: ! line 1: has more than 100 tokens\n",
		},
	}.run(t, ReadOTPAuth)
}

func TestReadYubico(t *testing.T) {
	table{
		{
			"both formats of the log are read",
			"LOGGING START,11.12.13 18:55\nOATH-HOTP,11.12.13 18:55,1,cccccccccccc,," + hexKey + ",,,0,0,0,8,16,0,0,0,0,0\n508326,,32," + hexKey + ",,2013-12-12T08:41:07,\n",
			`2: "cccccccccccc" "YubiKey cccccccccccc" hotp SHA1 8 from 16 (20)` + "\n" + `3: "508326" "YubiKey 508326" hotp SHA1 6 from 32 (20)` + "\n",
		},
		{
			"other modes are refused",
			"Yubico OTP,12/11/2013 11:10,1,vvgutbiedkvi,ab86c04de6a3," + hexKey[:32] + ",,,0,0,0,0,0,0,0,0,0,0\n" +
				"508326,cccccccccccc,83cebdfb7b93," + hexKey[:32] + ",,2013-12-12T08:43:17,\n508326,,123456789012," + hexKey[:32] + ",,2013-12-12T08:43:17,\n" +
				"508326,,," + hexKey[:32] + ",,2013-12-12T08:44:34,\n1,2\n",
			"1: ! line 1: is no OATH-HOTP key: Yubico OTP, static passwords and challenge-response are not supported\n" +
				"2: ! line 2: is no OATH-HOTP key: Yubico OTP and static passwords are not supported\n" +
				"3: ! line 3: is no OATH-HOTP key: Yubico OTP and static passwords are not supported\n" +
				"4: ! line 4: is no OATH-HOTP key: Yubico OTP and static passwords are not supported\n" +
				"5: ! line 5: 2 fields: is it a log of the YubiKey Personalization Tool?\n",
		},
		{
			"a key that types its identity, or that nobody could name, is refused",
			"508326,cccc,0," + hexKey + ",,2013-12-12T08:41:07,\nOATH-HOTP,x,1,cccccccccccc,," + hexKey + ",,,1,0,0,6,0,0,0,0,0,0\nOATH-HOTP,x,1,,," + hexKey + ",,,0,0,0,6,0,0,0,0,0,0\n" +
				"508326,,0,xyz,,2013-12-12T08:41:07,\n508326,,0," + hexKey[:20] + ",,2013-12-12T08:41:07,\n",
			"1: ! line 1: types its public identity in front of the code: program it without one\n" +
				"2: ! line 2: types its public identity in front of the code: program it without one\n" +
				"3: ! line 3: names neither a serial number nor a public identity: log in the Yubico format\n" +
				"4: ! line 4: secret is not hexadecimal\n5: ! line 5: secret has 10 octets; at least 16 are needed (128 bit)\n",
		},
	}.run(t, ReadYubico)
}

func sha256PrivacyIDEA(r io.Reader) iter.Seq2[Row, error] { return ReadPrivacyIDEA(r, totp.SHA256) }

func TestReadPrivacyIDEA(t *testing.T) {
	lower := strings.Repeat("ab", 20)
	table{
		{
			"owner, secret in either form, period or None",
			"anna@realm1, TOTP0001, " + lower + ", totp, 6, 60\nanna@example.org@realm1, TOTP0002, " + b32 + ", totp, 8, None\n",
			`1: ! line 1: secret repeats one octet: it is a placeholder` + "\n" + `2: "anna@example.org" "TOTP0002" "TOTP0002" totp SHA256 8 every 30s (20)` + "\n",
		},
		{
			"a token of nobody has no user; a counter that is not told is not guessed",
			"n/a, TOTP0001, " + hexKey + ", totp, 6, 60\nanna@realm1, OATH0001, " + hexKey + ", hotp, 6\nanna@r, X, " + hexKey + ", sms, 6\nanna@r, X\nanna@r, , " + hexKey + ", totp, 6, 30\n",
			`1: "TOTP0001" "TOTP0001" totp SHA256 6 every 1m0s (20)` + "\n" +
				"2: ! line 2: this export does not tell the counter of a HOTP token: export those as PSKC (without --csv)\n" +
				"3: ! line 3: type is neither hotp nor totp\n4: ! line 4: 2 fields, want owner, serial, secret, type, digits and for totp the period\n5: ! line 5: serial is empty\n",
		},
	}.run(t, sha256PrivacyIDEA)
}

func sha256MultiOTP(r io.Reader) iter.Seq2[Row, error] { return ReadMultiOTP(r, totp.SHA256) }

func TestReadMultiOTP(t *testing.T) {
	table{
		{
			"tokens of vendors",
			"4711;Feitian;TOTP;" + hexKey + ";6;60\n4712;Feitian;HOTP;" + hexKey + ";8;17\n",
			`1: "4711" totp SHA256 6 every 1m0s (20)` + "\n" + `2: "4712" hotp SHA256 8 from 17 (20)` + "\n",
		},
		{
			"other algorithms are refused",
			"4711;Mobile;mOTP;" + hexKey + ";6;10\n4712;Feitian;HOTP;" + hexKey + "\n",
			"1: ! line 1: type is neither hotp nor totp\n2: ! line 2: 4 fields, want serial, manufacturer, algorithm, seed, digits and interval or event\n",
		},
	}.run(t, sha256MultiOTP)
}

func TestPrivacyIDEANamesTheHashInAnAttribute(t *testing.T) {
	text := strings.Replace(container("", plainSecret, ""), "<AlgorithmParameters>", `<AlgorithmParameters><Suite hashalgo="sha256"/>`, 1)
	row, err := onlyRow(text, PSKCKey{})
	if err != nil || row.Token.Algorithm != totp.SHA256 {
		t.Errorf("got %s, %v; want SHA256", row.Token.Algorithm, err)
	}
}

func TestColumnsOfAnotherProduct(t *testing.T) {
	named, err := ParseColumns("User Name=user, Country Code=country,Phone=phone")
	if err != nil {
		t.Fatal(err)
	}
	table{
		{
			"columns that are not named are passed over",
			"User Name,First Name,Country Code,Phone,Mode\nanna,Anna,47,90000042,Phone Call\nbob,Bob,,+47 90000043,Text\n",
			`2: "anna" "+47 90000042"` + "\n" + `3: "bob" "+47 90000043"` + "\n",
		},
		{
			"a file without them is refused",
			"Name,Phone\nanna,1\n",
			`1: ! line 1: no column is known to be user: there are "Name", "Phone"` + "\n",
		},
	}.run(t, func(r io.Reader) iter.Seq2[Row, error] { return ReadColumns(r, named, totp.SHA1) })
	for _, text := range []string{"", "a", "a=b", "=user", "a="} {
		if _, err := ParseColumns(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestAnEncodingThatIsNotReadIsTold(t *testing.T) {
	for _, file := range []string{"\xff\xfeU\x00", "bj\xf8rn," + b32, "U\x00s\x00,\x00P\x00"} {
		if _, err := Recognise(bufio.NewReaderSize(strings.NewReader(file), maxLine)); !errors.Is(err, errEncoding) {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestFormatsAreRecognised(t *testing.T) {
	for first, want := range map[string]string{
		"user,secret\n":          "csv",
		"\ufeffUser;Phone\n":     "csv",
		"anna," + b32 + "\n":     "csv",
		"user,secret,whatever\n": "csv",
		"upn,serial number,secret key,time interval,manufacturer,model\n":    "csv",
		"# ours\n# version: 2\nanna,,realm,T1," + hexKey + ",totp\n":         "oath",
		"T1, " + hexKey + ", totp, 6, 30\n":                                  "oath",
		"T1," + hexKey:                                                       "oath",
		"<?xml version=\"1.0\"?>\n":                                          "pskc",
		"<KeyContainer>" + strings.Repeat("ø", 5000):                         "pskc",
		"<KeyContainer >" + strings.Repeat("ø", 5000):                        "pskc",
		"\ufeff<KeyContainer>" + strings.Repeat("x", 5000):                   "pskc",
		"otpauth://totp/a?secret=x\n":                                        "otpauth",
		"otpauth-migration://offline?data=x\n":                               "otpauth",
		"LOGGING START,11.12.13\n":                                           "yubico",
		"508326,,0," + hexKey + ",,2013-12-12T08:41:07,\n":                   "yubico",
		"4711;Feitian;TOTP;" + hexKey + ";6;60\n":                            "multiotp",
		"anna@r, T1, " + hexKey + ", totp, 6, 30\n":                          "privacyidea",
		`{"LinOtpTokenSerialnumber":"T1","LinOtpKeyEnc":"00"}` + "\n":        "linotp",
		`{ "LINOTPKEYENC" : null }`:                                          "linotp",
		"\"Username\",\"First Name\",\"Primary Phone\",\"Backup Phone\"\r\n": "mfaserver",
		"user name;primary_phone\n":                                          "mfaserver",
		"Username,First Name,Phone\n":                                        "csv",
		`{"user":"anna"}`:                                                    "",
		"anna\n":                                                             "", "": "", "# nothing\n": "", "a,b,c,d\n": "", "\xff\xfe": "",
	} {
		r := bufio.NewReaderSize(strings.NewReader(first), maxLine)
		f, err := Recognise(r)
		if f.Name != want || (err == nil) != (want != "") {
			t.Errorf("%.60q: %q, %v; want %q", first, f.Name, err, want)
		}
		if rest, _ := io.ReadAll(r); string(rest) != first {
			t.Errorf("%.60q: what was read is gone", first)
		}
	}
	for _, f := range Formats() {
		if got, err := FormatNamed(f.Name); err != nil || got.Name != f.Name {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if _, err := FormatNamed("nosuch"); err == nil {
		t.Error("nosuch is a format")
	}
}

// An export that went wrong is no import of nothing. What is in a file but is bad
// or left out is told by its own line.
func TestAFileWithoutRowsIsTold(t *testing.T) {
	const pskc = `<KeyContainer xmlns="urn:ietf:params:xml:ns:keyprov:pskc" Version="1.0">`
	headers := map[string][]string{
		"csv":         {"user,secret\n", "\ufeffuser;phone\r\n\r\n", "# ours\nuser,secret\n# the end\n"},
		"entra":       {"upn,serial number,secret key,time interval,manufacturer,model\n"},
		"oath":        {"# version: 2\n"},
		"pskc":        {pskc + "</KeyContainer>"},
		"otpauth":     {"# links\n"},
		"yubico":      {"LOGGING START,11.12.13 18:55\n"},
		"multiotp":    {"# tokens\n"},
		"privacyidea": {"# tokens\n"},
		"mfaserver":   {"Username,First Name,Primary Phone,Enabled\n"},
	}
	errs := func(f Format, file string) (all []error) {
		for _, err := range f.Read(strings.NewReader(file), Options{Algorithm: totp.SHA1, EncKey: make([]byte, 96)}) {
			all = append(all, err)
		}
		return all
	}
	for _, f := range Formats() {
		for _, file := range append(headers[f.Name], "", "\n", " \r\n\r\n", "\ufeff") {
			got := errs(f, file)
			if len(got) != 1 || !errors.Is(got[0], ErrNoRows) || !strings.Contains(got[0].Error(), f.About) {
				t.Errorf("%s: %q: got %v, want one error that says what was expected", f.Name, file, got)
			}
		}
	}
	for format, file := range map[string]string{
		"csv": "user,secret\nanna,!\n", "mfaserver": "Username,Primary Phone,Enabled\nanna,90000042,False\n", "pskc": pskc, "oath": "T1\n",
	} {
		f, err := FormatNamed(format)
		if err != nil {
			t.Fatal(err)
		}
		if got := errs(f, file); len(got) != 1 || got[0] == nil || errors.Is(got[0], ErrNoRows) {
			t.Errorf("%s: %q: got %v, want what is wrong with it", format, file, got)
		}
	}
	for file, nothing := range map[string]bool{
		"": true, "\n": true, "# a\n# b\n": true, "\ufeff": true, "# " + strings.Repeat("x", 2*maxLine) + "\n": false, "a,b,c\n": false,
		strings.Repeat("# x\n", maxLine): false, strings.Repeat("# x\n", maxLine/8): true,
	} {
		if _, err := Recognise(bufio.NewReaderSize(strings.NewReader(file), maxLine)); errors.Is(err, ErrNoRows) != nothing || err == nil {
			t.Errorf("%.20q: recognised as %v", file, err)
		}
	}
}

// FuzzFormats reads each file in each format: none may panic, take a token that
// the factor would not, or show a secret.
func FuzzFormats(f *testing.F) {
	f.Add("otpauth://totp/anna?secret=" + b32)
	f.Add(migration(pbOctets(1, pbOctets(1, seed20)+pbOctets(2, "anna")) + pbNumber(2, 1)))
	f.Add("508326,,32," + hexKey + ",,2013-12-12T08:41:07,\nOATH-HOTP,x,1,cccc,," + hexKey + ",,,0,0,0,8,16,0,0,0,0,0\n")
	f.Add("4711;Feitian;HOTP;" + hexKey + ";6;17\n")
	f.Add("Username,Primary Phone,Primary Country Code\nanna,90000042,47\n")
	f.Add("anna@realm1, TOTP0001, " + hexKey + ", totp, 6, 60\n")
	f.Add("upn,serial number,secret key,time interval,manufacturer,model\nanna,1," + b32 + ",30,x,y\n")
	f.Fuzz(func(t *testing.T, file string) {
		_, _ = Recognise(bufio.NewReaderSize(strings.NewReader(file), maxLine))
		for _, format := range Formats() {
			if format.Name == "pskc" {
				continue // FuzzReadPSKC
			}
			for row, err := range format.Read(strings.NewReader(file), Options{Algorithm: totp.SHA1}) {
				if err != nil || row.Token.Seed == nil && len(row.Phones) > 0 {
					continue
				}
				if row.User == "" && row.Serial == "" {
					t.Errorf("%s: a row of nobody", format.Name)
				}
				if _, err := totp.NewCredential(row.Label, row.Token); err != nil {
					t.Errorf("%s: line %d was taken: %v", format.Name, row.Line, err)
				}
				if text := fmt.Sprint(row); strings.Contains(text, row.Token.Seed.Base32()) {
					t.Errorf("%s: a row shows its secret", format.Name)
				}
			}
		}
	})
}
