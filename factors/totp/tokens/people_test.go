package tokens

import (
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func mfaServer(r io.Reader) iter.Seq2[Row, error] { return ReadMFAServer(r, nil) }

func TestReadMFAServer(t *testing.T) {
	table{
		{
			"people come with both telephones and their method",
			`"Username","First Name","Last Name","Primary Country Code","Primary Phone","Primary Extension","Backup Country Code","Backup Phone","Backup Extension","Authentication Method","Enabled"` + "\r\n" +
				`"CONTOSO\anna","Anna","Berg","47","900 00 042","","+47","22 00 00 01",",,123","Phone Call","True"` + "\r\n" +
				`"bob@example.org","Bob","O'Brien, Jr","Norway +47","90000043","","","","","Text Message","True"` + "\r\n" +
				`"carol","","","0047","+4790000044","","1","(555) 555-0100","","Mobile App","Yes"` + "\r\n",
			`2: "CONTOSO\\anna" "+47 900 00 042" "+47 22 00 00 01,,123" "call"` + "\n" + `3: "bob@example.org" "+47 90000043" "sms"` + "\n" +
				`4: "carol" "+4790000044" "+1 (555) 555-0100" "totp"` + "\n",
		},
		{
			"commas before an extension are its pauses, in either column",
			`Username,Primary Phone,Extension,Backup Phone,Backup Extension` + "\n" + `anna,"+47 77 64 40 00,,123",,+4777644001,", , ,7"` + "\n" +
				`bob,+4777644000,",,",+4777644001,"123,"` + "\n" + `carol,+4777644000,"1,,2",,` + "\n",
			`2: "anna" "+47 77 64 40 00,,123" "+4777644001,,,7"` + "\n" + `3: "bob" "+4777644000" "+4777644001 ext. 123"` + "\n" +
				"4: ! line 4: extension has more than digits: nothing else is dialled after the answer\n",
		},
		{
			"columns stand in any order and spelling, between others, separated by semicolons",
			"Dept;primary_phone;USER NAME;PRIMARYCOUNTRYCODE;mode\nIT;90000042;anna;47;sms\n", `2: "anna" "+47 90000042" "sms"` + "\n",
		},
		{
			"accounts that are disabled, and people without a telephone, are left out",
			"Username,Primary Phone,Enabled\nanna,90000042,False\nbob,,True\ncarol,90000044,maybe\ndagny,90000045,\n",
			`2: ! line 2: "anna" is not enabled there` + "\n" + `3: ! line 3: "bob" has no telephone there` + "\n" +
				"4: ! line 4: enabled is neither true nor false: is it another column, which is to be passed over?\n" +
				"5: ! line 5: enabled is neither true nor false: is it another column, which is to be passed over?\n",
		},
		{
			"each bad row is told, and the others are read",
			"Username,Primary Phone,Primary Country Code,Extension,Mode\nanna,90000042,Norway,,\nbob,90000043,47,1#2,\ncarol,90000044,47,,PIN\n,90000045,47,,\ndagny,90000046,47\n" +
				"\"erik,90000047,47,,\nfrida,90000048,999999,,\ngeir,90000049,47,,\n" + "bj\xf8rn,90000050,47,,\nhans\x07,90000051,47,,\n\"i\ufffdda\",90000052,47,,\nj,90000053,47,,a method that is long\n",
			"2: ! line 2: country is no calling code, as 47 or +47\n3: ! line 3: extension has more than digits: nothing else is dialled after the answer\n" +
				`4: ! line 4: method "PIN" is none of call, sms, totp and email: is it another column, which is to be passed over?` + "\n5: ! line 5: user is empty\n" +
				"6: ! line 6: 3 fields, and the first line has 5\n7: ! line 7: has a quote that is not closed or stands inside a field\n" +
				"8: ! line 8: country is no calling code, as 47 or +47\n" + `9: "geir" "+47 90000049"` + "\n10: ! line 10: is not UTF-8 (save the file as CSV UTF-8)\n" +
				"11: ! line 11: user has control characters\n12: ! line 12: user has characters that were lost when the file was written\n" +
				`13: ! line 13: method "(too long)" is none of call, sms, totp and email: is it another column, which is to be passed over?` + "\n",
		},
		{
			"a file without a name or a telephone ends, and its columns are told",
			"Login,First Name,Backup Phone\nanna,Anna,90000042\n",
			`1: ! line 1: no column is known to be user and phone or secret: there are "Login", "First Name", "Backup Phone"` + "\n",
		},
		{
			"what stands in the place of columns is not told when it may be a telephone or a secret",
			"anna,Anna,90000042\n", "1: ! line 1: the first line names no column for user and phone or secret: is it a header?\n",
		},
		{
			"a secret is not either", "anna," + b32 + "\n", "1: ! line 1: the first line names no column for user and phone or secret: is it a header?\n",
		},
		{"two columns for one thing end it", "Username,Phone,Primary Phone\nanna,1,2\n", "1: ! line 1: two columns for phone\n"},
	}.run(t, mfaServer)
}

func TestColumnsOfAPresetMayBeOthers(t *testing.T) {
	named, err := ParseColumns("Login=user, Phone=-,Mode=-,Cell Phone=Backup_Phone")
	if err != nil {
		t.Fatal(err)
	}
	table{{
		"a column is what is said, and no other",
		"Login,Username,Phone,Primary Phone,Mode,Cell Phone,Backup Phone\nanna,x,1,+47 90000042,PIN,+47 90000043,3\n",
		`2: "anna" "+47 90000042" "+47 90000043"` + "\n",
	}}.run(t, func(r io.Reader) iter.Seq2[Row, error] { return ReadMFAServer(r, named) })
}

func TestOurOwnFileTellsTheSame(t *testing.T) {
	table{{
		"country, extension, a backup, the method, and who is enabled",
		"user,phone,country,extension,backup phone,backup country,method,enabled,secret\nanna,90000042,47,12,22000001,47,sms,yes,\nbob,,,,,,totp,1," + b32 + "\ncarol,,,,,,,0,\ndagny,,,,,,,1,\n",
		`2: "anna" "+47 90000042 ext. 12" "+47 22000001" "sms"` + "\n" + `3: "bob" "totp" totp SHA1 6 every 30s (20)` + "\n" +
			`4: ! line 4: "carol" is not enabled there` + "\n5: ! line 5: secret is empty\n",
	}}.run(t, Read)
}

func TestWhatIsLeftOutNeedsNoMending(t *testing.T) {
	for row, err := range ReadMFAServer(strings.NewReader("Username,Primary Phone\nanna,\n"), nil) {
		var left *LeftOut
		var line *LineError
		if !errors.As(err, &left) || !errors.As(err, &line) || row.Line != 2 {
			t.Errorf("got %v", err)
		}
	}
}

// utf16Of writes a file as programs on Windows do.
func utf16Of(text string, bigEndian bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune("\ufeff" + text)) {
		lo, hi := byte(u), byte(u>>8)
		if bigEndian {
			lo, hi = hi, lo
		}
		b.Write([]byte{lo, hi})
	}
	return b.String()
}

func TestEncodings(t *testing.T) {
	const text = "Username,Primary Phone\r\nbjørn,90000042\r\n"
	const want = `2: "bjørn" "90000042"` + "\n"
	table{
		{"UTF-8", text, want},
		{"UTF-8 with a byte order mark", "\ufeff" + text, want},
		{"UTF-16, as Windows writes it", utf16Of(text, false), want},
		{"UTF-16, the other way", utf16Of(text, true), want},
		{
			"UTF-16 that does not say so is not guessed", utf16Of(text, false)[2:],
			"1: ! line 1: is not UTF-8 (save the file as CSV UTF-8)\n2: ! line 2: is not UTF-8 (save the file as CSV UTF-8)\n3: ! line 3: is not UTF-8 (save the file as CSV UTF-8)\n",
		},
		{"Windows-1252 is not guessed", strings.ReplaceAll(text, "ø", "\xf8"), "2: ! line 2: is not UTF-8 (save the file as CSV UTF-8)\n"},
		{
			"half of a character is told", utf16Of(text, false)[:len(utf16Of(text, false))-31] + "\x00\xd8",
			"2: ! line 2: 1 fields, and the first line has 2\n",
		},
	}.run(t, func(r io.Reader) iter.Seq2[Row, error] { return mfaServer(Decode(r)) })
}

func TestReadOwners(t *testing.T) {
	for name, tt := range map[string]struct{ file, want string }{
		"serial and user":  {"# who\nT1, anna\nT2,bob\n", "T1=anna T2=bob"},
		"named columns":    {"Name;User Name;Serial Number\nx;anna;T1\n", "T1=anna"},
		"twice the same":   {"T1,anna\nT1,anna\n", "T1=anna"},
		"nobody's":         {"serial,user\nT1,\nT2,/:no user info:/\n", "T1= T2="},
		"LinOTP 3's list":  {"'LinOtp.TokenId'; 'LinOtp.TokenInfo'; 'LinOtp.TokenSerialnumber'; 'LinOtp.RealmNames'; 'User.username'; \n'1'; '{ \"a\": 1, \"b\": 2}'; 'T1'; '['r', 's']'; 'o'brien'; \n'2'; ''; 'T2'; '[]'; ''; \n", "T1=o'brien T2="},
		"LinOTP 2's list":  {"'User.username', 'LinOtp.TokenSerialnumber', 'LinOtp.TokenInfo', \n'anna', 'T1', '{\"a\": \"b\", \"c\": 1}', \n", "T1=anna"},
		"two owners":       {"T1,anna\nT1,bob\n", "! line 2: serial number T1 is there twice"},
		"a field too much": {"T1,anna,x\n", "! line 1: 3 fields, want 2"},
		"a field too few":  {"serial,user,x\nT1,anna\n", "! line 2: 2 fields, want 3"},
		"no serial":        {",anna\n", "! line 1: serial number is empty"},
		"a control":        {"T1,a\x07\n", "! line 1: user has control characters"},
		"a quote":          {"T1,\"anna\nT2,bob\n", "! line 1: has a quote that is not closed or stands inside a field"},
		"a long line":      {strings.Repeat("x", 5000) + "\n", "! line 1: is longer than 4096 octets"},
	} {
		owners, err := ReadOwners(strings.NewReader(tt.file))
		var got []string
		for serial, user := range owners {
			got = append(got, serial+"="+user)
		}
		slices.Sort(got)
		if err != nil {
			got = []string{"! " + err.Error()}
		}
		if text := strings.Join(got, " "); text != tt.want {
			t.Errorf("%s: got %s, want %s", name, text, tt.want)
		}
	}
}

func FuzzReadOwners(f *testing.F) {
	f.Add("T1,anna\nT2,bob\n")
	f.Add("'User.username', 'LinOtp.TokenSerialnumber', \n'anna', 'T1', \n")
	f.Fuzz(func(t *testing.T, file string) {
		owners, err := ReadOwners(Decode(strings.NewReader(file)))
		if err != nil && owners != nil {
			t.Error("owners of a file that cannot be read")
		}
		if _, ok := owners[""]; ok {
			t.Error("an owner of no token")
		}
	})
}

func FuzzReadMFAServer(f *testing.F) {
	f.Add("Username,Primary Phone,Primary Country Code,Extension,Mode,Enabled\nanna,90000042,Norway +47,,1,Call,1\n", "Mode=-,a=backup phone")
	f.Fuzz(func(t *testing.T, file, columns string) {
		named, err := ParseColumns(columns)
		if err != nil && named != nil {
			t.Error("columns that cannot be read")
		}
		for row, err := range ReadMFAServer(Decode(strings.NewReader(file)), named) {
			if err == nil && (row.User == "" || len(row.Phones) == 0 && row.Token.Seed == nil) {
				t.Errorf("line %d has nothing to enroll", row.Line)
			}
		}
	})
}
