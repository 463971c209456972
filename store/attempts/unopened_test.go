package attempts

import (
	"fmt"
	"testing"
	"time"

	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/mem"
)

// A page or a record of the list that does not open hides no other.
func TestPagesThatDoNotOpenAreCounted(t *testing.T) {
	ring, err := store.ParseRing([]byte("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="))
	if err != nil {
		t.Fatal(err)
	}
	raw := mem.New()
	kv := store.Sealed(raw, ring.Sealer("store"))
	now := time.Now().UTC()
	good, err := (&packer{}).pack([]byte(`{"t":` + fmt.Sprint(now.UnixMilli()) + `,"id":"7GQ2-MX4D","o":"accept","u":"alice"}` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	page := pagePrefix + now.Format(hourFormat) + "/"
	for _, put := range []struct {
		kv   store.KV
		key  string
		data []byte
	}{
		{raw, page + "0", good},
		{kv, page + "1", good},
		{raw, reportPrefix + "0", []byte(`{"rule":"staff","user":"bob"}`)},
		{kv, reportPrefix + "1", []byte(`{"rule":"staff","user":"alice"}`)},
	} {
		if err := put.kv.Swap(t.Context(), put.key, 0, put.data); err != nil {
			t.Fatal(err)
		}
	}
	if f := find(t, kv, Query{}); f.Unread != 1 || summary(f) != "7GQ2-MX4D alice accept" {
		t.Errorf("attempts: %+v", f)
	}
	if all, unread, err := Reports(t.Context(), kv, "staff"); len(all) != 1 || unread != 1 || err != nil {
		t.Errorf("reports: %+v, %d unread, %v", all, unread, err)
	}
	n, err := Clear(t.Context(), kv, "")
	if unopened, other := store.Unopened(err); n != 1 || unopened != 1 || other != nil {
		t.Errorf("cleared %d, %v; want one, and word of the other", n, err)
	}
}
