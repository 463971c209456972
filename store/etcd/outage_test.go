package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/etcd"
	"github.com/portvakt/portvakt/store/storetest"
)

// With a majority of the members gone nothing is decided, and said within the
// limit; when they are back all goes on by itself. What was acknowledged before
// is there, and what was refused was not half done.
func TestR18WithoutAMajorityIsAnError(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]struct{ down, up func(c *peer.Etcd, i int) }{
		"stopped": {(*peer.Etcd).Pause, (*peer.Etcd).Resume},
		"killed":  {(*peer.Etcd).Kill, func(c *peer.Etcd, i int) { c.Restart(t, i) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := peer.StartEtcd(t, peer.EtcdOptions{Members: 3})
			cfg := cluster(c)
			kv := open(t, cfg)
			rev := storetest.Put(t, kv, "k", "one")
			cfg.Timeout = time.Second
			hasty := open(t, cfg)
			leader := c.Leader(t)
			gone := []int{leader, (leader + 1) % 3}
			for _, i := range gone {
				how.down(c, i)
			}
			for range 4 { // also by the member that is left
				began := time.Now()
				if v, err := hasty.Get(t.Context(), "k"); err == nil {
					t.Errorf("read %q without a majority", v.Data)
				} else if errors.Is(err, login.ErrNotFound) {
					t.Errorf("got %v, want an outage", err)
				}
				switch err := hasty.Swap(t.Context(), "k", rev+1000, []byte("x")); {
				case err == nil:
					t.Error("written without a majority")
				case errors.Is(err, login.ErrConflict):
					t.Errorf("got %v, want an outage", err)
				}
				if err := hasty.Scan(t.Context(), "", func(string, store.Value) error { return nil }); err == nil {
					t.Error("scanned without a majority")
				}
				if took := time.Since(began); took > long {
					t.Errorf("it took %v", took)
				}
			}
			if !hasty.Failing() || kv.Failing() {
				t.Errorf("who has asked says that the cluster is away: %v, who has not: %v", hasty.Failing(), kv.Failing())
			}
			for _, i := range gone {
				how.up(c, i)
			}
			await(t, func() error { return again(t.Context(), hasty) })
			if hasty.Failing() {
				t.Error("it is said to be away when it is back")
			}
			if got := string(storetest.Get(t, kv, "k").Data); got != "one" {
				t.Errorf("the record is %q afterwards", got)
			}
		})
	}
}

// One member less is no outage: what fails is tried again by whoever asks, and
// soon goes to the others.
func TestR18LeaderIsLost(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]func(c *peer.Etcd, i int){"stopped": (*peer.Etcd).Pause, "killed": (*peer.Etcd).Kill} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := peer.StartEtcd(t, peer.EtcdOptions{Members: 3})
			cfg := cluster(c)
			cfg.Timeout = 5 * time.Second
			kv := open(t, cfg)
			storetest.Put(t, kv, "k", "one")
			down(c, c.Leader(t))
			for range 10 { // each member's turn
				await(t, func() error { return again(t.Context(), kv) })
			}
			if got := string(storetest.Get(t, open(t, cluster(c)), "k").Data); got != "one" {
				t.Errorf("the record is %q afterwards", got)
			}
		})
	}
}

// Changes are counted while leaders go: none that was acknowledged is lost, and
// none is made twice. An error leaves it open.
func TestR18AcknowledgedChangesSurviveTheLeader(t *testing.T) {
	t.Parallel()
	c := peer.StartEtcd(t, peer.EtcdOptions{Members: 3})
	cfg := cluster(c)
	cfg.Timeout = 5 * time.Second
	const writers = 4
	var wg sync.WaitGroup
	var acknowledged [writers]int
	var unknown [writers]int
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	started := make(chan struct{}, writers)
	for w := range writers {
		kv := open(t, cfg)
		wg.Go(func() {
			for first := true; ctx.Err() == nil; {
				v, err := kv.Get(ctx, fmt.Sprint(w))
				if err != nil && !errors.Is(err, login.ErrNotFound) {
					continue
				}
				switch err := kv.Swap(ctx, fmt.Sprint(w), v.Rev, append(slices.Clip(v.Data), '.')); {
				case err == nil:
					acknowledged[w]++
					if first {
						first = false
						started <- struct{}{}
					}
				case errors.Is(err, login.ErrConflict): // one that was unknown came late
				default:
					unknown[w]++
				}
				if acknowledged[w] > 20_000 {
					return
				}
			}
		})
	}
	for range writers {
		<-started
	}
	for range 2 {
		leader := c.Leader(t)
		c.Kill(leader)
		c.Leader(t) // another one
		c.Restart(t, leader)
		c.Await(t)
	}
	stop()
	wg.Wait()
	kv := open(t, cluster(c))
	for w := range writers {
		got := len(storetest.Get(t, kv, fmt.Sprint(w)).Data)
		if got < acknowledged[w] || got > acknowledged[w]+unknown[w] {
			t.Errorf("writer %d: %d changes, %d were acknowledged and %d unknown", w, got, acknowledged[w], unknown[w])
		}
	}
}

// again is one change after the other.
func again(ctx context.Context, kv *etcd.KV) error {
	v, err := kv.Get(ctx, "again")
	if err != nil && !errors.Is(err, login.ErrNotFound) {
		return err
	}
	return kv.Swap(ctx, "again", v.Rev, []byte("x"))
}

func await(t *testing.T, try func() error) {
	t.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for late := time.After(long); ; {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-pause.C:
		case <-late:
			t.Fatalf("it does not come back: %v", err)
		}
	}
}
