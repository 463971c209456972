package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/totp/tokens"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
)

// everybody is a directory that has whoever is called user and a number.
func everybody(_ context.Context, user string) (login.Account, error) {
	if !strings.HasPrefix(user, "user") {
		return login.Account{}, errors.New("the directory has nobody of this name")
	}
	return login.Account{ID: "id-" + user, Name: user}, nil
}

func newImporter(kv store.KV) importer {
	return importer{
		lookup:      everybody,
		telephone:   func(string, string) (login.Credential, phone.Number, error) { panic("no telephones here") },
		enrollments: store.NewEnrollments(kv),
	}
}

// people is a CSV file of n people, each with a secret of her own; broken is
// what another line than the usual one says.
func people(n int, broken map[int]string) string {
	var b strings.Builder
	b.WriteString("user,secret\n")
	for i := range n {
		if line, ok := broken[i]; ok {
			b.WriteString(line + "\n")
			continue
		}
		fmt.Fprintf(&b, "user%d,%s\n", i, totp.NewSeed().Base32())
	}
	return b.String()
}

func readPeople(t *testing.T, file string) []importRow {
	t.Helper()
	rows, err := readRows(tokens.Read(strings.NewReader(file)))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// enrolled is how many keys there are: of enrollments, and of anything else.
func enrolled(t *testing.T, kv store.KV) (n int) {
	t.Helper()
	if err := kv.Scan(t.Context(), "", func(string, store.Value) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAFileWithBrokenRowsIsNotHalfImported(t *testing.T) {
	const n = 100_000
	same := totp.NewSeed().Base32()
	file := people(n, map[int]string{
		7: "user7,not base 32!", 99: "nobody," + totp.NewSeed().Base32(), 500: "user501," + totp.NewSeed().Base32(),
		70_000: "user70000," + same, 90_000: "user90000," + same, 99_998: "user99998", 99_999: "user99999,MFRGG",
	})
	kv := mem.New()
	i, rows := newImporter(kv), readPeople(t, file)
	if err := i.examine(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	if got := failed(rows); got != 8 || len(rows) != n {
		t.Errorf("%d of %d rows fail, want 8 of %d", got, len(rows), n)
	}
	for _, at := range []int{7, 99, 500, 501, 70_000, 90_000, 99_998, 99_999} {
		if rows[at].err == nil || rows[at].Line != at+2 {
			t.Errorf("row %d of line %d is taken", at, rows[at].Line)
		}
	}
	var out strings.Builder
	c := &cobra.Command{}
	c.SetOut(&out)
	c.SetErr(io.Discard)
	if err := reportRows(c, rows, false, false); err == nil || !strings.Contains(err.Error(), "nothing was enrolled") {
		t.Errorf("the report ends with %v", err)
	}
	if got := strings.Count(out.String(), "\n"); got != n-8+1 {
		t.Errorf("the report has %d lines, want one a good row and a sum", got)
	}
	if got := enrolled(t, kv); got != 0 {
		t.Errorf("%d are enrolled", got)
	}
}

// failing is a store whose disk is full after so many writes, until it is
// mended.
type failing struct {
	store.KV
	left   atomic.Int64
	mended atomic.Bool
}

var errFull = errors.New("no space left on device")

func (f *failing) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	// There is room for records that are there already, so that all can be
	// taken back.
	if rev == 0 && f.left.Add(-1) < 0 && !f.mended.Load() {
		return errFull
	}
	return f.KV.Swap(ctx, key, rev, data)
}

func TestAFaultWhileRowsAreWrittenTakesThemBack(t *testing.T) {
	const n = 5000
	kv := &failing{KV: mem.New()}
	kv.left.Store(1 + n/2)
	i := newImporter(kv)
	// Somebody had a token before, and keeps it.
	before := login.Credential{ID: "before", Kind: "phone", Data: []byte(`{}`)}
	if err := i.enrollments.Update(t.Context(), "id-user3", "user3", func(e *login.Enrollment) error {
		e.Credentials = []login.Credential{before}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	file := people(n, nil)
	rows := readPeople(t, file)
	if err := i.examine(t.Context(), rows); err != nil || failed(rows) > 0 {
		t.Fatalf("%d rows fail: %v", failed(rows), err)
	}
	err := i.write(t.Context(), rows)
	if !errors.Is(err, errFull) || !strings.Contains(err.Error(), "nothing was enrolled") {
		t.Errorf("the import ends with %v", err)
	}
	e, err := i.enrollments.Enrollment(t.Context(), "id-user3")
	if err != nil || len(e.Credentials) != 1 || e.Credentials[0].ID != "before" {
		t.Errorf("user3 has %v, %v", e.Credentials, err)
	}
	if got := enrolled(t, kv); got != 1 {
		t.Errorf("%d are enrolled, want the one from before", got)
	}
	kv.mended.Store(true)
	rows = readPeople(t, file)
	if err := errors.Join(i.examine(t.Context(), rows), i.write(t.Context(), rows)); err != nil {
		t.Fatal(err)
	}
	if got := enrolled(t, kv); got != n {
		t.Errorf("%d are enrolled, want %d", got, n)
	}
}

func TestAnImportThatIsBrokenOffTakesRowsBack(t *testing.T) {
	kv := mem.New()
	i, rows := newImporter(kv), readPeople(t, people(1000, nil))
	if err := i.examine(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := i.write(ctx, rows); !errors.Is(err, context.Canceled) {
		t.Errorf("the import ends with %v", err)
	}
	if got := enrolled(t, kv); got != 0 {
		t.Errorf("%d are enrolled", got)
	}
}

func TestAnOutageIsNoBadRow(t *testing.T) {
	const n = 10_000
	kv := mem.New()
	i := newImporter(kv)
	var asked atomic.Int64
	i.lookup = func(ctx context.Context, user string) (login.Account, error) {
		if asked.Add(1) > n/2 {
			return login.Account{}, withCode(errors.New("no server answers"), exitUnavailable)
		}
		return everybody(ctx, user)
	}
	rows := readPeople(t, people(n, nil))
	if err := i.examine(t.Context(), rows); exitCode(err) != exitUnavailable || !strings.HasPrefix(err.Error(), "line ") {
		t.Errorf("got %v, want the outage and where it began", err)
	}
	if got := asked.Load(); got > n/2+importWorkers {
		t.Errorf("%d were looked up, and nobody answered from %d on", got, n/2)
	}
	// A store that cannot be read is one, too.
	i = newImporter(unreadable{kv})
	if err := i.examine(t.Context(), readPeople(t, people(10, nil))); !errors.Is(err, errFull) {
		t.Errorf("got %v, want the store's fault", err)
	}
}

// unreadable is a store that fails for each person by herself.
type unreadable struct{ store.KV }

func (unreadable) Get(context.Context, string) (store.Value, error) { return store.Value{}, errFull }
