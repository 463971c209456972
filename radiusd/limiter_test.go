package radiusd

import (
	"encoding/binary"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login/logintest"
)

func addr4(i int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(0x0a000000+i))
	return netip.AddrFrom4(b)
}

// TestOneLineASecondAKind: the counts in the lines add up to all events.
func TestOneLineASecondAKind(t *testing.T) {
	t.Parallel()
	logs := &logintest.Log{}
	j := &journal{log: slog.New(slog.NewTextHandler(logs, nil))}
	none := func() []slog.Attr { return nil }
	for ms := range 3500 {
		j.note(dropBadSignature, time.Duration(ms)*time.Millisecond, none)
		j.note(dropDuplicate, time.Duration(ms)*time.Millisecond, none)
	}
	j.flush(3600 * time.Millisecond)
	j.flush(4 * time.Second)
	j.flush(9 * time.Second)
	want := []string{"count=1 ", "count=1000 ", "count=1000 ", "count=1000 ", "count=499 "}
	lines := strings.Split(strings.TrimSpace(logs.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%d lines, want %d: %s", len(lines), len(want), logs)
	}
	for i, line := range lines {
		if !strings.Contains(line, want[i]) || !strings.Contains(line, "kind=bad_message_authenticator") {
			t.Errorf("line %d is %q, want %q", i, line, want[i])
		}
	}
}

// TestS34UnknownSources get a line a minute each, a line a second all together,
// and a bounded place in memory (S-34).
func TestS34UnknownSources(t *testing.T) {
	t.Parallel()
	logs := &logintest.Log{}
	j := &journal{log: slog.New(slog.NewTextHandler(logs, nil))}
	lines := func() int { return strings.Count(logs.String(), "\n") }
	for s := range 60 {
		j.unknown(addr4(1), time.Duration(s)*time.Second)
		j.flush(time.Duration(s) * time.Second)
	}
	if lines() != 1 {
		t.Fatalf("%d lines of one source in a minute, want 1: %s", lines(), logs)
	}
	j.unknown(addr4(1), time.Minute)
	if lines() != 2 || !strings.Contains(logs.String(), "count=60 ") {
		t.Fatalf("after a minute: %s", logs)
	}
	for i := range 100 * maxLogSources {
		j.unknown(addr4(i), 2*time.Minute+time.Duration(i)*time.Millisecond)
	}
	if got := lines() - 2; got > 103 || len(j.sources) > maxLogSources {
		t.Fatalf("%d lines in 102 s, %d sources remembered", got, len(j.sources))
	}
}

// TestEveryTallyHasAName: metrics and logs know it by that.
func TestEveryTallyHasAName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := dropNone + 1; k < numTallies; k++ {
		if k.String() == "" || seen[k.String()] {
			t.Errorf("tally %d is called %q", k, k)
		}
		seen[k.String()] = true
	}
}
