package login

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// Each line is where dialogues begin, one after the other, and behind an arrow
// whose are left. Places in capitals are known to be the account's.
func TestWhoBeginsAgainAndAgainPushesOutHisOwn(t *testing.T) {
	for _, line := range []string{
		"A x x x > Axxx",
		"x x x x x x x x x x > xxxxxxxx", // one place: the oldest
		"A x x x x x x x x x x > Axxxxxxx",
		"a x x x x x x x x x x x x x x x x > axxxxxxx",
		"x x x x x x x x A > xxxxxxxA", // nobody is kept from beginning
		"x x x x x x x x a > xxxxxxxa",
		"a x y x y x y x y x y x y x y > ayxyxyxy",
		"A s t u v w x y z > Atuvwxyz", // from many places: those known last
		"s t u v w x y A z > tuvwxyAz",
		"A A A A s t u v w x y z > Atuvwxyz",
	} {
		begun, left, _ := strings.Cut(line, " > ")
		f, now := newKeeper(), time.Now()
		var known guard
		known.success('A', now, true)
		if err := f.guards.update(t.Context(), "id", func(g *guard) { *g = known }); err != nil {
			t.Fatal(err)
		}
		for i, place := range strings.Fields(begun) {
			e := kept{id: [8]byte{byte(i)}, place: uint64(place[0]), until: now.Add(time.Minute).Unix(), data: []byte(place)}
			if err := f.keep(t.Context(), grants, "id", now, e); err != nil {
				t.Fatal(err)
			}
		}
		v, err := read(t.Context(), f.Records, GrantKey("id"), "")
		if err != nil {
			t.Fatal(err)
		}
		all, err := grants.decode(v.Data)
		var places []byte
		for _, e := range all {
			places = append(places, e.data...)
		}
		if got := string(places); got != left || err != nil {
			t.Errorf("%s: got %s, %v", line, got, err)
		}
	}
}

// What fills a record to its last octet is read again.
func TestRecordsHaveRoomForAllThatIsKept(t *testing.T) {
	for _, k := range []*keptKind{grants, changes} {
		f, now := newKeeper(), time.Now()
		for i := range 2 * mostKept {
			e := kept{id: [8]byte{byte(i)}, place: uint64(i), until: now.Add(time.Minute).Unix(), data: bytes.Repeat([]byte{'x'}, k.room)}
			if err := f.keep(t.Context(), k, "id", now, e); err != nil {
				t.Fatal(err)
			}
		}
		v, err := read(t.Context(), f.Records, k.key("id"), "")
		if err != nil || len(v.Data) > 64<<10 {
			t.Errorf("%s: %d octets, %v", k.what, len(v.Data), err)
		}
		if all, err := k.decode(v.Data); err != nil || len(all) != mostKept {
			t.Errorf("%s: %d are left, %v", k.what, len(all), err)
		}
	}
}

// A record that is damaged is no yes and no no; the next sign-in makes it anew. One
// of a version before holds nothing that goes on.
func TestRecordsOfDialoguesThatCannotBeRead(t *testing.T) {
	for data, fails := range map[string]bool{"x": true, "\x02\x00": true, fmt.Sprintf("%c%c", keptVersion, mostKept+1): true, "\x01\x01 of before": false} {
		f, now := newKeeper(), time.Now()
		if err := f.Records.Swap(t.Context(), ChangeKey("id"), 0, []byte(data)); err != nil {
			t.Fatal(err)
		}
		if _, found, err := f.find(t.Context(), changes, "id", [8]byte{1}, now); found || (err != nil) != fails {
			t.Errorf("%q: found %t, %v", data, found, err)
		}
		if err := f.keep(t.Context(), changes, "id", now, kept{id: [8]byte{1}, until: now.Unix() + 9}); err != nil {
			t.Errorf("%q: %v", data, err)
		}
		if _, found, err := f.find(t.Context(), changes, "id", [8]byte{1}, now); !found || err != nil {
			t.Errorf("%q: written anew, and found %t, %v", data, found, err)
		}
	}
}
