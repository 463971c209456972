package accounting_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/accounting"
)

var (
	now  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	from = netip.MustParseAddr("127.0.0.1")
)

func attr(kind byte, value string) []byte {
	return append([]byte{kind, byte(2 + len(value))}, value...)
}

func number(kind byte, n uint32) []byte {
	return attr(kind, string(binary.BigEndian.AppendUint32(nil, n)))
}

func join(attrs ...[]byte) (all []byte) {
	for _, a := range attrs {
		all = append(all, a...)
	}
	return all
}

// fromRadclient are the attributes of an Accounting-Request that radclient 3.2.1
// has made.
const fromRadclient = "2806000000022c09354130462d31370107616c6963650406c00002010506000000072906000000292e0600000e102a06ffffffff" +
	"3406000000032b060000000c310600000004190500ff0119030208060a0909091f0e3139382e35312e3130302e3750124ed773c51f725a6ef07e4efee6d8f9f3210331"

func TestARequestOfRadclient(t *testing.T) {
	t.Parallel()
	avps, err := hex.DecodeString(fromRadclient)
	if err != nil {
		t.Fatal(err)
	}
	got, err := accounting.Parse(avps, from, now)
	if err != nil {
		t.Fatal(err)
	}
	want := login.SessionReport{Status: login.SessionStop, At: now.Add(-41 * time.Second), Session: login.Session{
		NAS: "192.0.2.1", From: from, ID: "5A0F-17", User: "alice", Station: "198.51.100.7", Port: "7",
		Address: netip.MustParseAddr("10.9.9.9"), Class: [][]byte{{0, 255, 1}, {2}}, Cause: "idle_timeout",
		Identity: join(attr(44, "5A0F-17"), attr(1, "alice"), attr(4, "\xc0\x00\x02\x01"), attr(31, "198.51.100.7")),
		Lasted:   time.Hour, In: 4<<32 - 1, Out: 12,
	}}
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

// Each row is what a request has beside a start of the session s1.
func TestWhatIsRead(t *testing.T) {
	t.Parallel()
	stamp := func(at time.Time) []byte { return number(55, uint32(at.Unix())) }
	for name, test := range map[string]struct {
		more []byte
		get  func(login.SessionReport) any
		want any
	}{
		"its name for itself before its address":   {join(attr(4, "\x0a\x01\x00\x01"), attr(32, "gw")), nas, "gw"},
		"an IPv6 address":                          {attr(95, "\x20\x01\x0d\xb8"+strings.Repeat("\x00", 11)+"\x01"), nas, "2001:db8::1"},
		"where it asks from, when it says nothing": {nil, nas, "127.0.0.1"},
		"the first of two names":                   {join(attr(1, "alice"), attr(1, "bob")), user, "alice"},
		"a name behind an empty one":               {join(attr(1, ""), attr(1, "bob")), user, "bob"},
		"a name that is no text":                   {attr(1, "\xff\x00"), user, "0xff00"},
		"the port's name before its number":        {join(number(5, 3), attr(87, "eth0/3")), func(r login.SessionReport) any { return r.Port }, "eth0/3"},
		"a delay":                                  {number(41, 90), at, now.Add(-90 * time.Second)},
		"a delay before a clock":                   {join(number(41, 90), stamp(now.Add(-time.Hour))), at, now.Add(-90 * time.Second)},
		"a delay of years":                         {number(41, 1<<31), at, now.Add(-7 * 24 * time.Hour)},
		"a clock":                                  {stamp(now.Add(-time.Hour)), at, now.Add(-time.Hour).Local()},
		"a clock that began in 1970":               {number(55, 60), at, now},
		"a clock that is ahead":                    {stamp(now.Add(time.Hour)), at, now},
		"a cause that has no name":                 {number(49, 4000), func(r login.SessionReport) any { return r.Cause }, "4000"},
		"an IPv6 address of the person":            {attr(168, "\x20\x01\x0d\xb8"+strings.Repeat("\x00", 11)+"\x02"), func(r login.SessionReport) any { return r.Address.String() }, "2001:db8::2"},
		"as much Class as is kept": {
			join(attr(25, strings.Repeat("a", 253)), attr(25, strings.Repeat("b", 253)), attr(25, strings.Repeat("c", 253)), attr(25, strings.Repeat("d", 253)), attr(25, strings.Repeat("e", 253))),
			func(r login.SessionReport) any { return len(r.Class) }, 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := accounting.Parse(join(number(40, 1), attr(44, "s1"), test.more), from, now)
			if err != nil {
				t.Fatal(err)
			}
			if got := test.get(r); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func nas(r login.SessionReport) any  { return r.NAS }
func user(r login.SessionReport) any { return r.User }
func at(r login.SessionReport) any   { return r.At }

func TestStatuses(t *testing.T) {
	t.Parallel()
	for n, want := range map[uint32]login.SessionStatus{
		1: login.SessionStart, 2: login.SessionStop, 3: login.SessionInterim, 7: login.SessionOn, 8: login.SessionOff,
		0: login.SessionOther, 9: login.SessionOther, 15: login.SessionOther, 1 << 31: login.SessionOther,
	} {
		r, err := accounting.Parse(join(number(40, n), attr(44, "s1")), from, now)
		if err != nil || r.Status != want {
			t.Errorf("%d: got %q, %v, want %q", n, r.Status, err, want)
		}
	}
	for _, n := range []uint32{7, 8, 9} {
		if _, err := accounting.Parse(number(40, n), from, now); err != nil {
			t.Errorf("%d needs no session: %v", n, err)
		}
	}
}

func TestRequestsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	begun := join(number(40, 1), attr(44, "s1"))
	for name, test := range map[string]struct {
		avps []byte
		want error
	}{
		"nothing":                     {nil, accounting.ErrIncomplete},
		"no status":                   {attr(44, "s1"), accounting.ErrIncomplete},
		"no session":                  {number(40, 1), accounting.ErrIncomplete},
		"an empty session":            {join(number(40, 2), attr(44, "")), accounting.ErrIncomplete},
		"a status of two octets":      {join(attr(40, "\x00\x01"), attr(44, "s1")), accounting.ErrMalformed},
		"an attribute of length 1":    {join(begun, []byte{1, 1}), accounting.ErrMalformed},
		"an attribute beyond the end": {join(begun, []byte{1, 9, 'a'}), accounting.ErrMalformed},
		"half a header":               {join(begun, []byte{1}), accounting.ErrMalformed},
		"a counter of three octets":   {join(begun, attr(42, "abc")), accounting.ErrMalformed},
		"an address of five octets":   {join(begun, attr(8, "abcde")), accounting.ErrMalformed},
		"an IPv6 address where v4 is": {join(begun, attr(8, strings.Repeat("x", 16))), accounting.ErrMalformed},
		"a password":                  {join(begun, attr(2, strings.Repeat("x", 16))), accounting.ErrForbidden},
		"a CHAP password":             {join(begun, attr(3, strings.Repeat("x", 17))), accounting.ErrForbidden},
		"a text for the person":       {join(begun, attr(18, "hello")), accounting.ErrForbidden},
		"a State":                     {join(begun, attr(24, "state")), accounting.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r, err := accounting.Parse(test.avps, from, now); !errors.Is(err, test.want) {
				t.Errorf("got %+v, %v, want %v", r, err, test.want)
			}
		})
	}
}

// FuzzParse: whatever comes, what is kept is bounded by what came.
func FuzzParse(f *testing.F) {
	avps, err := hex.DecodeString(fromRadclient)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(avps)
	f.Add(join(number(40, 7), number(55, 1<<31)))
	f.Add(join(number(40, 3), attr(44, "\xff\x00"), attr(26, "\x00\x00\x00\x09\x01")))
	f.Add([]byte{44, 0})
	f.Fuzz(func(t *testing.T, avps []byte) {
		if len(avps) > 4076 {
			return
		}
		r, err := accounting.Parse(avps, from, now)
		if err != nil {
			return
		}
		if r.Status == "" || r.NAS == "" || r.At.After(now.Add(time.Hour)) || r.At.Before(now.Add(-8*24*time.Hour)) {
			t.Fatalf("got %+v", r)
		}
		if len(r.Identity) > len(avps) || len(r.ID) > 2+2*253 {
			t.Fatalf("kept more than came: %+v", r)
		}
	})
}
