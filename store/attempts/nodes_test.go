package attempts

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/store/mem"
)

// A node that is not there any more leaves its pages to the others.
func TestPagesOfAnotherNodeAreForgottenToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kv := mem.New()
		c := Config{Keep: 24 * time.Hour, MaxMiB: 64}
		stays, _, stop := run(t, kv, c)
		defer stop()
		synctest.Wait() // it knows of nothing
		leaves, _, stopOther := run(t, kv, c)
		for i := range 10 {
			leaves.Record(happened(fmt.Sprintf("other%04d", i), "bob", "accept"))
			time.Sleep(time.Hour)
		}
		stopOther()
		for i := range 72 {
			stays.Record(happened(fmt.Sprintf("%09d", i), "alice", "accept"))
			time.Sleep(time.Hour)
		}
		if n, _ := pages(t, kv); n < 23 || n > 27 {
			t.Errorf("got %d pages, want those of a day", n)
		}
		if got := len(find(t, kv, Query{Who: "bob", Since: time.Now().Add(-5 * 24 * time.Hour)}).Attempts); got != 0 {
			t.Errorf("%d attempts of three days ago are kept", got)
		}
	})
}

// Two nodes that write at the same time count what they know of once.
func TestThePageBeingFilledIsCountedOnce(t *testing.T) {
	var x index
	x.put("attempts/1", 1, 10)
	x.put("attempts/2", 2, 10)
	x.put("attempts/1", 3, 30)
	if x.size != 40 || len(x.pages) != 2 || x.pages[0].rev != 3 {
		t.Errorf("got %+v", x)
	}
}
