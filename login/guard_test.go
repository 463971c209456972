package login

import (
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestWrongCodesCostMoreAndMore(t *testing.T) {
	g := &guard{}
	const place = 7
	now := noon
	for n, wait := range []time.Duration{0, 0, 0, 0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, time.Hour, time.Hour} {
		g.wrongCode(place, now)
		if wait > 0 {
			if !g.locked(place, now.Add(wait-time.Second), usual) {
				t.Errorf("after %d wrong codes: not locked for %v", n+1, wait)
			}
		}
		now = now.Add(wait)
		if g.locked(place, now, usual) {
			t.Errorf("after %d wrong codes: still locked after %v", n+1, wait)
		}
	}
}

func TestAHundredWrongCodesInARowNeedAnAdministrator(t *testing.T) {
	g := &guard{}
	g.success(1, noon, true)
	now := noon
	const most = 100 // SP 800-63B, section 3.2.2
	for i := range most {
		if g.locked(1, now, usual) {
			t.Fatalf("locked after %d", i)
		}
		g.wrongCode(uint64(i%3), now)
		now = now.Add(2 * time.Hour)
	}
	for _, place := range []uint64{1, 2, 3} {
		if !g.locked(place, now.Add(1000*time.Hour), usual) {
			t.Errorf("place %d is not locked", place)
		}
	}
}

// Whoever guesses codes, or calls until she presses the key, has the password: a
// sign-in by it alone forgives only wrong passwords.
func TestOnlyASecondFactorForgivesWhatIsGuessedBehindThePassword(t *testing.T) {
	g := &guard{}
	g.success(1, noon, true)
	for range freeCodeFailures {
		g.wrongCode(1, noon)
	}
	for range maxAsks {
		g.ask(1, noon)
	}
	g.wrongPassword(1, noon, usual)
	g.success(1, noon, false)
	if !g.codesLocked(1, noon) || g.consecutive != freeCodeFailures || g.ask(1, noon) {
		t.Errorf("a password forgave codes or calls: %+v", g)
	}
	if n := g.at(1, noon).wrong(noon, usual); n != 0 {
		t.Errorf("%d wrong passwords are left behind the right one", n)
	}
	g.success(1, noon, true)
	if g.codesLocked(1, noon) || g.consecutive != 0 || !g.ask(1, noon) {
		t.Errorf("a second factor did not forgive: %+v", g)
	}
	g = &guard{}
	g.success(1, noon, true)
	g.wrongCode(2, noon)
	if g.settled(1, noon, true) {
		t.Error("wrong codes of strangers go on counting behind her second factor")
	}
}

func TestASuccessForgivesItsOwnPlaceOnly(t *testing.T) {
	g := &guard{}
	g.success(1, noon, true)
	for range maxPasswordFailures {
		g.wrongPassword(1, noon, usual)
		g.wrongPassword(2, noon, usual)
	}
	if !g.locked(1, noon, usual) || !g.locked(2, noon, usual) {
		t.Fatal("want both locked")
	}
	g.success(1, noon, true)
	if g.locked(1, noon, usual) || !g.locked(2, noon, usual) {
		t.Error("want the known place free and strangers locked")
	}
	if g.locked(2, noon.Add(passwordWindow), usual) {
		t.Error("the lock outlives its window")
	}
}

func TestAClockSetBackForgivesNothing(t *testing.T) {
	g := &guard{}
	for range maxPasswordFailures {
		g.wrongPassword(2, noon, usual)
	}
	if !g.locked(2, noon.Add(-48*time.Hour), usual) {
		t.Error("a clock set back opens the lock")
	}
}

func TestTheLeastUsedStationIsForgotten(t *testing.T) {
	g := &guard{}
	for i := range maxKnown + 5 {
		g.success(uint64(i+1), noon.Add(time.Duration(i)*time.Hour), true)
	}
	if len(g.known) != maxKnown || g.known[0].id != 6 {
		t.Errorf("got %d stations, the first %d; want %d, the first 6", len(g.known), g.known[0].id, maxKnown)
	}
}

// Who has a password and a rule that asks for no more comes in from as many places
// as he likes: that must not push out those of the owner.
func TestPlacesWithoutASecondFactorGiveWayFirst(t *testing.T) {
	g := &guard{}
	g.success(1, noon, true)
	for i := range 3 * maxKnown {
		g.success(uint64(i+2), noon.Add(time.Hour), false)
	}
	if !g.proves(1, noon.Add(time.Hour)) || len(g.known) != maxKnown {
		t.Errorf("%d stations, the owner's among them: %t", len(g.known), g.knows(1, noon.Add(time.Hour)))
	}
}

func TestAPlaceProvesASecondFactorOnlyWhereOneWasGiven(t *testing.T) {
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	for _, c := range []struct {
		name string
		with []bool // each 50 days after the one before, with a code or without
		at   int    // days
		want bool
	}{
		{"never there", nil, 0, false},
		{"a password alone", []bool{false, false}, 50, false},
		{"a code", []bool{true}, 0, true},
		{"passwords since", []bool{true, false, false, false}, 150, true},
		{"a code behind passwords", []bool{false, true}, 50, true},
		{"too long ago", []bool{true}, 90, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := &guard{}
			for i, code := range c.with {
				g.success(1, day(50*i), code)
			}
			again, err := decodeGuard(g.encode())
			if err != nil {
				t.Fatal(err)
			}
			if got := again.proves(1, day(c.at)); got != c.want {
				t.Errorf("got %t, want %t", got, c.want)
			}
		})
	}
	g := &guard{}
	g.success(1, day(0), true)
	g.success(1, day(91), false)
	if g.proves(1, day(91)) {
		t.Error("a place that was forgotten comes back with what it had, for a password")
	}
}

// Records that were written before places had the mark have it nowhere, and are
// written anew at the next code.
func TestOldRecordsHaveNoProvenPlaces(t *testing.T) {
	g := &guard{}
	g.success(1, noon, false)
	old := g.encode()
	if old[guardHead+trackSize+16+asksAt]&provenMark != 0 {
		t.Fatal("no old record")
	}
	g, err := decodeGuard(old)
	if err != nil || g.proves(1, noon) || g.settled(1, noon, true) || !g.settled(1, noon, false) {
		t.Errorf("proven %t, %v", g.proves(1, noon), err)
	}
}

func TestAKnownStationIsForgottenAfterALongTime(t *testing.T) {
	g := &guard{}
	g.success(1, noon, true)
	if g.at(1, noon.Add(knownFor-time.Second)) == &g.strangers {
		t.Error("forgotten too early")
	}
	if g.at(1, noon.Add(knownFor)) != &g.strangers {
		t.Error("still known")
	}
}

// Somebody whose address is another one each day is a stranger each time: what
// she mistyped over the years must not add up.
func TestOldWrongCodesAreForgotten(t *testing.T) {
	g := &guard{}
	now := noon
	for day := range 30 {
		place := uint64(day + 1)
		g.wrongCode(place, now)
		if g.locked(place, now, usual) {
			t.Fatalf("one wrong code a day locks on day %d", day+1)
		}
		g.success(place, now, true)
		now = now.Add(25 * time.Hour)
	}
}

// Directories count wrong passwords until some time has passed without one.
// Tries timed to the end of one of our windows and the beginning of the next
// must not add up there.
func TestNoTimingOfWrongPasswordsLocksTheDirectory(t *testing.T) {
	g := &guard{}
	const threshold, observed = 5, passwordWindow
	count, last := 0, time.Time{}
	for second := range 4 * 3600 {
		at := noon.Add(time.Duration(second) * time.Second)
		phase := second % int(passwordWindow/time.Second)
		if g.locked(2, at, usual) || phase != 0 && phase < 890 {
			continue
		}
		g.wrongPassword(2, at, usual)
		if at.Sub(last) >= observed {
			count = 0
		}
		count, last = count+1, at
		if count >= threshold {
			t.Fatalf("after %v the directory has counted %d wrong passwords in a row", at.Sub(noon), count)
		}
	}
}

// What is known at one client is not known at another one: anybody may say of
// himself which station he is.
func TestAPlaceIsOfItsClient(t *testing.T) {
	seen := map[uint64]Via{}
	for _, v := range []Via{{Client: "vpn"}, {Client: "wifi"}, {Client: "vpn", Station: "10.0.0.7"}, {Client: "wifi", Station: "10.0.0.7"}} {
		if had, ok := seen[stationID(v)]; ok {
			t.Errorf("%+v and %+v are one place", had, v)
		}
		seen[stationID(v)] = v
	}
}
