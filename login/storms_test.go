package login

import (
	"strconv"
	"testing"
	"time"
)

func TestMemoryOfRefusalsIsBounded(t *testing.T) {
	s := newStorms()
	for i := range maxStorms + 10 {
		s.remember(&attempt{Attempt: Attempt{User: strconv.Itoa(i), Secret: Cleartext("x")}}, Reject{Reason: ReasonBadPassword})
	}
	if n := s.some.Load(); n != int64(len(s.all)) || n < maxStorms*15/16 || n > maxStorms {
		t.Errorf("got %d entries, want nearly %d", n, maxStorms)
	}
	s.makeRoom(time.Now().Add(stormForgotten))
	if len(s.all) != 0 {
		t.Errorf("got %d entries that have run out", len(s.all))
	}
}

func TestPausesGrowToALimit(t *testing.T) {
	for _, c := range []struct {
		reason   Reason
		refusals int
		want     time.Duration
	}{
		{ReasonBadPassword, 1, 30 * time.Second},
		{ReasonBadPassword, 2, time.Minute},
		{ReasonBadPassword, 1000, time.Hour},
		{ReasonNoAnswer, 1, 0},
		{ReasonNoAnswer, 2, 15 * time.Second},
		{ReasonNoAnswer, 1000, 10 * time.Minute},
		{ReasonLocked, 1000, 0},
		{ReasonNoAnswerYet, 1000, 0}, // the next try takes an approval that came late
		{ReasonInProgress, 1000, 0},
	} {
		if got := pause(c.reason, c.refusals); got != c.want {
			t.Errorf("%s, %d times: got %v, want %v", c.reason, c.refusals, got, c.want)
		}
	}
}
