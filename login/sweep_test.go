package login

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"
)

func (m *memory) Scan(_ context.Context, prefix string, fn func(key string, v Value) error) error {
	var keys []string
	for key := range m.values {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		if err := fn(key, m.values[key]); err != nil {
			return err
		}
	}
	return nil
}

// What nobody finished is not kept until the next time that somebody begins.
func TestWhatDialoguesLeaveBehindIsSwept(t *testing.T) {
	f, now := newKeeper(), time.Now()
	m, _ := f.Records.(*memory)
	add := func(k *keptKind, account string, id byte, lasts time.Duration) {
		t.Helper()
		if err := f.keep(t.Context(), k, account, now, kept{id: [8]byte{id}, until: now.Add(lasts).Unix(), data: []byte("kept")}); err != nil {
			t.Fatal(err)
		}
	}
	add(grants, "left", 1, time.Minute)
	add(grants, "both", 1, time.Minute)
	add(grants, "both", 2, time.Hour)
	add(changes, "left", 1, time.Minute)
	add(changes, "going on", 1, changeFor)
	for key, data := range map[string]string{"grant/damaged": "x", "change/before": "\x01\x01", "guard/left": "guards are no such record"} {
		if err := m.Swap(t.Context(), key, 0, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	quiet := m.rev
	for _, at := range []time.Duration{0, 2 * time.Minute, 2 * time.Minute} {
		if err := Sweep(t.Context(), m, now.Add(at)); err != nil {
			t.Fatal(err)
		}
		if at == 0 {
			quiet = m.rev
		}
	}
	var keys []string
	for key := range m.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	if got := strings.Join(keys, ", "); got != "change/going on, grant/both, grant/damaged, guard/left" {
		t.Errorf("left are %s", got)
	}
	if all, err := grants.decode(m.values["grant/both"].Data); err != nil || len(all) != 1 || all[0].id[0] != 2 {
		t.Errorf("of two dialogues %v is left, %v", all, err)
	}
	if wrote := m.rev - quiet; wrote != 3 {
		t.Errorf("%d writes for 3 records with something to remove", wrote)
	}
}
