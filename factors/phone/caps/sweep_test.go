package caps

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

func TestWhatCountsNoMoreIsSwept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		kv := new(logintest.Records)
		keys := func() int {
			t.Helper()
			n := 0
			if err := kv.Scan(t.Context(), "", func(string, login.Value) error { n++; return nil }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		sweep := func() {
			t.Helper()
			if err := Sweep(t.Context(), kv, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		put := func(key string, data []byte) {
			t.Helper()
			if err := kv.Swap(t.Context(), key, 0, data); err != nil {
				t.Fatal(err)
			}
		}
		messages, _ := build(SMS, kv)
		calls, _ := build(Call, kv, func(c *Config) { c.PerUserHour = 1 })
		mail, _ := build(Email, kv)
		if err := errors.Join(take(t, messages, 1), mail.TakeAccount(t.Context(), "account 1")); err != nil {
			t.Fatal(err)
		}
		// What an earlier version counted of messages alone.
		now := time.Now()
		hour := tally{}.plus(messages.all().windows[0], now)
		put("sms/cap/user/old", encodeTallies([]tally{tally{}.plus(messages.user("").windows[0], now)}))
		put("call/cap/number/old", encodeTallies([]tally{nil, hour}))
		// What is no ledger that this version knows.
		put("sms/cap/later/x", []byte("x"))
		put("sms/cap/user/later", []byte{tallyVersion + 1})
		put("sms/other", []byte("x"))

		before := keys()
		sweep()
		if got := keys(); got != before {
			t.Errorf("%d of %d are left while all count", got, before)
		}
		if err := take(t, calls, 1); login.Refused(err) != login.ReasonSourceLimited {
			t.Errorf("the sweep forgives: %v", err)
		}
		time.Sleep(2 * time.Hour)
		sweep()
		left := map[string]bool{
			messages.number(number(t, 1)).key(): true, "sms/cap/all": true, "email/cap/all": true, "call/cap/number/old": true,
			"sms/cap/later/x": true, "sms/cap/user/later": true, "sms/other": true,
		}
		if err := kv.Scan(t.Context(), "", func(key string, _ login.Value) error {
			if !left[key] {
				t.Errorf("%s is there after two hours", key)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got := keys(); got != len(left) {
			t.Errorf("%d are left after two hours, want %d", got, len(left))
		}
		time.Sleep(25 * time.Hour)
		sweep()
		if got := keys(); got != 3 {
			t.Errorf("%d are left after a day, want those that are no ledgers", got)
		}
		if err := take(t, calls, 1); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	})
}
