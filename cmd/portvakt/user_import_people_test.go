package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store/mem"
)

// newPeopleImporter imports Norwegian telephones. Everybody can be called, and
// nobody has another method.
func newPeopleImporter(t *testing.T, kv *failing) importer {
	t.Helper()
	numbers, err := book.New(book.Config{Countries: []string{"NO"}}, book.Calls)
	if err != nil {
		t.Fatal(err)
	}
	i := newImporter(kv)
	i.telephone = numbers.NewCredential
	i.method = func(_ login.Account, e login.Enrollment, name string) string {
		if name != "call" || len(e.Credentials) == 0 {
			return ""
		}
		return "call:" + e.Credentials[0].ID
	}
	return i
}

// windows writes a file as programs on Windows do: UTF-16, with its mark.
func windows(text string) io.Reader {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, utf16.Encode([]rune("\ufeff"+text)))
	return &b
}

func readMFAServer(t *testing.T, file io.Reader) []importRow {
	t.Helper()
	read, err := importOptions{}.read(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readRows(read)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// mfaServerFile is an export of n people, of whom broken says what other lines
// than the usual ones say.
func mfaServerFile(n int, broken map[int]string) string {
	var b strings.Builder
	b.WriteString("Username,First Name,Primary Country Code,Primary Phone,Authentication Method,Enabled\r\n")
	for i := range n {
		line, ok := broken[i]
		if !ok {
			line = fmt.Sprintf(`user%d,"Bjørn, Jr",47,%d,Phone Call,True`, i, 90_000_000+i)
		}
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

func TestAHundredThousandPeopleOfAnotherProduct(t *testing.T) {
	const n = 100_000
	file := mfaServerFile(n, map[int]string{
		3: "user3,,47,90000003,Phone Call,False", 4: "user4,,47,,Mobile App,True", // left out
		7: "user7,,47,1,Phone Call,True", 99: "nobody,,47,90000099,Phone Call,True", 500: "user501,,47,90000500,Phone Call,True",
		70_000: "user70000,,46,701234567,Phone Call,True", 80_000: `user80000,"open,47,90080000,Phone Call,True`, 90_000: "user90000,,47",
		99_999: "user99999,,47,90099999,Pigeon,True",
	})
	kv := &failing{KV: mem.New()}
	kv.mended.Store(true)
	i, rows := newPeopleImporter(t, kv), readMFAServer(t, windows(file))
	// What a number is worth is tested elsewhere, and takes its time.
	i.telephone = func(raw, label string) (login.Credential, phone.Number, error) {
		if !strings.HasPrefix(raw, "+47 9") || len(raw) != len("+47 90000000") {
			return login.Credential{}, phone.Number{}, errors.New("no number of ours")
		}
		return login.Credential{ID: raw, Kind: book.CredentialKind, Label: label, Data: []byte(raw)}, phone.Number{}, nil
	}
	if err := i.examine(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if got := failed(rows); got != 8 || len(rows) != n {
		t.Errorf("%d of %d rows fail, want 8 of %d", got, len(rows), n)
	}
	for _, at := range []int{7, 99, 500, 501, 70_000, 80_000, 90_000, 99_999} {
		if r := rows[at]; r.err == nil || r.leftOut() || r.Line != at+2 {
			t.Errorf("row %d of line %d: %v", at, r.Line, r.err)
		}
	}
	if !rows[3].leftOut() || !rows[4].leftOut() {
		t.Error("whoever is disabled or has no telephone there is not left out")
	}
	var out strings.Builder
	c := &cobra.Command{}
	c.SetOut(&out)
	c.SetErr(io.Discard)
	if err := reportRows(c, rows, false, true); err == nil || err.Error() != "8 rows cannot be taken" {
		t.Errorf("the report ends with %v", err)
	}
	if want := "99990 would be enrolled, 0 unchanged, 2 left out, 8 failed\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("the report ends with %q, want %q", out.String()[out.Len()-100:], want)
	}
	if got := strings.Count(out.String(), "\n"); got != n-8+1 {
		t.Errorf("the report has %d lines, want one a row that did not fail, and a sum", got)
	}
	if got := enrolled(t, kv); got != 0 {
		t.Errorf("%d are enrolled", got)
	}
}

func TestAFaultTakesPreferencesBackToo(t *testing.T) {
	const n = 1000
	kv := &failing{KV: mem.New()}
	kv.left.Store(2 + n/2)
	i := newPeopleImporter(t, kv)
	// Two have telephones already, one of them an opinion too.
	opinion := map[int]string{3: "", 4: "sms:before"}
	for at, preferred := range opinion {
		cred, _, err := i.telephone(fmt.Sprint(90_000_000+at), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := i.enrollments.Update(t.Context(), fmt.Sprintf("id-user%d", at), "", func(e *login.Enrollment) error {
			e.Credentials, e.Preferred = []login.Credential{cred}, preferred
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	rows := readMFAServer(t, windows(mfaServerFile(n, nil)))
	if err := i.examine(t.Context(), rows); err != nil || failed(rows) > 0 {
		t.Fatalf("%d rows fail: %v", failed(rows), err)
	}
	if !rows[3].changes() || len(rows[3].adds) > 0 || rows[4].changes() {
		t.Error("what is there is not told from what is not")
	}
	if err := i.write(t.Context(), rows); !errors.Is(err, errFull) {
		t.Errorf("the import ends with %v", err)
	}
	for at, want := range opinion {
		if e, err := i.enrollments.Enrollment(t.Context(), fmt.Sprintf("id-user%d", at)); err != nil || e.Preferred != want || len(e.Credentials) != 1 {
			t.Errorf("user%d has %+v, %v; want what she had", at, e, err)
		}
	}
	if got := enrolled(t, kv); got != len(opinion) {
		t.Errorf("%d are enrolled, want the %d from before", got, len(opinion))
	}
	// Mended, everybody is asked as there, but for whoever had an opinion.
	kv.mended.Store(true)
	if err := errors.Join(i.examine(t.Context(), rows), i.write(t.Context(), rows)); err != nil {
		t.Fatal(err)
	}
	var called int
	if err := i.enrollments.List(t.Context(), func(_, _ string, e login.Enrollment) error {
		if slices.ContainsFunc(e.Credentials, func(c login.Credential) bool { return e.Preferred == "call:"+c.ID }) {
			called++
		}
		return nil
	}); err != nil || called != n-1 {
		t.Errorf("%d are called first, %v; want %d", called, err, n-1)
	}
}
