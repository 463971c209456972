package cooling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// A world is somebody whose numbers change, and the messages about it.
type world struct {
	*Numbers
	records *logintest.Records
	user    login.User
	log     strings.Builder

	mu   sync.Mutex
	told []string
}

func newWorld() *world {
	w := &world{records: &logintest.Records{}, user: login.User{Account: login.Account{ID: "id-alice", Name: "alice"}}}
	w.Numbers = New(DefaultConfig(), "NO", w.records, func(_ context.Context, _ login.User, to phone.Number) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.told = append(w.told, to.National())
	}, slog.New(slog.NewTextHandler(&w.log, nil)))
	return w
}

const old, other, third, landline = "41234567", "+47 47 65 43 21", "91234567", "22 85 50 50"

func TestNumbersThatChange(t *testing.T) {
	for _, c := range []struct {
		name string
		// Each step is what stands in the directory, and behind an arrow what is
		// used of it. "wait" lets time pass, "enroll" enrolls something else.
		steps []string
		told  string
	}{
		{"those of the first sign-in are used", []string{old + ", " + landline + " > " + old + ", " + landline}, ""},
		{"another one is not", []string{old + " > " + old, other + " > "}, old},
		{"nor one more", []string{old + " > " + old, old + ", " + other + " > " + old}, old},
		{"until it has stood there for three days", []string{old + " > " + old, other + " > ", "wait 71h59m", other + " > ", "wait 1m", other + " > " + other}, old},
		{"and then it is the one that is told", []string{old + " > " + old, other + " > ", "wait 72h", third + " > "}, old + " " + old + " 47654321"},
		{"they are told once", []string{old + " > " + old, other + " > ", other + " > ", "wait 1h", other + " > "}, old},
		{"the old one comes back", []string{old + " > " + old, other + " > ", old + " > " + old}, old},
		{"but not after it was given to somebody else", []string{old + " > " + old, " > ", "wait 720h", third + " > " + third, "enroll", old + " > "}, third},
		{"it cools only while it can be seen", []string{old + " > " + old, other + " > ", old + " > " + old, "wait 72h", other + " > "}, old + " " + old},
		{"an old copy of the directory starts nothing anew", []string{old + " > " + old, other + " > ", old + " > " + old, "wait 1m", other + " > ", "wait 72h", other + " > " + other}, old},
		{"a longer while does", []string{old + " > " + old, other + " > ", old + " > " + old, "wait 15m", other + " > ", "wait 71h59m", other + " > ", "wait 1m", other + " > " + other}, old + " " + old},
		{"one that went before its time is told nothing later", []string{old + " > " + old, other + " > ", old + " > " + old, "wait 72h", third + " > "}, old + " " + old},
		{"a number more is none less", []string{old + " > " + old, "wait 1000h", old + ", " + other + ", " + third + " > " + old}, old},
		{"another spelling is no other number", []string{old + " > " + old, "0047 412 34 567 (mobile) > 0047 412 34 567 (mobile)"}, ""},
		{"the order is none either", []string{old + ", " + third + " > " + old + ", " + third, third + ", " + old + " > " + third + ", " + old}, ""},
		{"a text that is no number stays one", []string{"none > none", "ask Bob > ask Bob"}, ""},
		{"the first number of somebody without anything is used", []string{" > ", old + " > " + old}, ""},
		{"but not of somebody who has an app", []string{" > ", "enroll", old + " > "}, ""},
		{"a landline gets no message", []string{landline + " > " + landline, other + " > "}, ""},
		{"an extension is another telephone", []string{landline + " > " + landline, landline + " ext. 77 > "}, ""},
		{"the service desk trusts what stands there, and nothing that stood there before", []string{old + " > " + old, other + " > ", third + " > ", "trust", third + " > " + third, other + " > "}, old + " " + old},
		{"trusted by the service desk", []string{old + " > " + old, other + " > ", "trust", other + " > " + other}, old},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				for _, step := range c.steps {
					w.play(t, step)
				}
				if got := strings.Join(w.told, " "); got != c.told {
					t.Errorf("told %q, want %q", got, c.told)
				}
			})
		})
	}
}

func (w *world) play(t *testing.T, step string) {
	t.Helper()
	split := func(s string) []string {
		if s = strings.TrimSpace(s); s == "" {
			return nil
		}
		return strings.Split(s, ", ")
	}
	switch step {
	case "enroll":
		w.user.Enrollment.Credentials = []login.Credential{{ID: "c", Kind: "totp"}}
		return
	case "trust":
		if all, err := w.Trust(t.Context(), "id-alice"); err != nil || len(all) != 1 {
			t.Errorf("trusts %v, %v", all, err)
		}
		return
	}
	if d, ok := strings.CutPrefix(step, "wait "); ok {
		wait, err := time.ParseDuration(d)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
		return
	}
	there, used, _ := strings.Cut(step, " >")
	w.user.Account.Phones = split(there)
	// An explanation says the same before and after, and changes nothing.
	for _, ask := range []func(context.Context, login.User) ([]string, bool, error){w.Look, w.Settled, w.Look} {
		if got, _, err := ask(t.Context(), w.user); err != nil || !slices.Equal(got, split(used)) {
			t.Errorf("%s: got %q, %v", step, got, err)
		}
	}
}

// Somebody who may write the attribute gets nothing, the owner is told, and it is
// written down without the number.
func TestS08AChangedNumberGetsNothingAndTheOldOneIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.play(t, old+" > "+old)
		for range 71 {
			w.play(t, other+" > ")
			time.Sleep(time.Hour)
		}
		if got := strings.Join(w.told, " "); got != old {
			t.Errorf("told %q, want the old number once", got)
		}
		line := w.log.String()
		if strings.Count(line, "level=WARN") != 1 || !strings.Contains(line, "account=id-alice") || !strings.Contains(line, "number=+47••••••21") || strings.Contains(line, "4765") {
			t.Errorf("written down as %s", line)
		}
		list, err := w.Cooling(t.Context(), "id-alice")
		if err != nil || len(list) != 1 || list[0].Number.Masked() != "+47••••••21" || time.Until(list[0].Until) != time.Hour {
			t.Errorf("the service desk sees %v, %v", list, err)
		}
	})
}

// Somebody whose number was taken away, or is too new, is not somebody without
// one: who is may enroll an app with her password alone.
func TestS08WhoseNumberHasChangedIsNotWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for _, c := range []struct {
			after time.Duration
			there []string
			want  bool
		}{
			{0, []string{old}, false},
			{0, []string{"0047 412 34 567"}, false},
			{time.Hour, []string{other}, true},
			{time.Hour, nil, true},
			{keepGone - time.Second, nil, true},
			{time.Second, nil, false},
		} {
			time.Sleep(c.after)
			w.user.Account.Phones = c.there
			for _, ask := range []func(context.Context, login.User) ([]string, bool, error){w.Look, w.Settled, w.Look} {
				if _, changed, err := ask(t.Context(), w.user); changed != c.want || err != nil {
					t.Errorf("with %q in the directory after %v: changed %t, %v", c.there, c.after, changed, err)
				}
			}
		}
	})
}

// Two nodes see it at the same time: the old number is told once.
func TestAChangeIsToldOnceByAllNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.log = strings.Builder{}
		w.Numbers.log = slog.New(slog.DiscardHandler)
		w.play(t, old+" > "+old)
		u := w.user
		u.Account.Phones = []string{other}
		w.records.Delay = time.Millisecond
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if got, _, err := w.Settled(t.Context(), u); err != nil || len(got) != 0 {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		all.Wait()
		if len(w.told) != 1 {
			t.Errorf("told %d times", len(w.told))
		}
	})
}

func TestNumbersAreNotUsedWhenNobodyKnows(t *testing.T) {
	w := newWorld()
	w.play(t, old+" > "+old)
	w.user.Account.Phones = []string{other}
	w.records.FailSwap = errors.New("disk is full")
	if got, _, err := w.Settled(t.Context(), w.user); err == nil {
		t.Errorf("not written, and uses %q", got)
	}
	w.records.FailSwap, w.records.Fail = nil, errors.New("down")
	if got, _, err := w.Settled(t.Context(), w.user); err == nil {
		t.Errorf("not read, and uses %q", got)
	}
	w.records.Fail = nil
	v, err := w.records.Get(t.Context(), Key("id-alice"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.records.Swap(t.Context(), Key("id-alice"), v.Rev, []byte("{")); err != nil {
		t.Fatal(err)
	}
	if got, _, err := w.Settled(t.Context(), w.user); err == nil || !strings.Contains(err.Error(), "portvakt phone trust") {
		t.Errorf("damaged: uses %q, %v", got, err)
	}
	if _, err := w.Trust(t.Context(), "id-alice"); err != nil {
		t.Error(err)
	}
	w.play(t, other+" > "+other)
}

func TestTheRecordIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for i := range 3 * maxEntries {
			w.user.Account.Phones = []string{fmt.Sprint("412345", 10+i%90)}
			if _, _, err := w.Settled(t.Context(), w.user); err != nil {
				t.Fatal(err)
			}
			if rec, _, err := load(t.Context(), w.records, "id-alice"); err != nil || len(rec.Entries) > maxEntries {
				t.Fatalf("%d numbers are kept, %v", len(rec.Entries), err)
			}
			if _, err := w.Trust(t.Context(), "id-alice"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A number that the record has no room for is one that nobody knows of, and is
// not used.
func TestS08NumbersThatCannotBeRememberedAreNotUsed(t *testing.T) {
	w := newWorld()
	for i := range maxEntries + 1 {
		w.user.Account.Phones = append(w.user.Account.Phones, fmt.Sprint("412345", 10+i))
	}
	for _, ask := range []func(context.Context, login.User) ([]string, bool, error){w.Look, w.Settled, w.Settled} {
		got, changed, err := ask(t.Context(), w.user)
		if err != nil || !changed || !slices.Equal(got, w.user.Account.Phones[:maxEntries]) {
			t.Errorf("of %d numbers %d are used, changed %t, %v", maxEntries+1, len(got), changed, err)
		}
	}
}

func TestProblemsAreTold(t *testing.T) {
	for d, want := range map[time.Duration]bool{-1: false, 0: true, 720 * time.Hour: true, 721 * time.Hour: false} {
		if err := (Config{Cooling: d}).Validate(); (err == nil) != want {
			t.Errorf("%v: %v", d, err)
		}
	}
}

// What a store gives back is never read as more than there may be.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"seen":"AAAA","numbers":[{"number":"+4741234567","since":"2026-01-01T00:00:00Z"}]}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &logintest.Records{}
		if err := r.Swap(t.Context(), Key("a"), 0, append([]byte{}, data...)); err != nil {
			t.Fatal(err)
		}
		s := New(DefaultConfig(), "NO", r, nil, slog.New(slog.DiscardHandler))
		u := login.User{Account: login.Account{ID: "a", Phones: []string{"41234567"}}}
		if got, _, err := s.Settled(t.Context(), u); err == nil && len(got) > 1 {
			t.Errorf("got %q", got)
		}
	})
}
