package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func sessionsOn(t testing.TB, kv store.KV, cfg store.SessionsConfig) *store.Sessions {
	t.Helper()
	s := store.NewSessions(kv, []byte("a key"), cfg)
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// told is a report about the session s1 of alice at gw, some minutes after noon.
func told(status login.SessionStatus, minutes int, more ...func(*login.SessionReport)) login.SessionReport {
	r := login.SessionReport{Status: status, At: noon.Add(time.Duration(minutes) * time.Minute)}
	r.Client, r.NAS, r.ID, r.User = "vpn", "gw", "s1", "alice"
	for _, f := range more {
		f(&r)
	}
	return r
}

func used(minutes int, in uint64) func(*login.SessionReport) {
	return func(r *login.SessionReport) { r.Lasted, r.In = time.Duration(minutes)*time.Minute, in }
}

func named(nas, id, user string) func(*login.SessionReport) {
	return func(r *login.SessionReport) { r.NAS, r.ID, r.User = nas, id, user }
}

func record(t testing.TB, s *store.Sessions, reports ...login.SessionReport) {
	t.Helper()
	for _, r := range reports {
		if err := s.Record(t.Context(), r); err != nil {
			t.Fatalf("%s of %s: %v", r.Status, r.ID, err)
		}
	}
}

// story tells each session in a line: when it began and ended, in minutes after
// noon, why, and how much came in.
func story(t testing.TB, s *store.Sessions) string {
	t.Helper()
	var lines []string
	err := s.List(t.Context(), "", func(s login.Session) error {
		end := "…"
		if !s.Ended.IsZero() {
			end = fmt.Sprint(s.Ended.Sub(noon).Minutes(), " ", s.Cause)
		}
		lines = append(lines, fmt.Sprintf("%s %s %v-%s in %d", s.User, s.ID, s.Started.Sub(noon).Minutes(), end, s.In))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

func TestReportsMakeSessions(t *testing.T) {
	t.Parallel()
	const (
		start, interim, stop = login.SessionStart, login.SessionInterim, login.SessionStop
		on, off              = login.SessionOn, login.SessionOff
	)
	because := func(why string) func(*login.SessionReport) { return func(r *login.SessionReport) { r.Cause = why } }
	bob := named("gw", "s2", "bob")
	other := named("gw2", "s3", "carol")
	for name, test := range map[string]struct {
		reports []login.SessionReport
		want    string
	}{
		"a session begins, goes on and ends": {
			[]login.SessionReport{told(start, 0), told(interim, 5, used(5, 100)), told(stop, 9, used(9, 300), because("user_request"))},
			"alice s1 0-9 user_request in 300",
		},
		"a report that comes twice changes nothing": {
			[]login.SessionReport{told(start, 0), told(start, 0), told(stop, 9, used(9, 7)), told(stop, 9, used(9, 7))},
			"alice s1 0-9  in 7",
		},
		"a stop is final: what comes late does not open it": {
			[]login.SessionReport{told(stop, 9, used(9, 300)), told(interim, 5, used(5, 100)), told(start, 0)},
			"alice s1 0-9  in 300",
		},
		"a start whose time is not told, sent again behind the stop": {
			[]login.SessionReport{told(start, 0), told(stop, 1), told(start, 1)},
			"alice s1 0-1  in 0",
		},
		"without a start the beginning follows from the length": {
			[]login.SessionReport{told(interim, 30, used(20, 5))},
			"alice s1 10-… in 5",
		},
		"an id that is used again is another session": {
			[]login.SessionReport{told(start, 0), told(stop, 9, used(9, 300)), told(start, 60), told(interim, 61, used(1, 2))},
			"alice s1 0-9  in 300; alice s1 60-… in 2",
		},
		"also when the first one never ended": {
			[]login.SessionReport{told(start, 0), told(interim, 5, used(5, 1)), told(start, 60)},
			"alice s1 0-5 id_used_again in 1; alice s1 60-… in 0",
		},
		"a device that begins anew has no session any more": {
			[]login.SessionReport{told(start, 0), told(start, 1, bob), told(start, 1, other), told(on, 10, named("gw", "", ""))},
			"alice s1 0-10 accounting_on in 0; bob s2 1-10 accounting_on in 0; carol s3 1-… in 0",
		},
		"nor one that ends": {
			[]login.SessionReport{told(start, 0), told(off, 0, named("gw", "", ""))},
			"alice s1 0-0 accounting_off in 0",
		},
		"sessions that began after it stay, though it comes late": {
			[]login.SessionReport{told(start, 0), told(start, 10, bob), told(on, 10, named("gw", "", ""))},
			"alice s1 0-10 accounting_on in 0; bob s2 10-… in 0",
		},
		"a session that goes on had not ended": {
			[]login.SessionReport{told(start, 0), told(on, 10, named("gw", "", "")), told(interim, 12, used(12, 9))},
			"alice s1 0-… in 9",
		},
		"an id that a device uses again after it has begun anew": {
			[]login.SessionReport{told(start, 0), told(on, 10, named("gw", "", "")), told(start, 11)},
			"alice s1 0-10 accounting_on in 0; alice s1 11-… in 0",
		},
		"the same id at two devices, or of two people, are two sessions": {
			[]login.SessionReport{told(start, 0), told(start, 1, named("gw2", "s1", "alice")), told(start, 2, named("gw", "s1", "bob")), told(stop, 5)},
			"alice s1 0-5  in 0; alice s1 1-… in 0; bob s1 2-… in 0",
		},
		"counters of more than 32 bits": {
			[]login.SessionReport{told(stop, 1, used(1, 1<<40+3))},
			"alice s1 0-1  in 1099511627779",
		},
		"what nobody knows changes nothing": {
			[]login.SessionReport{told(login.SessionOther, 1)},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kv := mem.New()
			s := sessionsOn(t, kv, store.DefaultSessionsConfig())
			record(t, s, test.reports...)
			if got := story(t, s); got != test.want {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
			again := sessionsOn(t, kv, store.DefaultSessionsConfig())
			kept, active := s.Counts(noon)
			if k, a := again.Counts(noon); k != kept || a != active {
				t.Errorf("after a restart %d kept, %d active; before %d and %d", k, a, kept, active)
			}
		})
	}
}

func TestWhatIsToldOfASessionIsKept(t *testing.T) {
	t.Parallel()
	s := sessionsOn(t, mem.New(), store.DefaultSessionsConfig())
	full := told(login.SessionStart, 0, func(r *login.SessionReport) {
		r.Station, r.Called, r.Port, r.MultiID, r.AccountID = "02-00", "gw:ssid", "7", "m", "id-of-alice"
		r.From, r.Address = netip.MustParseAddr("10.1.0.1"), netip.MustParseAddr("10.9.9.9")
		r.Class, r.Identity = [][]byte{{0, 255}, []byte("x")}, []byte{1, 7, 'a', 'l', 'i', 'c', 'e'}
	})
	record(t, s, full, told(login.SessionStop, 5, used(5, 1)))
	var got login.Session
	if err := s.List(t.Context(), "vpn", func(s login.Session) error { got = s; return nil }); err != nil {
		t.Fatal(err)
	}
	want := full.Session
	want.Started, want.Heard, want.Ended = noon, noon.Add(5*time.Minute), noon.Add(5*time.Minute)
	want.Lasted, want.In = 5*time.Minute, 1
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// A flood of sessions costs one client its oldest ended ones, and no other
// client more than its share.
func TestSessionsAreBounded(t *testing.T) {
	t.Parallel()
	kv := mem.New()
	s := sessionsOn(t, kv, store.SessionsConfig{Stale: time.Hour, KeepDays: 1, MaxSessions: 30, MaxClientSessions: 20})
	begin := func(client string, n int) login.SessionReport {
		return told(login.SessionStart, n, named("gw", fmt.Sprint("s", n), "alice"), func(r *login.SessionReport) { r.Client = client })
	}
	end := func(r login.SessionReport) login.SessionReport { r.Status = login.SessionStop; return r }
	record(t, s, begin("vpn", 1), begin("vpn", 2), begin("vpn", 3), end(begin("vpn", 3)), end(begin("vpn", 2)))
	for n := range 18 {
		record(t, s, begin("vpn", 100+n))
	}
	ids := func() map[string]int {
		ids := map[string]int{}
		if err := s.List(t.Context(), "", func(s login.Session) error { ids[s.Client+" "+s.ID]++; return nil }); err != nil {
			t.Fatal(err)
		}
		return ids
	}
	if got := ids(); len(got) != 20 || got["vpn s3"] != 0 || got["vpn s2"] != 1 || got["vpn s1"] != 1 {
		t.Errorf("what ended first did not make room: %v", slices.Sorted(maps.Keys(got)))
	}
	for n := range 1000 {
		record(t, s, begin("other", n))
	}
	got := ids()
	vpn := 0
	for id := range got {
		if strings.HasPrefix(id, "vpn ") {
			vpn++
		}
	}
	if len(got) > 30 || vpn < 10 {
		t.Errorf("%d sessions kept, %d of the quiet client; want at most 30, and 10", len(got), vpn)
	}
	if kept, _ := s.Counts(noon); kept != len(got) {
		t.Errorf("%d known, %d in the store", kept, len(got))
	}
}

// A device that uses one id for all makes as many records as any other: those
// set aside count.
func TestSessionsOfOneIDAreBounded(t *testing.T) {
	t.Parallel()
	s := sessionsOn(t, mem.New(), store.SessionsConfig{Stale: time.Hour, KeepDays: 1, MaxSessions: 16})
	const starts, most = 100, 12 // three quarters are one client's
	for n := range starts {
		record(t, s, told(login.SessionStart, 2*n))
	}
	lines := strings.Split(story(t, s), "; ")
	kept, active := s.Counts(noon.Add(2 * starts * time.Minute))
	if len(lines) != kept || kept > most || active != 1 {
		t.Errorf("%d in the store, %d known, %d active, want at most %d, and 1 active", len(lines), kept, active, most)
	}
	if last := fmt.Sprintf("alice s1 %d-… in 0", 2*(starts-1)); !slices.Contains(lines, last) {
		t.Errorf("got %q, want %q among them", lines, last)
	}
}

func TestOldSessionsGo(t *testing.T) {
	t.Parallel()
	s := sessionsOn(t, mem.New(), store.DefaultSessionsConfig())
	day := 24 * 60
	record(t, s, told(login.SessionStop, 0), told(login.SessionStart, 1, named("gw", "lost", "bob")),
		told(login.SessionStart, 0, named("gw", "long", "carol")), told(login.SessionInterim, 29*day, named("gw", "long", "carol")))
	if err := s.Expire(t.Context(), noon.Add(31*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, want := story(t, s), "carol long 0-… in 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestASessionThatIsNotToldOfAnyMoreIsNotUnderWay(t *testing.T) {
	t.Parallel()
	s := sessionsOn(t, mem.New(), store.DefaultSessionsConfig())
	record(t, s, told(login.SessionStart, 0), told(login.SessionStart, 23*60, named("gw", "s2", "ALICE")), told(login.SessionStart, 0, named("gw", "s3", "bob")))
	for hours, want := range map[int]int{1: 2, 23: 2, 25: 1, 48: 0} {
		got, err := s.Of(t.Context(), "", "Alice", noon.Add(time.Duration(hours)*time.Hour))
		if err != nil || len(got) != want {
			t.Errorf("after %d h: got %d sessions (%v), want %d", hours, len(got), err, want)
		}
	}
}

// Whose session it is goes by the account where that is known: the same name
// may be somebody else's.
func TestSessionsOfAnAccount(t *testing.T) {
	t.Parallel()
	of := func(account string) func(*login.SessionReport) {
		return func(r *login.SessionReport) { r.AccountID = account }
	}
	s := sessionsOn(t, mem.New(), store.DefaultSessionsConfig())
	record(t, s,
		told(login.SessionStart, 0, named("gw", "hers", `EXAMPLE\alice`), of("A")),
		told(login.SessionStart, 0, named("gw", "unknown", "alice")),
		told(login.SessionStart, 0, named("gw", "another's", "alice"), of("B")),
		told(login.SessionStop, 0, named("gw", "over", "alice"), of("A")))
	got, err := s.Of(t.Context(), "A", "alice", noon)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range got {
		ids = append(ids, s.ID)
	}
	slices.Sort(ids)
	if want := []string{"hers", "unknown"}; !slices.Equal(ids, want) {
		t.Errorf("got %q, want %q", ids, want)
	}
}

func TestReportsAtTheSameTime(t *testing.T) {
	t.Parallel()
	s := sessionsOn(t, mem.New(), store.DefaultSessionsConfig())
	var wg sync.WaitGroup
	for n := range 40 {
		wg.Go(func() { record(t, s, told(login.SessionInterim, n, used(n, uint64(n)))) })
	}
	wg.Go(func() { record(t, s, told(login.SessionStop, 60, used(60, 1000))) })
	wg.Wait()
	if got, want := story(t, s), "alice s1 0-60  in 1000"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if kept, active := s.Counts(noon); kept != 1 || active != 0 {
		t.Errorf("%d kept, %d active, want 1 and 0", kept, active)
	}
}

// A report that is not safe is an error, and nothing is lost by it.
func TestAStoreThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	kv := &failing{KV: mem.New()}
	s := sessionsOn(t, kv, store.DefaultSessionsConfig())
	record(t, s, told(login.SessionStart, 0))
	kv.err = errors.New("the disk is full")
	for _, r := range []login.SessionReport{told(login.SessionStop, 5), told(login.SessionStart, 0, named("gw", "s2", "bob")), told(login.SessionOn, 6, named("gw", "", ""))} {
		if err := s.Record(t.Context(), r); !errors.Is(err, kv.err) {
			t.Errorf("%s: got %v, want the store's error", r.Status, err)
		}
	}
	kv.err = nil
	if got, want := story(t, s), "alice s1 0-… in 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	record(t, s, told(login.SessionStop, 5))
	if got, want := story(t, s), "alice s1 0-5  in 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

type failing struct {
	store.KV
	err error
}

func (f *failing) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	if f.err != nil {
		return f.err
	}
	return f.KV.Swap(ctx, key, rev, data)
}

func TestSessionsConfigTellsAllProblems(t *testing.T) {
	t.Parallel()
	if err := store.DefaultSessionsConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	err := store.SessionsConfig{MaxClientSessions: -1}.Validate()
	for _, key := range []string{"keep_days", "max_sessions", "max_client_sessions"} {
		if err == nil || !strings.Contains(err.Error(), key+" is ") {
			t.Errorf("got %v, want something about %s", err, key)
		}
	}
	err = store.SessionsConfig{Stale: 48 * time.Hour, KeepDays: 1, MaxSessions: 100}.Validate()
	if err == nil || !strings.Contains(err.Error(), "stale is ") {
		t.Errorf("got %v, want something about stale", err)
	}
}
