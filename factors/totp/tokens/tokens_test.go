package tokens

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/portvakt/portvakt/factors/totp"
)

const (
	b32    = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	hexKey = "3132333435363738393031323334353637383930"
)

// list writes what was read, one line a row.
func list(rows iter.Seq2[Row, error]) string {
	var b strings.Builder
	for row, err := range rows {
		if err != nil {
			fmt.Fprintf(&b, "%d: ! %v\n", row.Line, err)
			continue
		}
		fmt.Fprintf(&b, "%d:", row.Line)
		for _, s := range append([]string{row.User, row.Serial, row.Label}, append(row.Phones, row.Method)...) {
			if s != "" {
				fmt.Fprintf(&b, " %q", s)
			}
		}
		t := row.Token
		switch {
		case t.Seed == nil:
		case t.Kind == totp.KindCounter:
			fmt.Fprintf(&b, " hotp %s %d from %d (%d)", t.Algorithm, t.Digits, t.Counter, len(t.Seed))
		default:
			fmt.Fprintf(&b, " totp %s %d every %s (%d)", t.Algorithm, t.Digits, t.Period, len(t.Seed))
		}
		b.WriteString("\n")
	}
	return b.String()
}

type table []struct{ rule, file, want string }

func (tests table) run(t *testing.T, read func(io.Reader) iter.Seq2[Row, error]) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			got := list(read(strings.NewReader(tt.file)))
			if got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if strings.Contains(got, b32) || strings.Contains(got, hexKey) {
				t.Error("a message shows a secret")
			}
		})
	}
}

func TestRead(t *testing.T) {
	const anna = `"anna" totp SHA1 6 every 30s (20)` + "\n"
	table{
		{"an empty file has no rows", "", ""},
		{"name and secret need no header", "anna," + b32 + "\n", "1: " + anna},
		{"the last line needs no end", "anna," + b32, "1: " + anna},
		{
			"spaces, quotes, CRLF, a byte order mark and blank lines are fine",
			"\ufeff\r\n anna , \"" + b32 + "\" \r\n\r\n\"anna\",gezd gnbv gy3t qojq gezd gnbv gy3t qojq\r\n", "2: " + anna + "4: " + anna,
		},
		{"semicolons separate when there are no commas", "anna;" + b32 + "\nanna;" + b32, "1: " + anna + "2: " + anna},
		{"tabs too", "anna\t" + b32, "1: " + anna},
		{"comments are passed over", "# tokens of today\nanna," + b32, "2: " + anna},
		{
			"a header names columns in any order",
			"Label,Phone,Period,Digits,Algorithm,Secret,User\nblue,+4799999999,60,8,SHA256," + b32 + ",anna\n,,,,," + b32 + ",anna",
			`2: "anna" "blue" "+4799999999" totp SHA256 8 every 1m0s (20)` + "\n3: " + anna,
		},
		{
			"the file for tokens of Entra is one of them",
			"upn,serial number,secret key,time interval,manufacturer,model\nanna@example.org,42," + b32 + ",60,Acme,X1",
			`2: "anna@example.org" "42" totp SHA1 6 every 1m0s (20)` + "\n",
		},
		{"a telephone alone is a row", "user,secret,phone\nanna,,+4799999999", `2: "anna" "+4799999999"` + "\n"},
		{"a file of telephones needs no secrets", "user,phone\nanna,+4799999999", `2: "anna" "+4799999999"` + "\n"},
		{
			"an unknown column ends the file and is named",
			"user,secret,colour\nanna," + b32 + ",red",
			`1: ! line 1: unknown column "colour"; known are user, secret, algorithm, digits, period, label, serial, phone, country, extension, ` +
				"backup phone, backup country, backup extension, method, enabled" + "\n",
		},
		{"a column named twice ends the file", "user,secret,user\na," + b32 + ",b", "1: ! line 1: two columns for user\n"},
		{
			"each bad row is told with its line, and the others are read",
			"anna," + b32 + "\nbob\n," + b32 + "\nc,\nd,JBSWY3DPEHPK3PXP\ne,0189\nf,\"" + b32 + "\ng,x\"y\n" + "h,x,y\nanna," + b32 + "\n",
			"1: " + anna +
				"2: ! line 2: 1 fields, want user and secret; other columns need a header\n" +
				"3: ! line 3: user is empty\n" +
				"4: ! line 4: secret is empty\n" +
				"5: ! line 5: secret has 10 octets; at least 16 are needed (128 bit)\n" +
				"6: ! line 6: secret is not base32 (letters A to Z and digits 2 to 7)\n" +
				"7: ! line 7: has a quote that is not closed or stands inside a field\n" +
				"8: ! line 8: has a quote that is not closed or stands inside a field\n" +
				"9: ! line 9: 3 fields, want user and secret; other columns need a header\n" +
				"10: " + anna,
		},
		{
			"a secret in the place of another field is not shown",
			b32 + "\n" + "x," + b32 + "," + b32 + "\n" + "secret,user," + b32 + "x",
			"1: ! line 1: 1 fields, want user and secret; other columns need a header\n" +
				"2: ! line 2: 3 fields, want user and secret; other columns need a header\n" +
				"3: ! line 3: 3 fields, want user and secret; other columns need a header\n",
		},
		{
			"parameters that no token has are refused",
			"user,secret,algorithm,digits,period\na," + b32 + ",MD5,,\na," + b32 + ",,7,\na," + b32 + ",,,45\na," + b32 + ",," + b32 + ",\n",
			"2: ! line 2: algorithm is none of SHA1, SHA256, SHA512\n3: ! line 3: 7 digits; 6 or 8 are supported\n" +
				"4: ! line 4: a period of 45s; 30s or 60s are supported\n5: ! line 5: digits is not a number\n",
		},
		{
			"a line without end is not kept",
			strings.Repeat("x", 100_000) + "\nanna," + b32,
			"1: ! line 1: is longer than 4096 octets\n2: " + anna,
		},
		{
			"UTF-16 and Latin-1 are refused",
			"\xff\xfea\x00,\x00\nbj\xf8rn," + b32 + "\nbjørn," + b32,
			"1: ! line 1: is not UTF-8 (save the file as CSV UTF-8)\n2: ! line 2: is not UTF-8 (save the file as CSV UTF-8)\n" +
				`3: "bjørn" totp SHA1 6 every 30s (20)` + "\n",
		},
		{"control characters are refused", "an\x1bna," + b32, "1: ! line 1: user has control characters\n"},
		{"names have a limit", strings.Repeat("a", 257) + "," + b32, "1: ! line 1: user is longer than 256 octets\n"},
	}.run(t, Read)
}

func TestReadOATH(t *testing.T) {
	table{
		{
			"counter and time tokens",
			"# of our vendor\nT1, " + hexKey + ", hotp, 6, 17\nT2," + hexKey + ",TOTP,8,60\nT3," + hexKey + "\n",
			`2: "T1" hotp SHA1 6 from 17 (20)` + "\n" + `3: "T2" totp SHA1 8 every 1m0s (20)` + "\n" + `4: "T3" hotp SHA1 6 from 0 (20)` + "\n",
		},
		{
			"version 2 has the person first",
			"# version: 2\nanna,,realm,T1," + hexKey + ",totp\nanna",
			`2: "anna" "T1" totp SHA1 6 every 30s (20)` + "\n3: ! line 3: user, resolver and realm are missing (version 2)\n",
		},
		{
			"what we write tells the algorithm",
			"# version: 2\n# algorithm: SHA256\nanna,,,T1," + hexKey + ",totp\n# algorithm: MD5\nanna,,,T2," + hexKey + ",totp\n",
			`3: "anna" "T1" totp SHA256 6 every 30s (20)` + "\n4: ! line 4: algorithm is none of SHA1, SHA256, SHA512\n",
		},
		{"another version ends the file", "# version: 3\nT1," + hexKey, "1: ! line 1: version is neither 1 nor 2\n"},
		{
			"each bad row is told",
			"T1\nT1,xyz\n," + hexKey + "\nT1," + hexKey + ",ocra\nT1," + hexKey + ",hotp,6,many\nT1," + hexKey + ",totp,6,31\nT1,,hotp\n" +
				"T1,00" + "\nT1," + hexKey + ",,,,,\n\"\nT1," + hexKey + ",totp," + hexKey,
			"1: ! line 1: 1 fields, want serial, secret, type, digits and counter or period\n" +
				"2: ! line 2: secret is not hexadecimal\n3: ! line 3: serial is empty\n4: ! line 4: type is neither hotp nor totp\n" +
				"5: ! line 5: counter is not a number\n6: ! line 6: a period of 31s; 30s or 60s are supported\n7: ! line 7: secret is empty\n" +
				"8: ! line 8: secret has 1 octets; at least 16 are needed (128 bit)\n" +
				"9: ! line 9: 7 fields, want serial, secret, type, digits and counter or period\n" +
				"10: ! line 10: has a quote that is not closed or stands inside a field\n11: ! line 11: digits is not a number\n",
		},
	}.run(t, sha1Token)
}

func sha1Token(r io.Reader) iter.Seq2[Row, error] { return ReadOATH(r, totp.SHA1) }

func TestRowsThatDoNotTellTheirAlgorithmHaveTheOneThatIsSaid(t *testing.T) {
	table{{
		"and those that do have theirs", "user,secret,algorithm\nanna," + b32 + ",\nbob," + b32 + ",SHA1\n",
		`2: "anna" totp SHA512 6 every 30s (20)` + "\n" + `3: "bob" totp SHA1 6 every 30s (20)` + "\n",
	}}.run(t, func(r io.Reader) iter.Seq2[Row, error] { return ReadColumns(r, nil, totp.SHA512) })
}

func TestAFileThatBreaksOffSaysSo(t *testing.T) {
	fault := errors.New("disk fault")
	for name, read := range map[string]func(io.Reader) iter.Seq2[Row, error]{"Read": Read, "ReadOATH": sha1Token} {
		r := io.MultiReader(strings.NewReader("anna,"+b32+"\n"), iotest.ErrReader(fault))
		var last error
		for _, err := range read(r) {
			last = err
		}
		var bad *LineError
		if !errors.Is(last, fault) || errors.As(last, &bad) {
			t.Errorf("%s: the last error is %v, want the fault", name, last)
		}
	}
}

func TestTheCallerMayStop(t *testing.T) {
	n := 0
	for range Read(strings.NewReader(strings.Repeat("anna,"+b32+"\n", 9))) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("anna," + b32 + "\nbob," + b32)
	f.Add("user,secret,algorithm,digits,period,label,phone\r\nanna," + b32 + ",SHA256,8,60,x,+47\r\n")
	f.Add("\ufeffa;\"" + b32 + "\"\n\n#\n\"")
	f.Add("# version: 2\na,b,c,T1," + hexKey + ",totp,6,30")
	f.Fuzz(func(t *testing.T, file string) {
		for _, read := range []func(io.Reader) iter.Seq2[Row, error]{Read, sha1Token} {
			line := 0
			for row, err := range read(strings.NewReader(file)) {
				if row.Line <= line {
					t.Fatalf("line %d after line %d", row.Line, line)
				}
				line = row.Line
				if err != nil {
					continue
				}
				if row.User == "" && row.Serial == "" {
					t.Error("a row of nobody")
				}
				if len(row.Phones) == 0 {
					if _, err := totp.NewCredential(row.Label, row.Token); err != nil {
						t.Errorf("line %d was taken: %v", line, err)
					}
				}
			}
		}
	})
}
