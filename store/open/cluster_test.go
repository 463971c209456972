package open_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/open"
	"github.com/portvakt/portvakt/store/storetest"
)

func clusterConfig(t testing.TB, c *peer.Etcd, ring string) store.Config {
	t.Helper()
	cfg := store.DefaultConfig()
	cfg.Kind, cfg.Endpoints, cfg.Insecure, cfg.Timeout = store.KindEtcd, c.Endpoints, true, 30*time.Second
	cfg.Key = secret.New(ring)
	return cfg
}

// Whoever has the files of the cluster, a dump or a snapshot of it, has no seed
// and no telephone number.
func TestS28ADumpOfTheClusterHasNoSecrets(t *testing.T) {
	t.Parallel()
	c := peer.StartEtcd(t, peer.EtcdOptions{})
	s := openStore(t, clusterConfig(t, c, key(1)))
	people := store.NewEnrollments(s.KV)
	for _, seed := range []string{"GEZDGNBVGY3TQOJQ", "+4777644000"} {
		if err := people.Update(t.Context(), "id-1", "Astrid", token(seed)); err != nil {
			t.Fatal(err)
		}
	}
	dump := c.Dump(t)
	if !strings.Contains(dump, "portvakt/enroll/id-1") {
		t.Fatal("the dump does not have the record")
	}
	for _, secret := range []string{"GEZDGNBVGY3TQOJQ", "+4777644000", "Astrid", "totp"} {
		if strings.Contains(dump, secret) {
			t.Errorf("%q is in the clear", secret)
		}
	}
}

// Nodes that start at the same moment make one record to check the key by; one
// that was given another key is refused.
func TestS28AllNodesOfAClusterHaveOneRing(t *testing.T) {
	t.Parallel()
	c := peer.StartEtcd(t, peer.EtcdOptions{})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			s, err := open.Open(t.Context(), clusterConfig(t, c, key(1)), nil)
			if err != nil {
				t.Error(err)
				return
			}
			_ = s.Close()
		})
	}
	all.Wait()
	other := clusterConfig(t, c, strings.Replace(key(2), "2 ", "1 ", 1))
	if _, err := open.Open(t.Context(), other, nil); err == nil || !strings.Contains(err.Error(), "use the key ring that was saved with the database") {
		t.Errorf("another key: got %v", err)
	}
	if _, err := open.Open(t.Context(), clusterConfig(t, c, key(2)), nil); err == nil || !strings.Contains(err.Error(), "lacks") {
		t.Errorf("a ring without the key: got %v", err)
	}
}

// One node changes the key of the cluster while another, which has both, goes
// on.
func TestAClusterCanBeRewrapped(t *testing.T) {
	t.Parallel()
	c := peer.StartEtcd(t, peer.EtcdOptions{})
	old, both := openStore(t, clusterConfig(t, c, key(1))), key(1)+strings.TrimSpace(key(2))+" active"
	for _, k := range []string{"a", "b", "c"} {
		storetest.Put(t, old.KV, k, "of "+k)
	}
	one, two := openStore(t, clusterConfig(t, c, both)), openStore(t, clusterConfig(t, c, both))
	if n, err := open.Rewrap(t.Context(), one.Raw, one.Ring); err != nil || n != 3 {
		t.Errorf("rewrapped %d, %v", n, err)
	}
	fresh := openStore(t, clusterConfig(t, c, key(2)))
	for _, s := range []*open.Store{two, fresh} {
		if got := string(storetest.Get(t, s.KV, "b").Data); got != "of b" {
			t.Errorf("got %q", got)
		}
	}
}

// What one node has changed of somebody's enrollment another one sees at once,
// also when it has it in memory.
func TestEnrollmentsOfOneNodeAreThoseOfAll(t *testing.T) {
	t.Parallel()
	c := peer.StartEtcd(t, peer.EtcdOptions{Members: 3})
	cfg := clusterConfig(t, c, key(1))
	here, there := store.NewEnrollments(openStore(t, cfg).KV), store.NewEnrollments(openStore(t, cfg).KV)
	for i := range 5 {
		if err := here.Update(t.Context(), "id-1", "Astrid", token("S")); err != nil {
			t.Fatal(err)
		}
		e, err := there.Enrollment(t.Context(), "id-1")
		if err != nil || len(e.Credentials) != i+1 {
			t.Errorf("the other node sees %d credentials, %v; want %d", len(e.Credentials), err, i+1)
		}
	}
	if err := here.Forget(t.Context(), "id-1"); err != nil {
		t.Fatal(err)
	}
	if e, err := there.Enrollment(t.Context(), "id-1"); err != nil || len(e.Credentials) != 0 {
		t.Errorf("the other node goes by %d credentials, %v, that were removed", len(e.Credentials), err)
	}
}
