package etcd_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
)

// A sign-in's durable work: read a small record, swap it.
func BenchmarkSwap(b *testing.B) {
	for _, members := range []int{1, 3} {
		cfg := cluster(peer.StartEtcd(b, peer.EtcdOptions{Members: members}))
		for _, writers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("members=%d/writers=%d", members, writers), func(b *testing.B) {
				kv := open(b, cfg)
				var next atomic.Int64
				var wg sync.WaitGroup
				b.ResetTimer()
				for w := range writers {
					wg.Go(func() {
						data := make([]byte, 300)
						for i := 0; next.Add(1) <= int64(b.N); i++ {
							key := fmt.Sprintf("guard/%d/%d", w, i%200)
							v, _ := kv.Get(b.Context(), key)
							if err := kv.Swap(b.Context(), key, v.Rev, data); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
			})
		}
	}
}
