package main

import (
	"testing"
	"time"
)

// A code that is also that of a step close by may have been taken for that: it
// is refused rightly then. Any other right code that is refused is wrong, and
// so is a question where an answer was due.
func TestCodesThatNeighboursHaveTooAreNoFault(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		what   string
		person int
		step   int64
		code   byte
		want   tally
	}{
		{"as that of the step before", 1109, 58908344, accessChallenge, tally{boundary: 1}},
		{"refused for good", 1109, 58908344, accessReject, tally{boundary: 1}},
		{"as that of two steps before", 488, 58908087, accessChallenge, tally{boundary: 1}},
		{"the steps around it have the same", 488, 58908086, accessChallenge, tally{boundary: 1}},
		{"taken all the same", 1109, 58908344, accessAccept, tally{took: []time.Duration{time.Second}}},
		{"a code of its own", 1109, 58908343, accessChallenge, tally{wrong: map[string]int{"code: unexpected Access-Challenge": 1}}},
		{"a code of its own, long after", 1109, 58908347, accessChallenge, tally{wrong: map[string]int{"code: unexpected Access-Challenge": 1}}},
		{"a code of its own, refused for good", 488, 58908090, accessReject, tally{wrong: map[string]int{"code: unexpected Access-Reject": 1}}},
	} {
		sent := time.Unix(row.step*int64(codeStep/time.Second)+10, 0)
		l := &lane{load: &load{order: order{mode: modeLogin}}, busy: 1}
		l.load.phase.Store(phaseMeasure)
		s := &l.slots[0]
		s.of = &attempt{person: row.person, begun: sent, taken: row.step, step: row.step, sent: sent}
		l.advance(s, nil, packet{code: row.code, state: []byte("s")}, sent.Add(time.Second))
		got := &l.tally
		if got.boundary != row.want.boundary || len(got.took) != len(row.want.took) || len(got.wrong) != len(row.want.wrong) {
			t.Errorf("%s: at the edge %d, ended well %d, wrong %v", row.what, got.boundary, len(got.took), got.wrong)
		}
		for why, n := range row.want.wrong {
			if got.wrong[why] != n {
				t.Errorf("%s: wrong %v, want %q", row.what, got.wrong, why)
			}
		}
		if len(l.idle) != 1 || l.busy != 0 {
			t.Errorf("%s: the attempt has not ended", row.what)
		}
	}
}
