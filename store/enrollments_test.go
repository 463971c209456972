package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
	"github.com/portvakt/portvakt/store/storetest"
)

type testContext = context.Context

func add(label string) func(*login.Enrollment) error {
	return func(e *login.Enrollment) error {
		e.Credentials = append(e.Credentials, login.Credential{
			ID: store.NewCredentialID(), Kind: "totp", Label: label, Data: json.RawMessage(`{"seed":"x"}`),
		})
		return nil
	}
}

func labels(t *testing.T, s *store.Enrollments, id string) string {
	t.Helper()
	e, err := s.Enrollment(t.Context(), id)
	if err != nil {
		t.Fatalf("Enrollment of %q: %v", id, err)
	}
	var all []string
	for _, c := range e.Credentials {
		all = append(all, c.Label)
	}
	return strings.Join(all, " ")
}

func TestEnrollmentsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	kv := mem.New()
	s, other := store.NewEnrollments(kv), store.NewEnrollments(kv)
	if e, err := s.Enrollment(t.Context(), "id"); err != nil || e.Rev != 0 || len(e.Credentials) != 0 {
		t.Errorf("of nobody: got %+v, %v", e, err)
	}
	for i, label := range []string{"phone", "tablet"} {
		if err := s.Update(t.Context(), "id", "alice", add(label)); err != nil {
			t.Fatal(err)
		}
		for range 2 { // decoded, then from the cache; and by another node
			want := []string{"phone", "phone tablet"}[i]
			if got := labels(t, s, "id"); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := labels(t, other, "id"); got != want {
				t.Errorf("the other node: got %q, want %q", got, want)
			}
		}
	}
	e, _ := s.Enrollment(t.Context(), "id")
	if want := storetest.Get(t, kv, "enroll/id").Rev; e.Rev != want {
		t.Errorf("revision %d, want %d", e.Rev, want)
	}
	for range 2 {
		if err := s.Forget(t.Context(), "id"); err != nil {
			t.Fatal(err)
		}
	}
	if got := labels(t, other, "id"); got != "" {
		t.Errorf("forgotten, and the other node still has %q", got)
	}
	if err := s.Update(t.Context(), "id", "", add("new")); err != nil || labels(t, other, "id") != "new" {
		t.Errorf("enrolled again: %v", err)
	}
}

func TestUpdateThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	s := store.NewEnrollments(mem.New())
	if err := s.Update(t.Context(), "id", "alice", add("phone")); err != nil {
		t.Fatal(err)
	}
	shared, _ := s.Enrollment(t.Context(), "id")
	errNo := errors.New("no")
	err := s.Update(t.Context(), "id", "alice", func(e *login.Enrollment) error {
		e.Credentials[0].Label = "changed"
		return errNo
	})
	if !errors.Is(err, errNo) || labels(t, s, "id") != "phone" || shared.Credentials[0].Label != "phone" {
		t.Errorf("got %v and %q", err, labels(t, s, "id"))
	}
}

func TestConcurrentUpdatesAreAllKept(t *testing.T) {
	t.Parallel()
	s := store.NewEnrollments(mem.New())
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := s.Update(t.Context(), "id", "alice", add(fmt.Sprint(i))); err != nil {
				t.Errorf("Update: %v", err)
			}
		})
	}
	wg.Wait()
	if got := len(strings.Fields(labels(t, s, "id"))); got != 20 {
		t.Errorf("%d of 20 updates were kept", got)
	}
}

// Ids come from a directory that others may write to.
// A change that somebody else was faster with is made again of what is there now.
func TestAnUpdateThatWasOvertakenIsMadeAgain(t *testing.T) {
	t.Parallel()
	kv := mem.New()
	s, other := store.NewEnrollments(kv), store.NewEnrollments(kv)
	runs := 0
	err := s.Update(t.Context(), "id", "alice", func(e *login.Enrollment) error {
		if runs++; runs == 1 {
			if err := other.Update(t.Context(), "id", "alice", add("theirs")); err != nil {
				t.Fatal(err)
			}
		}
		return add("ours")(e)
	})
	if got := labels(t, s, "id"); err != nil || runs != 2 || got != "theirs ours" {
		t.Errorf("in %d runs: got %q, %v, want both", runs, got, err)
	}
}

// One credential more than a reader takes would make the whole record unreadable.
func TestARecordNeverHasMoreThanItsReaderTakes(t *testing.T) {
	t.Parallel()
	const most = 256
	s := store.NewEnrollments(mem.New())
	c := login.Credential{ID: "x", Kind: "totp"}
	full := func(n int) func(*login.Enrollment) error {
		return func(e *login.Enrollment) error {
			e.Credentials = slices.Repeat([]login.Credential{c}, n)
			return nil
		}
	}
	if err := s.Update(t.Context(), "id", "alice", full(most+1)); err == nil {
		t.Errorf("%d credentials were taken", most+1)
	}
	if err := s.Update(t.Context(), "id", "alice", full(most)); err != nil {
		t.Fatal(err)
	}
	e, err := s.Enrollment(t.Context(), "id")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(t.Context(), login.Account{ID: "id", Name: "alice"}, e.Rev, c); err == nil {
		t.Error("one more was added")
	}
	if e, err := s.Enrollment(t.Context(), "id"); err != nil || len(e.Credentials) != most {
		t.Errorf("%d can be read, %v", len(e.Credentials), err)
	}
}

func TestAccountIDsCannotNameOtherRecords(t *testing.T) {
	t.Parallel()
	kv := mem.New()
	s := store.NewEnrollments(kv)
	ids := []string{
		"a", "A", "a/b", "a%2Fb", "../sealed/key/1", "a b", "a+b", "\x00\xff\xfe", "é", "e\u0301",
		"5f0c1a6e-9d0a-4c5e-8f5e-2b8f0d9f5a11", strings.Repeat("i", 400),
	}
	for _, id := range ids {
		if err := s.Update(t.Context(), id, "name of "+id, add(fmt.Sprintf("%q", id))); err != nil {
			t.Fatalf("Update %q: %v", id, err)
		}
	}
	for _, id := range ids {
		if got, want := labels(t, s, id), fmt.Sprintf("%q", id); got != want {
			t.Errorf("%q has %q", id, got)
		}
	}
	var listed []string
	err := s.List(t.Context(), func(id, name string, e login.Enrollment) error {
		if name != "name of "+id || len(e.Credentials) != 1 {
			t.Errorf("listed %q as %q with %d credentials", id, name, len(e.Credentials))
		}
		listed = append(listed, id)
		return nil
	})
	slices.Sort(ids)
	slices.Sort(listed)
	if err != nil || !slices.Equal(listed, ids) {
		t.Errorf("listed %q, %v; want %q", listed, err, ids)
	}
	for _, id := range []string{"", strings.Repeat("i", store.MaxKey), strings.Repeat("/", 200)} {
		if err := s.Update(t.Context(), id, "", add("x")); !errors.Is(err, store.ErrLimit) {
			t.Errorf("id of %d octets: got %v, want a limit", len(id), err)
		}
		if _, err := s.Enrollment(t.Context(), id); !errors.Is(err, store.ErrLimit) {
			t.Errorf("id of %d octets: got %v, want a limit", len(id), err)
		}
	}
}

func TestRecordsOfLaterVersionsAreRefused(t *testing.T) {
	t.Parallel()
	kv := mem.New()
	s := store.NewEnrollments(kv)
	for name, record := range map[string]string{
		"later": "\x02JBSWY3DP", "other": `{"v":1}`, "broken": "\x01\x00\x00\x00\x01\x05JBSWY3DP",
		"torn": "\x01\x00\x00\x00\x01\x02id\x04totp", "huge": "\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"trailing": "\x01\x00\x00\x00\x00JBSWY3DP",
	} {
		storetest.Put(t, kv, "enroll/"+name, record)
		_, err := s.Enrollment(t.Context(), name)
		if err == nil || !strings.Contains(err.Error(), "enroll/"+name) || strings.Contains(err.Error(), "JBSW") {
			t.Errorf("%s: got %v, want an error that names the record and no content", name, err)
		}
		if err := s.Update(t.Context(), name, "", add("x")); err == nil {
			t.Errorf("%s: was overwritten", name)
		}
	}
}

func TestCredentialIDsFitAMethod(t *testing.T) {
	t.Parallel()
	if id := store.NewCredentialID(); len("recovery/"+id) > 40 || id == store.NewCredentialID() {
		t.Errorf("id %q", id)
	}
}

func BenchmarkEnrollment(b *testing.B) {
	s := store.NewEnrollments(mem.New())
	if err := s.Update(b.Context(), "id", "alice", add("phone")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Enrollment(b.Context(), "id"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWhoHasNothingLeftIsNotListed(t *testing.T) {
	t.Parallel()
	kv := mem.New()
	s := store.NewEnrollments(kv)
	nothing := func(e *login.Enrollment) error {
		e.Credentials = nil
		return nil
	}
	for _, fn := range []func(*login.Enrollment) error{nothing, add("phone"), nothing, nothing, add("tablet")} {
		if err := s.Update(t.Context(), "id", "alice", fn); err != nil {
			t.Fatal(err)
		}
		listed, has := 0, labels(t, s, "id") != ""
		if err := s.List(t.Context(), func(string, string, login.Enrollment) error { listed++; return nil }); err != nil {
			t.Fatal(err)
		}
		if (listed == 1) != has {
			t.Errorf("%d are listed, and she has something: %v", listed, has)
		}
	}
	// What she has chosen herself stays.
	if err := s.Update(t.Context(), "id", "alice", func(e *login.Enrollment) error {
		e.Credentials, e.Language = nil, "nb"
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if e, err := s.Enrollment(t.Context(), "id"); err != nil || e.Language != "nb" {
		t.Errorf("got %+v, %v", e, err)
	}
}

// The first of those who add at the same time wins; the others must look again
// at what there is.
func TestAddWantsWhatWasRead(t *testing.T) {
	t.Parallel()
	kv := mem.New()
	s := store.NewEnrollments(kv)
	alice := login.Account{ID: "id", Name: "alice"}
	cred := func(i int) login.Credential {
		return login.Credential{ID: fmt.Sprint("c", i), Kind: "totp", Label: fmt.Sprint(i), Data: json.RawMessage(`{}`)}
	}
	var all sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		all.Go(func() { errs[i] = s.Add(t.Context(), alice, 0, cred(i)) })
	}
	all.Wait()
	added := 0
	for _, err := range errs {
		switch {
		case err == nil:
			added++
		case !errors.Is(err, login.ErrConflict):
			t.Errorf("got %v, want ErrConflict", err)
		}
	}
	e, err := s.Enrollment(t.Context(), "id")
	if err != nil || added != 1 || len(e.Credentials) != 1 {
		t.Fatalf("%d were added, %d are there: %v", added, len(e.Credentials), err)
	}
	if err := s.Add(t.Context(), alice, e.Rev, cred(99)); err != nil {
		t.Fatal(err)
	}
	if got, want := labels(t, s, "id"), e.Credentials[0].Label+" 99"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := s.Add(t.Context(), alice, e.Rev, cred(100)); !errors.Is(err, login.ErrConflict) {
		t.Errorf("with an old revision: got %v, want ErrConflict", err)
	}
	if err := s.Add(t.Context(), login.Account{}, 0, cred(1)); !errors.Is(err, store.ErrLimit) {
		t.Errorf("without an account: got %v", err)
	}
	if err := s.List(t.Context(), func(id, name string, _ login.Enrollment) error {
		if id != "id" || name != "alice" {
			t.Errorf("listed as %q %q", id, name)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
