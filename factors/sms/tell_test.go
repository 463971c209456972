package sms

import (
	"errors"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/phone"
)

func TestAnOldNumberIsTold(t *testing.T) {
	w := build(t, new(records))
	u := person(1234567)
	to, err := phone.Parse("+47 41234567", "")
	if err != nil {
		t.Fatal(err)
	}
	w.Tell(t.Context(), u, to)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.sink.count() != 1 || w.sink.to[0] != to || w.sink.texts[0] != tellKey {
		t.Errorf("sent %q to %v", w.sink.texts, w.sink.to)
	}
}

// It costs a message like any other, and nobody waits for it.
func TestTellingIsCappedAndLogged(t *testing.T) {
	w := build(t, new(records), func(c *Config) { c.Caps.PerNumber10Min = 1 })
	to, err := phone.Parse("+47 41234567", "")
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		w.Tell(t.Context(), person(1234567), to)
		w.sending.Wait()
	}
	if n := w.sink.count(); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
	if got := strings.Count(w.log.String(), "an old number was not told"); got != 2 || strings.Contains(w.log.String(), "1234567") {
		t.Errorf("told %d times: %s", got, w.log)
	}
	down := build(t, new(records))
	down.records.fail = errors.New("store is down")
	down.Tell(t.Context(), person(1234567), to)
	down.sending.Wait()
	if down.sink.count() != 0 || !strings.Contains(down.log.String(), "store is down") {
		t.Errorf("sent %d, log %s", down.sink.count(), down.log)
	}
}
