package login

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestClaimsKeepWhatIsWritten(t *testing.T) {
	c := &claim{
		state: claimAsked, used: true, id: [8]byte{1}, node: [8]byte{2}, mark: [16]byte{3}, until: 1 << 40, match: "42",
		method: "call/" + strings.Repeat("x", 35), nonce: [8]byte{4}, issued: 1 << 33, tries: 2, rounds: 11, memo: bytes.Repeat([]byte{5}, MaxMemo),
	}
	got, err := decodeClaim(c.encode())
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v, %v, want %+v", got, err, c)
	}
}

// A clock that jumps must neither keep somebody from signing in nor make a call
// count for ever.
func TestClaimsAndClocks(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name string
		left time.Duration
		live bool
	}{
		{"a call under way", time.Minute, true},
		{"the end of its lease", 0, false},
		{"long over", -time.Hour, false},
		{"written before the clock was set back an hour", time.Hour, false},
		{"by a node whose clock goes a little before", approvalFor + leaseGrace + 30*time.Second, true},
	} {
		if got := (&claim{state: claimAsking, until: now.Add(c.left).UnixMilli()}).live(now); got != c.live {
			t.Errorf("%s: live %v, want %v", c.name, got, c.live)
		}
	}
	by := Decision{Remember: time.Hour}
	for _, c := range []struct {
		name  string
		ago   time.Duration
		fresh bool
	}{
		{"a device used lately", time.Minute, true},
		{"used too long ago", time.Hour, false},
		{"used in a future that a wrong clock told", -time.Hour, false},
	} {
		at := now.Add(-c.ago).Unix()
		if got := (&device{proven: at, used: at}).fresh(by, now); got != c.fresh {
			t.Errorf("%s: fresh %v, want %v", c.name, got, c.fresh)
		}
	}
}

func FuzzDecodeClaim(f *testing.F) {
	f.Add((&claim{state: claimAsking, method: "call/1", match: "42"}).encode())
	f.Add([]byte{claimVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeClaim(b)
		if err != nil {
			return
		}
		if again, err := decodeClaim(c.encode()); err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v becomes %+v, %v", c, again, err)
		}
	})
}

func FuzzDecodeDevices(f *testing.F) {
	f.Add(encodeDevices([]device{{proven: 1, used: 2, group: "vpn", station: "10.0.0.7"}}))
	f.Add(encodeDevices([]device{{group: "vpn", logout: true}, {group: "wifi"}}))
	f.Add([]byte{rememberVersion, 1})
	f.Add([]byte{1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		ds, err := decodeDevices(b)
		if err != nil {
			return
		}
		if again, err := decodeDevices(encodeDevices(ds)); err != nil || !reflect.DeepEqual(again, ds) {
			t.Errorf("%+v becomes %+v, %v", ds, again, err)
		}
	})
}

func FuzzDecodeKept(f *testing.F) {
	f.Add(encodeKept([]kept{{[8]byte{1}, 7, 1 << 30, []byte("attributes")}, {[8]byte{2}, 7, 1 << 31, []byte{}}}))
	f.Add([]byte{keptVersion, 1})
	f.Add([]byte{keptPlaceless, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range []*keptKind{grants, changes} {
			all, err := k.decode(b)
			if err == nil && len(all) > 0 && !bytes.Equal(encodeKept(all), b) {
				t.Errorf("%x is read as %+v, which is written as %x", b, all, encodeKept(all))
			}
		}
	})
}
