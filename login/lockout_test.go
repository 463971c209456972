package login

import (
	"testing"
	"time"
)

// Whatever strangers do, a directory that locks accounts counts fewer wrong
// passwords than it locks at, and a place that is known keeps a try.
func TestS05FewerWrongPasswordsThanTheDirectoryLocksAt(t *testing.T) {
	for after := 3; after <= 20; after++ {
		b := Lockout{After: after, Window: 30 * time.Minute}.budget()
		g := &guard{}
		g.success(1, noon, true)
		g.success(2, noon, true)
		reached := 0
		guess := func(id uint64, now time.Time) (tried bool) {
			if g.locked(id, now, b) {
				return false
			}
			g.wrongPassword(id, now, b)
			reached++
			return true
		}
		for range 50 {
			guess(99, noon)
		}
		if reached == 0 || reached > maxPasswordFailures {
			t.Errorf("locks after %d: strangers reach it %d times", after, reached)
		}
		if !guess(1, noon) {
			t.Errorf("locks after %d: strangers leave nothing to a known place", after)
		}
		for range 50 {
			guess(1, noon)
			guess(2, noon)
		}
		if reached >= after {
			t.Errorf("locks after %d: %d wrong passwords reached it", after, reached)
		}
		// It goes on counting while its own window lasts.
		if guess(99, noon.Add(29*time.Minute)) || !guess(99, noon.Add(30*time.Minute)) {
			t.Errorf("locks after %d: not the directory's window", after)
		}
	}
}

func TestBudgetsOfDirectories(t *testing.T) {
	for _, c := range []struct {
		name string
		l    Lockout
		want budget
	}{
		{"nothing is known", Lockout{}, usual},
		{"one that locks late", Lockout{After: 50, Window: time.Minute}, budget{4, 4, 49, 15 * time.Minute}},
		{"five in half an hour", Lockout{After: 5, Window: 30 * time.Minute}, budget{4, 3, 4, 30 * time.Minute}},
		{"three", Lockout{After: 3, Window: time.Minute}, budget{2, 1, 2, 15 * time.Minute}},
		{"two, which nobody stays below for sure", Lockout{After: 2}, budget{1, 1, 1, 15 * time.Minute}},
		{"one, which nobody stays below", Lockout{After: 1}, budget{1, 1, 1, 15 * time.Minute}},
		{"counted for ever", Lockout{After: 5, Window: 1 << 62}, budget{4, 3, 4, 24 * time.Hour}},
		{"a number that cannot be", Lockout{After: -1}, usual},
	} {
		if got := c.l.budget(); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
}

// A right password forgives the place where it was typed, and a change of the
// directory's policy is in force at once.
func TestABudgetMayChange(t *testing.T) {
	g := &guard{}
	strict := Lockout{After: 4}.budget()
	g.wrongPassword(9, noon, usual)
	g.wrongPassword(9, noon, usual)
	if !g.locked(9, noon, strict) || g.locked(9, noon, usual) {
		t.Error("want strangers locked under the strict policy only")
	}
	g.success(1, noon, true)
	g.wrongPassword(1, noon, strict)
	if !g.locked(1, noon, strict) {
		t.Error("three wrong passwords of four do not lock")
	}
	g.success(1, noon, true)
	if g.locked(1, noon, strict) {
		t.Error("a right one does not forgive")
	}
}
