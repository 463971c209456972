package main

import (
	"slices"
	"testing"

	"github.com/portvakt/portvakt/store"
)

type awayKV struct {
	store.KV
	away bool
}

func (k *awayKV) Failing() bool { return k.away }

// A node that is cut off from the cluster says so to whoever decides where
// requests go.
func TestANodeWithoutItsClusterIsNotReady(t *testing.T) {
	d, change := newReloadable(t)
	change(`reject_delay = "300ms"`, "reject_delay = \"300ms\"\nstatus_silent = true")
	kv := &awayKV{KV: d.store.raw}
	d.store.raw = kv
	up := d.current.Load().up()
	for _, away := range []bool{false, true, false} {
		kv.away = away
		if got := slices.Contains(d.unready(t.Context()), "the cluster of the store does not answer"); got != away {
			t.Errorf("away: %v, told: %v", away, got)
		}
		if got, want := d.healthy(), up && !away; got != want {
			t.Errorf("away: %v, Status-Server is answered: %v, want %v", away, got, want)
		}
	}
}
