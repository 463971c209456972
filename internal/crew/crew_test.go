package crew

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestEachTaskIsDoneAtOnceAndOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const tasks = 10 * MaxIdle
		var begun, done atomic.Int32
		hold := make(chan struct{})
		c := New(func(n int) {
			begun.Add(int32(n))
			<-hold
			done.Add(int32(n))
		})
		for range tasks {
			c.Start(1)
		}
		synctest.Wait()
		if begun.Load() != tasks || done.Load() != 0 {
			t.Errorf("%d begun, %d done; want all begun beside each other", begun.Load(), done.Load())
		}
		close(hold)
		synctest.Wait()
		if n := c.idle.Load(); n != MaxIdle {
			t.Errorf("%d wait for more, want %d", n, MaxIdle)
		}
		for range tasks {
			c.Start(1)
		}
		c.Close()
		c.Wait()
		if done.Load() != 2*tasks {
			t.Errorf("%d done, want %d", done.Load(), 2*tasks)
		}
	})
}

func BenchmarkStart(b *testing.B) {
	c := New(func(chan struct{}) {})
	defer c.Wait()
	defer c.Close()
	b.ReportAllocs()
	for b.Loop() {
		c.Start(nil)
	}
}
