package radiusd

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestABurstLeavesNoMemory: what was kept of many requests is gone a minute
// later, also when no other one comes.
func TestABurstLeavesNoMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const burst = 50_000
		s, err := New(testConfig(), nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var keeper sync.WaitGroup
		keeper.Go(func() { s.keep(t.Context(), stop) })
		for i := range burst {
			e, _, _ := begin(s.replies, from(uint16(i), byte(i>>16)), request0(1), s.now())
			if !s.replies.answer(e, make([]byte, 100), s.now()) {
				t.Fatalf("number %d: the answer was not wanted", i)
			}
		}
		if n := s.replies.count(); n != burst {
			t.Fatalf("%d replies are kept of %d", n, burst)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := s.replies.count(); n != 0 {
			t.Errorf("%d are counted", n)
		}
		for i := range s.replies.shards {
			if l := &s.replies.shards[i].sent; l.index != nil || l.pages != nil || l.spare != nil {
				t.Errorf("shard %d has %d places, %d pages, a spare one: %v", i, len(l.index), len(l.pages), l.spare != nil)
			}
		}
		close(stop)
		keeper.Wait()
	})
}
