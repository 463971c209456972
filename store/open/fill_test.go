package open_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/open"
	"github.com/portvakt/portvakt/store/storetest"
)

// A server that had a file becomes the first node of a cluster: everybody has
// what she had enrolled.
func TestACopyOfAFileFillsACluster(t *testing.T) {
	t.Parallel()
	const accounts = 300
	single := config(t, key(1))
	s := openStore(t, single)
	people := store.NewEnrollments(s.KV)
	for i := range accounts {
		if err := people.Update(t.Context(), fmt.Sprintf("id-%d", i), "Astrid", token("S")); err != nil {
			t.Fatal(err)
		}
	}
	backup := filepath.Join(t.TempDir(), "backup")
	f, err := os.Create(backup)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file(t, s).Backup(t.Context(), f), f.Close()); err != nil {
		t.Fatal(err)
	}

	c := clusterConfig(t, peer.StartEtcd(t, peer.EtcdOptions{}), key(1))
	other := c
	other.Key = secret.New(strings.Replace(key(2), "2 ", "1 ", 1))
	if _, err := open.Fill(t.Context(), other, backup, nil); !errors.Is(err, store.ErrSealed) {
		t.Errorf("under another key: got %v, want a refusal", err)
	}
	if _, err := open.Fill(t.Context(), c, filepath.Join(t.TempDir(), "nothing"), nil); err == nil {
		t.Error("a copy that is not there was taken")
	}
	openStore(t, c) // a node that was started too early has written which key it has
	if n, err := open.Fill(t.Context(), c, backup, nil); err != nil || n < accounts {
		t.Fatalf("filled %d, %v", n, err)
	}
	n := 0
	if err := store.NewEnrollments(openStore(t, c).KV).List(t.Context(), func(_, name string, e login.Enrollment) error {
		if name == "Astrid" && len(e.Credentials) == 1 {
			n++
		}
		return nil
	}); err != nil || n != accounts {
		t.Errorf("%d accounts are there, %v", n, err)
	}
	if _, err := open.Fill(t.Context(), c, backup, nil); !errors.Is(err, open.ErrNotEmpty) {
		t.Errorf("a second time: got %v, want a refusal", err)
	}
	storetest.Get(t, s.KV, "enroll/id-0") // the file is as it was
}
