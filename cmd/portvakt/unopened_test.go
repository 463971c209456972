package main

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
	"github.com/portvakt/portvakt/store/open"
)

// A record of one person, or of one session, that does not open keeps no command
// from the others. What must be whole, an export and an import of secrets that
// nobody else may have, is refused.
func TestARecordThatDoesNotOpenCostsNobodyElse(t *testing.T) {
	ctx := t.Context()
	ring, err := store.ParseRing([]byte("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
	if err != nil {
		t.Fatal(err)
	}
	raw := mem.New()
	kv := open.Apart(raw, ring)
	st := &storage{raw: raw, kv: kv, ring: ring, enrollments: store.NewEnrollments(kv)}
	s := &system{storage: st, directories: directories{directory: &logintest.Directory{}}}
	for _, name := range []string{"alice", "bob", "carol"} {
		cred, err := totp.NewCredential("", totp.Token{Kind: totp.KindTime, Seed: totp.NewSeed(), Algorithm: totp.SHA1, Digits: 6, Period: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.enrollments.Update(ctx, "id-"+name, name, func(e *login.Enrollment) error {
			e.Credentials = []login.Credential{cred}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	f := conf.File{}
	f.Accounting = store.DefaultSessionsConfig()
	sessions := newSessions(st, f)
	for _, name := range []string{"alice", "bob"} {
		r := login.SessionReport{Status: login.SessionStart, At: time.Now()}
		r.Client, r.NAS, r.ID, r.User, r.AccountID = "vpn", "gw", "of-"+name, name, "id-"+name
		if err := sessions.Record(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	damage := func(key string, v store.Value) error { return raw.Swap(ctx, key, v.Rev, []byte("damaged")) }
	if v, err := raw.Get(ctx, "enroll/id-alice"); err != nil || damage("enroll/id-alice", v) != nil {
		t.Fatal(err)
	}
	unopened := func(what string, err error) {
		t.Helper()
		if u, ok := errors.AsType[*store.UnopenedError](err); !ok || u.Count != 1 {
			t.Errorf("%s: got %v, want word of one value that does not open", what, err)
		}
	}

	if p, err := s.person(ctx, "id-bob"); err != nil || p.name != "bob" {
		t.Errorf("bob by his id: %+v, %v", p, err)
	}
	_, err = s.person(ctx, "bob") // another one may have the name
	unopened("bob by his name", err)
	_, err = s.person(ctx, "id-alice")
	unopened("alice, whose record it is", err)

	is, err := st.sessionsOf(ctx, "carol")
	unopened("whose sessions", err)
	if !is(&login.Session{AccountID: "id-carol"}) || is(&login.Session{AccountID: "id-bob"}) {
		t.Error("carol's sessions are not told apart")
	}

	_, _, err = s.exported(ctx, nil)
	unopened("an export", err)
	i := importer{lookup: everybody, enrollments: st.enrollments}
	unopened("an import of a secret", i.refuseTaken(ctx, readPeople(t, people(1, nil))))

	var keys []string
	if err := raw.Scan(ctx, "session/", func(key string, v store.Value) error {
		keys = append(keys, key)
		if len(keys) == 1 {
			return damage(key, v)
		}
		return nil
	}); err != nil || len(keys) != 2 {
		t.Fatalf("%q, %v", keys, err)
	}
	var found []string
	for _, id := range []string{"of-alice", "of-bob"} {
		is, err := st.session(ctx, f, id, "vpn")
		if is.ID == id {
			unopened("a session beside the damaged one", err)
			found = append(found, id)
		} else if _, other := store.Unopened(err); other == nil {
			t.Errorf("a session that is not found: %v", err)
		}
	}
	if len(found) != 1 || !slices.Contains([]string{"of-alice", "of-bob"}, found[0]) {
		t.Errorf("found %q, want the one that opens", found)
	}
}
