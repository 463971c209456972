package tokens

import (
	"bytes"
	"encoding/csv"
	"encoding/hex"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/factors/totp"
)

const passphrase = "correct horse battery staple"

// moved are rows as an export has them.
func moved() []Row {
	return []Row{
		{User: "anna", Serial: "T1", Label: "blue", Token: totp.Token{Kind: totp.KindTime, Seed: totp.NewSeed(), Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second}},
		{User: "bjørn", Serial: "T2", Label: "T2", Token: totp.Token{Kind: totp.KindTime, Seed: totp.NewSeed(), Algorithm: totp.SHA1, Digits: 8, Period: time.Minute}},
		{User: `smith, john=<"x">\+`, Serial: "T3", Label: "a & b", Token: totp.Token{Kind: totp.KindCounter, Seed: totp.NewSeed(), Algorithm: totp.SHA1, Digits: 6, Counter: 4711}},
	}
}

// checkMoved compares what was read with what was written.
func checkMoved(t *testing.T, read iter.Seq2[Row, error], want []Row, labels bool) {
	t.Helper()
	i := 0
	for row, err := range read {
		if err != nil || i == len(want) {
			t.Fatalf("row %d: %v", i+1, err)
		}
		w := want[i]
		if row.User != w.User || row.Serial != w.Serial || labels && row.Label != w.Label {
			t.Errorf("row %d is of %q, serial %q, label %q; want %q, %q, %q", i+1, row.User, row.Serial, row.Label, w.User, w.Serial, w.Label)
		}
		if !row.Token.Same(w.Token) || row.Token.Algorithm != w.Token.Algorithm || row.Token.Digits != w.Token.Digits ||
			row.Token.Period != w.Token.Period || row.Token.Counter != w.Token.Counter {
			t.Errorf("row %d has another token than was written", i+1)
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d rows, want %d", i, len(want))
	}
}

// writtenPSKC is a container whose key is soon derived: what a password costs to
// try is that of TestTryingPasswordsIsSlow alone.
func writtenPSKC(t *testing.T, rows []Row) string {
	t.Helper()
	var b bytes.Buffer
	if err := writePSKC(&b, rows, passphrase, 1000); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTryingPasswordsIsSlow(t *testing.T) {
	rows := moved()
	var b bytes.Buffer
	if err := WritePSKC(&b, rows, passphrase); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "<IterationCount>1300000</IterationCount>") {
		t.Error("a password is tried in fewer rounds, or more, than the documentation says")
	}
	checkMoved(t, ReadPSKC(&b, PSKCKey{Password: passphrase}), rows, true)
}

func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	rows := moved()
	var b bytes.Buffer
	if err := WriteOATH(&b, rows); err != nil {
		t.Fatal(err)
	}
	checkMoved(t, ReadOATH(&b, totp.SHA1), rows, false)

	rows[0].Token.Algorithm, rows[1].Token.Algorithm = totp.SHA256, totp.SHA512
	if err := WriteOATH(io.Discard, rows); err == nil || !strings.Contains(err.Error(), "does not tell the algorithm") {
		t.Errorf("tokens of several algorithms: %v", err)
	}
	text := writtenPSKC(t, rows)
	checkMoved(t, ReadPSKC(strings.NewReader(text), PSKCKey{Password: passphrase}), rows, true)
	for _, r := range rows {
		for _, secret := range []string{r.Token.Seed.Base32(), hex.EncodeToString(r.Token.Seed), string(r.Token.Seed)} {
			if strings.Contains(text, secret) {
				t.Error("the container shows a secret")
			}
		}
	}
	if other := writtenPSKC(t, rows); other == text {
		t.Error("salt and vectors are the same again")
	}
	for _, err := range ReadPSKC(strings.NewReader(text), PSKCKey{Password: passphrase + "r"}) {
		if err == nil {
			t.Error("another password opens it")
		}
	}
	if err := WritePSKC(io.Discard, make([]Row, MaxPSKC+1), passphrase); err == nil {
		t.Error("a container without end is written")
	}
	if err := WritePSKC(io.Discard, rows, strings.Repeat("x", MinPassword-1)); err == nil {
		t.Error("a short password is taken")
	}
}

// other runs another implementation on a file.
func other(t *testing.T, program string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed: make peers", program)
		}
		t.Skipf("SKIPPED, NOT TESTED: %s is not installed", program)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	return string(out)
}

func TestOthersTakeWhatIsWritten(t *testing.T) {
	rows := moved()
	rows[0].Token.Algorithm = totp.SHA256
	file := filepath.Join(t.TempDir(), "tokens.xml")
	if err := os.WriteFile(file, []byte(writtenPSKC(t, rows)), 0o600); err != nil {
		t.Fatal(err)
	}
	// The schema of RFC 6030, section 11.
	if out := other(t, "pskctool", "--validate", file); !strings.Contains(out, "OK") {
		t.Errorf("pskctool: %s", out)
	}
	out := other(t, "pskc2csv", "--password", passphrase, "--columns", "serial,secret,algorithm,algorithm_suite,response_length,counter,time_interval,key_userid", file)
	records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	if err != nil || len(records) != 1+len(rows) {
		t.Fatalf("pskc2csv: %v\n%s", err, out)
	}
	for i, r := range records[1:] {
		want := rows[i]
		if r[0] != want.Serial || r[1] != hex.EncodeToString(want.Token.Seed) || !strings.HasSuffix(r[2], ":"+want.Token.Kind) {
			t.Errorf("pskc2csv read %q of %s", r, want.Serial)
		}
	}
	if records[1][3] != "HMAC-SHA256" || records[2][4] != "8" || records[2][6] != "60" || records[3][5] != "4711" || records[1][7] != "UID=anna" {
		t.Errorf("pskc2csv read\n%s", out)
	}
}

func TestWhatOthersWriteIsRead(t *testing.T) {
	rows := moved()[1:]
	for i := range rows {
		// The program's columns have neither people nor labels.
		rows[i].User, rows[i].Label = "", rows[i].Serial
	}
	dir := t.TempDir()
	in := filepath.Join(dir, "tokens.csv")
	text := "serial,secret,algorithm,response_length,time_interval,counter,response_encoding\n" +
		"T2," + hex.EncodeToString(rows[0].Token.Seed) + ",totp,8,60,,DECIMAL\n" +
		"T3," + hex.EncodeToString(rows[1].Token.Seed) + ",hotp,6,,4711,DECIMAL\n"
	if err := os.WriteFile(in, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	shared := bytes.Repeat([]byte{0x0f, 0x1e}, 8)
	for name, how := range map[string]struct {
		args []string
		key  PSKCKey
	}{
		"in the clear":       {nil, PSKCKey{}},
		"under a password":   {[]string{"--password", passphrase}, PSKCKey{Password: passphrase}},
		"under a shared key": {[]string{"--secret", hex.EncodeToString(shared)}, PSKCKey{Shared: shared}},
	} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "tokens.xml")
			other(t, "csv2pskc", append(how.args, "--output", out, in)...)
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			checkMoved(t, ReadPSKC(bytes.NewReader(b), how.key), rows, true)
		})
	}
}
