package attempts

import (
	"errors"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store/mem"
)

func TestANoteIsKeptAtOnce(t *testing.T) {
	kv := &flaky{KV: mem.New()}
	e := login.Event{Time: time.Now(), Attempt: login.NewReference(), Outcome: "export", User: "root", Detail: "2 tokens"}
	kv.set(true, false)
	if err := Note(t.Context(), kv, e); !errors.Is(err, errDisk) {
		t.Errorf("a note that is not written: %v", err)
	}
	kv.set(false, false)
	for range 2 { // in one millisecond, too
		if err := Note(t.Context(), kv, e); err != nil {
			t.Fatal(err)
		}
	}
	found, err := Find(t.Context(), kv, Query{Who: "root", Since: e.Time.Add(-time.Hour)}, time.Now())
	if err != nil || len(found.Attempts) != 1 || len(found.Attempts[0].Events) != 2 || found.Attempts[0].Last().Detail != "2 tokens" {
		t.Errorf("found %+v, %v", found, err)
	}
}
