package bolt

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A login's durable work: read a small record, swap it.
func BenchmarkSwap(b *testing.B) {
	for _, writers := range []int{1, 8, 64, 512} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			kv := open(b, dbPath(b), Options{})
			var next atomic.Int64
			var wg sync.WaitGroup
			before, cpu := kv.Stats(), cpuTime()
			b.ResetTimer()
			for w := range writers {
				wg.Go(func() {
					data := make([]byte, 64)
					for i := 0; next.Add(1) <= int64(b.N); i++ {
						key := fmt.Sprintf("totp/%d/%d", w, i%200)
						v, _ := kv.Get(ctx, key)
						if err := kv.Swap(ctx, key, v.Rev, data); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			s := b.Elapsed().Seconds()
			b.ReportMetric(float64(b.N)/s, "ops/s")
			b.ReportMetric(float64(kv.Stats().Fsyncs-before.Fsyncs)/s, "fsyncs/s")
			b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkGet(b *testing.B) {
	kv := open(b, dbPath(b), Options{})
	done := make(chan error)
	for i := range 1000 {
		go func() { done <- kv.Swap(ctx, fmt.Sprintf("k/%d", i), 0, make([]byte, 300)) }()
	}
	for range 1000 {
		<-done
	}
	get := func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := kv.Get(ctx, fmt.Sprintf("k/%d", i%1000)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("overlay", get)
	if err := kv.settle(ctx); err != nil {
		b.Fatal(err)
	}
	b.Run("file", get)
}
