package bolt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/portvakt/portvakt/store"
)

func TestTheLastChangeOfEachKeyCounts(t *testing.T) {
	t.Parallel()
	for _, fewer := range []uint8{0, 61} { // with 61 eight hashes are left, and all keys meet
		t.Run(fmt.Sprint(64-fewer, " bits"), func(t *testing.T) {
			s := &changes{fewer: fewer}
			for round := range 3 { // the room of one is that of the next
				model := map[string]entry{}
				for rev := range uint64(2000) {
					e := entry{key: fmt.Sprint("guard/", rand.IntN(300)), rev: rev + 1}
					switch rand.IntN(50) {
					case 0:
						e.deleted = true
					case 1:
						e.data = bytes.Repeat([]byte{byte(rev)}, store.MaxData)
					default:
						e.data = bytes.Repeat([]byte{byte(rev)}, rand.IntN(200))
					}
					s.put(&e)
					model[e.key] = e
				}
				same(t, s, model)
				if s.find("guard/nobody") != nil {
					t.Errorf("round %d: a key that was never changed has a change", round)
				}
				s.clear()
				if s.find("guard/1") != nil || s.len() != 0 || len(s.sorted()) != 0 {
					t.Errorf("round %d: something is left", round)
				}
			}
		})
	}
}

// After an hour in which nothing could be folded the next ones would else keep
// what a journal of eight times the usual size took.
func TestTheRoomOfALongJournalIsGivenUp(t *testing.T) {
	t.Parallel()
	s := &changes{}
	fill := func(octets int) {
		for i := 0; octets > 0; i++ {
			e := entry{key: fmt.Sprint("guard/", i), rev: uint64(i + 1), data: make([]byte, 1000)}
			s.put(&e)
			octets -= len(e.data)
		}
	}
	fill(foldBytes / 2)
	s.clear()
	if s.index == nil || len(s.pages) == 0 {
		t.Error("the room of a usual journal is not used again")
	}
	fill(maxJournal)
	s.clear()
	if s.index != nil || len(s.pages) > maxSparePages {
		t.Errorf("%d pages and the index of a long journal are kept, want at most %d and none", len(s.pages), maxSparePages)
	}
	fill(foldBytes / 2)
	if c := s.find("guard/0"); c == nil || c.rev() != 1 {
		t.Error("nothing is found when it was filled again")
	}
}

// same compares all that changes tell with a model.
func same(t *testing.T, s *changes, model map[string]entry) {
	t.Helper()
	for key, want := range model {
		c := s.find(key)
		if c == nil || c.rev() != want.rev || c.deleted() != want.deleted || !bytes.Equal(c.raw()[revSize:], want.data) {
			t.Fatalf("%s: got %.60v, want revision %d", key, c, want.rev)
		}
	}
	sorted := s.sorted()
	if len(sorted) != len(model) {
		t.Fatalf("%d changes, want %d", len(sorted), len(model))
	}
	if !slices.IsSortedFunc(sorted, func(a, b change) int { return bytes.Compare(a.key(), b.key()) }) {
		t.Error("not in order")
	}
	for _, c := range sorted {
		if want := model[string(c.key())]; c.rev() != want.rev {
			t.Errorf("%s: revision %d, want %d", c.key(), c.rev(), want.rev)
		}
	}
}
