package attempts

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
)

// A flaky store fails while it is down.
type flaky struct {
	store.KV
	mu   sync.Mutex
	down bool
	lost bool // writes, and says it has not
}

var errDisk = errors.New("no space")

func (f *flaky) set(down, lost bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down, f.lost = down, lost
}

func (f *flaky) Swap(ctx context.Context, key string, rev uint64, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.down:
		return errDisk
	case f.lost:
		_ = f.KV.Swap(ctx, key, rev, data)
		return errDisk
	}
	return f.KV.Swap(ctx, key, rev, data)
}

// run runs a recorder until stop.
func run(t *testing.T, kv Store, c Config) (r *Recorder, log *bytes.Buffer, stop func()) {
	t.Helper()
	log = &bytes.Buffer{}
	r = NewRecorder(kv, c, slog.New(slog.NewTextHandler(log, nil)))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	return r, log, sync.OnceFunc(func() { cancel(); wg.Wait() })
}

func happened(id, user, outcome string) login.Event {
	return login.Event{
		Time: time.Now(), Attempt: id, User: user, AccountID: "id-" + user, Client: "vpn", Station: "203.0.113.7",
		Outcome: outcome, Reason: login.ReasonOK, Rule: "staff", Method: "totp", Took: 12 * time.Millisecond, Directory: 8 * time.Millisecond,
	}
}

func find(t *testing.T, kv Scanner, q Query) Found {
	t.Helper()
	if q.Since.IsZero() {
		q.Since = time.Now().Add(-24 * time.Hour)
	}
	f, err := Find(t.Context(), kv, q, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// summary is what was found, in words.
func summary(f Found) string {
	var all []string
	for _, a := range f.Attempts {
		words := []string{a.Reference, a.User}
		for _, e := range a.Events {
			words = append(words, e.Outcome)
		}
		all = append(all, strings.Join(words, " "))
	}
	return strings.Join(all, ", ")
}

func TestAllEventsOfAReferenceAreOneAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		r, _, stop := run(t, kv, DefaultConfig())
		defer stop()
		for _, e := range []login.Event{
			happened("7GQ2-MX4D", "alice", "ask"), happened("AAAA-0001", "bob", "reject"), happened("7GQ2-MX4D", "alice", "ask"),
			happened("7GQ2-MX4D", "alice", "accept"),
		} {
			e.Time = time.Now()
			r.Record(e)
			time.Sleep(time.Second)
		}
		other := happened("AAAA-0002", "alice", "reject")
		other.Client = "wifi"
		r.Record(other)
		time.Sleep(2 * flushEvery)
		const first = "7GQ2-MX4D alice ask ask accept"
		for _, c := range []struct {
			name string
			q    Query
			want string
		}{
			{"all of them, the newest first", Query{}, "AAAA-0002 alice reject, AAAA-0001 bob reject, " + first},
			{"by the reference", Query{Who: "7GQ2-MX4D"}, first},
			{"by the reference as a person reads it out", Query{Who: " [7gq2-mx4d] "}, first},
			{"by the name in any case", Query{Who: "ALICE"}, "AAAA-0002 alice reject, " + first},
			{"by the account", Query{Who: "id-bob"}, "AAAA-0001 bob reject"},
			{"by the client", Query{Client: "wifi"}, "AAAA-0002 alice reject"},
			{"by name and client", Query{Who: "bob", Client: "wifi"}, ""},
			{"since a moment ago", Query{Since: time.Now().Add(-4500 * time.Millisecond)}, "AAAA-0002 alice reject"},
			{"one that went on then is whole", Query{Since: time.Now().Add(-5500 * time.Millisecond)}, "AAAA-0002 alice reject, " + first},
			{"no more than wanted", Query{Limit: 1}, "AAAA-0002 alice reject"},
		} {
			if got := summary(find(t, kv, c.q)); got != c.want {
				t.Errorf("%s: got %s\nwant %s", c.name, got, c.want)
			}
		}
		e := find(t, kv, Query{Who: "7GQ2-MX4D"}).Attempts[0].Last()
		want := happened("7GQ2-MX4D", "alice", "accept")
		if want.Time = e.Time; e != want {
			t.Errorf("got %+v\nwant %+v", e, want)
		}
		if f := find(t, kv, Query{Limit: 1}); !f.More {
			t.Error("that there are more is not told")
		}
	})
}

// A login never waits for the recorder, whatever the store does.
func TestLoginsDoNotWait(t *testing.T) {
	r := NewRecorder(mem.New(), DefaultConfig(), slog.New(slog.DiscardHandler))
	for i := range maxQueue + 10 {
		r.Record(happened(fmt.Sprint(i), "alice", "accept"))
	}
	if got := r.Dropped(); got != 10 {
		t.Errorf("got %d dropped, want 10", got)
	}
}

func TestWhatIsDroppedIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := &flaky{KV: mem.New()}
		kv.set(true, false)
		r, log, stop := run(t, kv, DefaultConfig())
		for i := range 3000 { // many pages, none of which can be written
			r.Record(happened(fmt.Sprintf("%09d", i), "alice", "accept"))
			if i%100 == 0 {
				time.Sleep(time.Second)
			}
		}
		kv.set(false, false)
		time.Sleep(3 * tellEvery)
		r.Record(happened("7GQ2-MX4D", "alice", "accept"))
		time.Sleep(2 * tellEvery)
		stop()
		if r.Dropped() == 0 || !strings.Contains(log.String(), "attempts dropped") || !strings.Contains(log.String(), "no space") {
			t.Errorf("%d dropped, log:\n%s", r.Dropped(), log)
		}
		if got := summary(find(t, kv, Query{Who: "7GQ2-MX4D"})); got != "7GQ2-MX4D alice accept" {
			t.Errorf("it does not go on: got %q", got)
		}
	})
}

func TestAnAnswerThatGotLostLosesNoPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := &flaky{KV: mem.New()}
		r, _, stop := run(t, kv, DefaultConfig())
		kv.set(false, true)
		r.Record(happened("1", "alice", "ask"))
		time.Sleep(2 * flushEvery)
		kv.set(false, false)
		r.Record(happened("2", "alice", "ask"))
		time.Sleep(3 * flushEvery)
		stop()
		if got := summary(find(t, kv, Query{})); got != "2 alice ask, 1 alice ask" || r.Dropped() != 0 {
			t.Errorf("got %q, %d dropped", got, r.Dropped())
		}
	})
}

func TestTheLastEventsAreWrittenAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		r, _, stop := run(t, kv, DefaultConfig())
		synctest.Wait()
		r.Record(happened("1", "alice", "accept"))
		stop()
		if got := summary(find(t, kv, Query{})); got != "1 alice accept" {
			t.Errorf("got %q", got)
		}
	})
}

// pages are how many there are, and their size.
func pages(t *testing.T, kv Scanner) (n, size int) {
	t.Helper()
	err := kv.Scan(t.Context(), pagePrefix, func(_ string, v store.Value) error {
		n++
		size += len(v.Data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, size
}

func TestOldAttemptsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		c := Config{Keep: 24 * time.Hour, MaxMiB: 64}
		r, _, stop := run(t, kv, c)
		for i := range 48 {
			r.Record(happened(fmt.Sprintf("%09d", i), "alice", "accept"))
			time.Sleep(time.Hour)
		}
		stop()
		if n, _ := pages(t, kv); n < 23 || n > 27 {
			t.Errorf("got %d pages of 48 hours, want those of a day", n)
		}
		// The next start goes on with what there is, and a shorter time holds at once.
		c.Keep = time.Hour
		_, _, stop = run(t, kv, c)
		time.Sleep(3 * flushEvery)
		stop()
		if n, _ := pages(t, kv); n > 3 {
			t.Errorf("got %d pages, want those of an hour", n)
		}
	})
}

func TestTheOldestAreForgottenWhenAllAreTooMuch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		r, _, stop := run(t, kv, Config{Keep: 24 * time.Hour, MaxMiB: 1})
		for i := range 8000 {
			e := happened(fmt.Sprintf("%09d", i), "alice", "accept")
			e.Detail = rand.Text() + rand.Text() + rand.Text() + rand.Text() + rand.Text() + rand.Text() + rand.Text() + rand.Text() // does not shrink
			r.Record(e)
			if i%1000 == 999 {
				time.Sleep(flushEvery)
			}
		}
		stop()
		if n, size := pages(t, kv); size > 1<<20+pageSize || n < 10 {
			t.Errorf("got %d pages of %d octets, want about a mebioctet", n, size)
		}
		if got := find(t, kv, Query{Limit: 1}).Attempts[0].Reference; got[:6] != "000007" {
			t.Errorf("the newest is %s", got)
		}
		if r.Dropped() > 0 {
			t.Errorf("%d dropped", r.Dropped())
		}
	})
}

func TestNothingIsKeptWhenSwitchedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		r, _, stop := run(t, kv, Config{Keep: 0, MaxMiB: 64})
		r.Record(happened("1", "alice", "accept"))
		stop()
		if n, _ := pages(t, kv); n > 0 {
			t.Errorf("got %d pages", n)
		}
	})
}

func TestNoRecorderKeepsNothing(t *testing.T) {
	var r *Recorder
	r.Record(happened("1", "alice", "accept"))
	r.Use(DefaultConfig())
	if r.Dropped() != 0 {
		t.Error("it dropped something")
	}
}

func TestADamagedPageHidesNoOther(t *testing.T) {
	kv := mem.New()
	now := time.Now().UTC()
	good, err := (&packer{}).pack([]byte(`{"t":` + fmt.Sprint(now.UnixMilli()) + `,"id":"7GQ2-MX4D","o":"accept","u":"alice"}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, data := range [][]byte{{9}, {version, 1, 2, 3}, good} {
		if err := kv.Swap(t.Context(), fmt.Sprintf("%s%s/%d", pagePrefix, now.Format(hourFormat), i), 0, data); err != nil {
			t.Fatal(err)
		}
	}
	if f := find(t, kv, Query{}); f.Unread != 2 || summary(f) != "7GQ2-MX4D alice accept" {
		t.Errorf("got %+v", f)
	}
}

// A counting scanner has nothing and counts how often it is asked.
type counting int

func (c *counting) Scan(context.Context, string, func(string, store.Value) error) error {
	*c++
	return nil
}

// Whoever asks for all of time, at the desk for one, has what can be there
// looked at, hour by hour, and no more.
func TestNobodyLooksBackFurtherThanAttemptsAreKept(t *testing.T) {
	now := time.Now()
	for _, since := range []time.Time{{}, now.Add(-1 << 62), now.Add(-maxKeep)} {
		var scans counting
		if _, err := Find(t.Context(), &scans, Query{Since: since}, now); err != nil {
			t.Fatal(err)
		}
		if hours := int(maxKeep / time.Hour); int(scans) < hours || int(scans) > hours+3 {
			t.Errorf("since %v: %d hours looked at, want the %d of what is kept the longest", since, scans, hours)
		}
	}
	var scans counting
	if _, err := Find(t.Context(), &scans, Query{Since: now.Add(-time.Hour)}, now); err != nil || scans < 2 || scans > 4 {
		t.Errorf("the last hour: %d hours looked at (%v)", scans, err)
	}
}

func FuzzPage(f *testing.F) {
	good, _ := (&packer{}).pack([]byte(`{"t":1,"id":"7GQ2-MX4D","o":"accept"}` + "\n"))
	for _, seed := range [][]byte{good, good[:len(good)-2], {version}, {}, {2}} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = decodePage(data, func(e event) { _ = e.login() })
	})
}

func TestTheSectionIsChecked(t *testing.T) {
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.Keep = 0 }, ""},
		{func(c *Config) { c.Keep = time.Minute }, "keep: needs a time"},
		{func(c *Config) { c.Keep = -1 }, "keep: needs a time"},
		{func(c *Config) { c.Keep = 1000 * 24 * time.Hour }, "keep: needs a time"},
		{func(c *Config) { c.MaxMiB = 0 }, "max_mib: is 0"},
		{func(c *Config) { c.MaxMiB = 4096 }, "max_mib: is 4096"},
	} {
		config := DefaultConfig()
		c.change(&config)
		err := config.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
