package attempts

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store/mem"
)

func foreseen(user, rule, outcome string, reason login.Reason, methods ...string) login.Event {
	e := happened("x", user, "accept")
	e.Rule, e.Foresight = rule, &login.Foresight{Outcome: outcome, Reason: reason, Methods: methods}
	return e
}

func TestTheListSaysHowEachPersonStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		r, _, stop := run(t, kv, Config{MaxMiB: 1}) // the list is kept without attempts, too
		began := time.Now().UTC()
		r.Record(foreseen("bob", "staff", "reject", login.ReasonNotEnrolled))
		r.Record(foreseen("alice", "staff", "ask", login.ReasonOK, "totp", "sms"))
		r.Record(foreseen("alice", "admins", "ask", login.ReasonOK, "totp"))
		r.Record(foreseen("carol", "staff", "reject", login.ReasonNotEnrolled))
		time.Sleep(time.Hour)
		r.Record(foreseen("carol", "staff", "ask", login.ReasonOK, "sms")) // has enrolled meanwhile
		r.Record(foreseen("bob", "staff", "reject", login.ReasonNotEnrolled))
		time.Sleep(2 * flushEvery)
		stop()
		all, unread, err := Reports(t.Context(), kv, "staff")
		if err != nil || unread != 0 {
			t.Fatal(err, unread)
		}
		var got []string
		for _, r := range all {
			got = append(got, fmt.Sprint(r.User, " ", r.Outcome, " ", r.Reason, " ", r.Methods, " ", r.Count, " ", r.Last.Sub(r.First)))
			if !r.First.Equal(began) {
				t.Errorf("%s: first seen %v, want %v", r.User, r.First, began)
			}
		}
		want := []string{"bob reject not_enrolled [] 2 1h0m0s", "alice ask ok [totp sms] 1 0s", "carol ask ok [sms] 2 1h0m0s"}
		if !slices.Equal(got, want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
		if n, err := Clear(t.Context(), kv, "staff"); n != 3 || err != nil {
			t.Errorf("cleared %d, %v", n, err)
		}
		if all, _, _ := Reports(t.Context(), kv, ""); len(all) != 1 || all[0].Rule != "admins" {
			t.Errorf("left: %+v", all)
		}
	})
}

func TestTheListIsBounded(t *testing.T) {
	s := reports{total: maxReports}
	kv := mem.New()
	for i := range maxPending + 5 {
		if got := s.add(foreseen(fmt.Sprint(i), "staff", "ask", login.ReasonOK)); got != (i < maxPending) {
			t.Fatalf("%d: taken is %v", i, got)
		}
	}
	if err := s.flush(t.Context(), kv); err != nil {
		t.Fatal(err)
	}
	if all, _, _ := Reports(t.Context(), kv, ""); len(all) != 0 || len(s.pending) != maxPending-reportsAtOnce {
		t.Errorf("got %d written, %d pending", len(all), len(s.pending))
	}
}
