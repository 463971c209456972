package login

import (
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// A sleeper notes when it was rung, and what for.
type sleeper struct {
	bell  bell
	begun time.Time
	rung  []time.Duration
	what  int
}

func (s *sleeper) ring(what int) {
	s.rung = append(s.rung, time.Since(s.begun))
	s.what = what
}

// moments is how many alarms there are.
func moments(s *alarms) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.by)
}

func TestAlarmsRingOnceAndNotLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newAlarms()
		time.Sleep(7 * time.Millisecond) // not at a step
		for i, d := range []time.Duration{-time.Second, 0, time.Millisecond, 43 * time.Millisecond, time.Second, 1049 * time.Millisecond, time.Hour} {
			who := &sleeper{begun: time.Now()}
			s.set(&who.bell, d, who, i)
			time.Sleep(max(d, 0) + time.Nanosecond)
			synctest.Wait()
			if len(who.rung) != 1 || who.rung[0] > max(d, 0) || who.rung[0] < d-alarmStep || who.what != i {
				t.Errorf("after %v: rung %v for %d", d, who.rung, who.what)
			}
		}
		if moments(s) != 0 {
			t.Errorf("%d alarms are left", moments(s))
		}
	})
}

// Of many who share moments, those and only those ring that were not taken
// back, each at the last time it was set to.
func TestAlarmsAreTakenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newAlarms()
		all := make([]*sleeper, 500)
		want := make([]time.Duration, len(all)) // 0 for never
		for i := range all {
			all[i] = &sleeper{begun: time.Now()}
		}
		for range 5000 {
			i := rand.IntN(len(all))
			if rand.IntN(3) == 0 {
				s.stop(&all[i].bell)
				want[i] = 0
				continue
			}
			want[i] = time.Second + time.Duration(rand.IntN(10))*alarmStep
			s.set(&all[i].bell, want[i], all[i], 0)
		}
		if moments(s) > 10 {
			t.Errorf("%d alarms for 10 moments", moments(s))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, who := range all {
			s.stop(&who.bell) // does nothing any more
			switch {
			case want[i] == 0 && len(who.rung) != 0:
				t.Errorf("%d was taken back and rang", i)
			case want[i] != 0 && !slices.Equal(who.rung, []time.Duration{want[i]}):
				t.Errorf("%d: rung %v, want %v", i, who.rung, want[i])
			}
		}
		if moments(s) != 0 {
			t.Errorf("%d alarms are left", moments(s))
		}
	})
}
