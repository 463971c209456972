package deadline

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestADeadlineIsSharedAndNeverLate: those that end at about the same time have
// one context, which ends at most one step early, with its
// parent at the latest, and is not kept.
func TestADeadlineIsSharedAndNeverLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		parent, cancel := context.WithCancel(t.Context())
		var d Contexts
		one, two := d.At(parent, start, 5*time.Second+1), d.At(parent, start, 5*time.Second+Step-1)
		if one != two {
			t.Error("two deadlines within one step have a context each")
		}
		for i := range 1000 {
			end := time.Duration(i)*time.Millisecond + time.Second
			ctx := d.At(parent, start, end)
			got, _ := ctx.Deadline()
			if early := start.Add(end).Sub(got); early < 0 || early >= Step {
				t.Fatalf("the deadline of %v is early by %v", end, early)
			}
		}
		if d.At(parent, start, time.Millisecond).Err() == nil {
			t.Error("a deadline that is over has not ended")
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if !errors.Is(one.Err(), context.DeadlineExceeded) {
			t.Errorf("at its time: %v", one.Err())
		}
		last := d.At(parent, start, time.Hour)
		if len(d.by) != 1 {
			t.Errorf("%d are kept, want 1", len(d.by))
		}
		cancel()
		if !errors.Is(last.Err(), context.Canceled) {
			t.Errorf("with its parent: %v", last.Err())
		}
	})
}
