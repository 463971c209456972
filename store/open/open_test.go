package open_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/bolt"
	"github.com/portvakt/portvakt/store/open"
	"github.com/portvakt/portvakt/store/storetest"
)

func config(t testing.TB, ring string) store.Config {
	t.Helper()
	c := store.DefaultConfig()
	c.Path, c.Key = filepath.Join(t.TempDir(), "portvakt.db"), secret.New(ring)
	return c
}

func key(n byte) string {
	b := bytes.Repeat([]byte{n}, 32)
	b[0]++
	return fmt.Sprintf("%d %s\n", n, base64.StdEncoding.EncodeToString(b))
}

func openStore(t testing.TB, c store.Config) *open.Store {
	t.Helper()
	s, err := open.Open(context.Background(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// file is the file of a store of kind "bolt".
func file(t testing.TB, s *open.Store) *bolt.KV {
	t.Helper()
	kv, ok := s.Raw.(*bolt.KV)
	if !ok {
		t.Fatalf("the store is a %T", s.Raw)
	}
	return kv
}

func token(seed string) func(*login.Enrollment) error {
	return func(e *login.Enrollment) error {
		e.Credentials = append(e.Credentials, login.Credential{
			ID: store.NewCredentialID(), Kind: "totp", Label: "phone", Data: json.RawMessage(`{"seed":"` + seed + `"}`),
		})
		return nil
	}
}

// Whoever finds the files, or a copy of them, finds no seed and no telephone
// number: in the database, in its journals, in the backup.
func TestS28FilesHaveNoSecrets(t *testing.T) {
	t.Parallel()
	c := config(t, key(1))
	s := openStore(t, c)
	people := store.NewEnrollments(s.KV)
	look := func(when string) {
		files, err := filepath.Glob(c.Path + "*")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", when, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"GEZDGNBVGY3TQOJQ", "+4777644000", "Astrid", "totp"} {
				if bytes.Contains(b, []byte(secret)) {
					t.Errorf("%s: %s has %q in the clear", when, filepath.Base(name), secret)
				}
			}
		}
	}
	for _, seed := range []string{"GEZDGNBVGY3TQOJQ", "+4777644000"} {
		if err := people.Update(t.Context(), "id-1", "Astrid", token(seed)); err != nil {
			t.Fatal(err)
		}
	}
	look("before the fold")
	f, err := os.Create(c.Path + ".copy")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file(t, s).Backup(t.Context(), f), f.Close()); err != nil {
		t.Fatal(err)
	}
	look("after a backup")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look("after the end")
}

func TestS28WrongRingIsRefused(t *testing.T) {
	t.Parallel()
	c := config(t, key(1))
	s := openStore(t, c)
	storetest.Put(t, s.KV, "a", "x")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	other := c
	other.Key = secret.New(strings.Replace(key(2), "2 ", "1 ", 1))
	for range 2 { // and it is not left locked
		if _, err := open.Open(t.Context(), other, nil); !errors.Is(err, store.ErrSealed) || !strings.Contains(err.Error(), c.Path) {
			t.Fatalf("got %v, want a refusal that names the file", err)
		}
	}
	s = openStore(t, c)
	if got := string(storetest.Get(t, s.KV, "a").Data); got != "x" {
		t.Errorf("got %q, want x", got)
	}
}

func TestKeysCanBeRotated(t *testing.T) {
	t.Parallel()
	c := config(t, key(1))
	s := openStore(t, c)
	storetest.Put(t, s.KV, "a", "x")
	for _, ring := range []string{key(1) + strings.TrimSpace(key(2)) + " active", key(2)} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		c.Key = secret.New(ring)
		s = openStore(t, c)
		if got := string(storetest.Get(t, s.KV, "a").Data); got != "x" {
			t.Errorf("got %q, want x", got)
		}
		if _, err := open.Rewrap(t.Context(), s.Raw, s.Ring); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBadConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	c := config(t, key(1))
	c.Kind = store.KindEtcd
	if _, err := open.Open(t.Context(), c, nil); err == nil || !strings.Contains(err.Error(), "store.endpoints") {
		t.Errorf("got %v", err)
	}
}

// An import of ten thousand accounts takes seconds because concurrent updates
// share commits.
func TestImportSharesCommits(t *testing.T) {
	t.Parallel()
	const accounts, workers = 10000, 256
	s := openStore(t, config(t, key(1)))
	people := store.NewEnrollments(s.KV)
	ids := make(chan int)
	var wg sync.WaitGroup
	begin := time.Now()
	for range workers {
		wg.Go(func() {
			for i := range ids {
				if err := people.Update(t.Context(), fmt.Sprintf("id-%d", i), fmt.Sprintf("user%d", i), token("S")); err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	for i := range accounts {
		ids <- i
	}
	close(ids)
	wg.Wait()
	t.Logf("%d enrollments in %v, %d fsyncs", accounts, time.Since(begin), file(t, s).Stats().Fsyncs)
	if got := file(t, s).Stats().Fsyncs; got > accounts/4 {
		t.Errorf("%d fsyncs for %d accounts, want them to share", got, accounts)
	}
	n := 0
	err := people.List(t.Context(), func(_, _ string, e login.Enrollment) error {
		n += len(e.Credentials)
		return nil
	})
	if err != nil || n != accounts {
		t.Errorf("listed %d, %v; want %d", n, err, accounts)
	}
}
