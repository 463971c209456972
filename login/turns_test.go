package login

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestWhoeverGivesUpHoldsNobodyUp: an attempt whose client has gone while it
// waited leaves its turn to the next, and nothing stays behind.
func TestWhoeverGivesUpHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s turns
		key := turnKey{account: "a"}
		first, err := s.take(t.Context(), key, 1)
		if err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := s.take(gone, key, 1)
			left <- err
		}()
		synctest.Wait()
		taken := make(chan *turn, 1)
		go func() {
			third, _ := s.take(t.Context(), key, 1)
			taken <- third
		}()
		synctest.Wait()
		cancel()
		if err := <-left; err == nil {
			t.Error("one that gave up got a turn")
		}
		synctest.Wait()
		if len(taken) != 0 {
			t.Error("two have the turn")
		}
		s.leave(first)
		s.leave(<-taken)
		if len(s.by) != 0 {
			t.Errorf("%d turns are left behind", len(s.by))
		}
	})
}
