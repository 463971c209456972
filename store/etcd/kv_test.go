package etcd_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/etcd"
	"github.com/portvakt/portvakt/store/storetest"
)

// long is no measure of speed: the machine may be busy.
const long = time.Minute

func cluster(c *peer.Etcd) store.Cluster {
	cfg := store.DefaultCluster()
	cfg.Endpoints, cfg.Insecure = c.Endpoints, true
	cfg.Timeout = 30 * time.Second
	return cfg
}

func open(t testing.TB, c store.Cluster) *etcd.KV {
	t.Helper()
	kv, err := etcd.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = kv.Close() })
	return kv
}

// apart gives each caller records of its own.
func apart(cfg store.Cluster) func() store.Cluster {
	var n atomic.Int64
	return func() store.Cluster {
		own := cfg
		own.Prefix = fmt.Sprintf("test/%d/", n.Add(1))
		return own
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	next := apart(cluster(peer.StartEtcd(t, peer.EtcdOptions{})))
	// In a group: the member ends with the test that started it.
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.KV { return open(t, next()) })
		var of sync.Map // by folder
		storetest.RunDurable(t, func(t *testing.T, dir string) store.KV {
			cfg, _ := of.LoadOrStore(dir, next())
			c, _ := cfg.(store.Cluster)
			return open(t, c)
		})
	})
}

// Each request may go to another member: none of them may be behind.
func TestConformanceOfThreeMembers(t *testing.T) {
	t.Parallel()
	next := apart(cluster(peer.StartEtcd(t, peer.EtcdOptions{Members: 3})))
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.KV { return open(t, next()) })
	})
}

// Somebody who has two installations in one cluster does not find the accounts of
// one in the other, whatever their prefixes begin with.
func TestPrefixesKeepInstallationsApart(t *testing.T) {
	t.Parallel()
	cfg := cluster(peer.StartEtcd(t, peer.EtcdOptions{}))
	other := cfg
	cfg.Prefix, other.Prefix = "a/", "a/b/"
	one, two := open(t, cfg), open(t, other)
	storetest.Put(t, one, "k", "one")
	storetest.Put(t, two, "k", "two")
	if got := string(storetest.Get(t, one, "k").Data); got != "one" {
		t.Errorf("got %q", got)
	}
	keys := ""
	if err := two.Scan(t.Context(), "", func(key string, v store.Value) error {
		keys += key + "=" + string(v.Data) + " "
		return nil
	}); err != nil || keys != "k=two " {
		t.Errorf("scan: %q, %v", keys, err)
	}
}

// What one node has written the other one reads at once: a code that looks
// unused there would be used twice.
func TestS02AnotherNodeSeesWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	cfg := cluster(peer.StartEtcd(t, peer.EtcdOptions{Members: 3}))
	nodes := []*etcd.KV{open(t, cfg), open(t, cfg)}
	for i := range 100 {
		want := fmt.Sprint(i)
		storetest.Put(t, nodes[i%2], "k", want)
		if got := string(storetest.Get(t, nodes[1-i%2], "k").Data); got != want {
			t.Fatalf("node %d reads %q after %q was written", 1-i%2, got, want)
		}
	}
}
