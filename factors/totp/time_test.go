package totp

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/factors/factortest"
	"github.com/portvakt/portvakt/login"
)

var rfcToken = Token{Kind: KindTime, Seed: rfcSeed(20), Algorithm: SHA1, Digits: 6, Period: 30 * time.Second}

func TestTimeCodes(t *testing.T) {
	const now = 57_000_000
	for _, tt := range []struct {
		rule   string
		record timeRecord
		offset int64 // of the code typed, from now
		want   login.Reason
		after  timeRecord
	}{
		{"the code of now proves", timeRecord{}, 0, login.ReasonOK, timeRecord{last: now}},
		{"the code before proves, and is remembered as drift", timeRecord{}, -1, login.ReasonOK, timeRecord{now - 1, -1}},
		{"the code after proves, and is remembered as drift", timeRecord{}, 1, login.ReasonOK, timeRecord{now + 1, 1}},
		{"two steps early is wrong", timeRecord{}, 2, login.ReasonWrongCode, timeRecord{}},
		{"two steps late is wrong", timeRecord{}, -2, login.ReasonWrongCode, timeRecord{}},
		{"the last code is used", timeRecord{last: now}, 0, login.ReasonUsedCode, timeRecord{last: now}},
		{"a code before the last is used", timeRecord{last: now}, -1, login.ReasonUsedCode, timeRecord{last: now}},
		{"the code after the last proves", timeRecord{last: now}, 1, login.ReasonOK, timeRecord{now + 1, 1}},
		{"a last step in the future uses up all before it", timeRecord{last: now + 9}, 1, login.ReasonUsedCode, timeRecord{last: now + 9}},
		{"remembered drift widens the window on its side", timeRecord{drift: 2}, 3, login.ReasonOK, timeRecord{now + 3, 3}},
		{"remembered drift moves by one step", timeRecord{drift: 3}, 0, login.ReasonOK, timeRecord{now, 2}},
		{"a clock put right still proves", timeRecord{drift: -3}, 1, login.ReasonOK, timeRecord{now + 1, -2}},
		{"drift is bounded ahead", timeRecord{drift: 3}, 4, login.ReasonOK, timeRecord{now + 4, 3}},
		{"drift is bounded behind", timeRecord{drift: -3}, -4, login.ReasonOK, timeRecord{now - 4, -3}},
		{"beyond the drift is wrong", timeRecord{drift: 3}, 5, login.ReasonWrongCode, timeRecord{drift: 3}},
		{"drift ahead does not widen behind", timeRecord{drift: 3}, -2, login.ReasonWrongCode, timeRecord{drift: 3}},
	} {
		code := rfcToken.Count(uint64(now + tt.offset))
		for kind, answer := range map[string]login.Secret{"text": login.Cleartext(code), "proof": factortest.Proof(code)} {
			after, got := judgeTime(rfcToken.generator(), tt.record, now, answer)
			if got != tt.want || after != tt.after {
				t.Errorf("%s (%s): got %s %+v, want %s %+v", tt.rule, kind, got, after, tt.want, tt.after)
			}
		}
	}
}

// collision returns a step whose code is that of the step after it.
func collision(t *testing.T) int64 {
	t.Helper()
	g, before := rfcToken.generator(), ""
	for step := range int64(20_000_000) {
		code := g.code(uint64(step))
		if code == before {
			return step - 1
		}
		before = code
	}
	t.Fatal("no two adjacent codes are equal")
	return 0
}

func TestEqualCodesOfAdjacentSteps(t *testing.T) {
	first := collision(t)
	g := rfcToken.generator()
	answer := login.Cleartext(g.code(uint64(first)))

	fresh, reason := judgeTime(g, timeRecord{last: first - 5}, first, answer)
	if reason != login.ReasonOK || fresh.last != first+1 {
		t.Fatalf("both new: got %s %+v, want ok and the later step %d", reason, fresh, first+1)
	}
	if fresh.drift != 0 {
		t.Errorf("an ambiguous code moved the drift to %d", fresh.drift)
	}
	if _, reason := judgeTime(g, fresh, first+1, answer); reason != login.ReasonUsedCode {
		t.Errorf("the same digits one step later: got %s, want used", reason)
	}
	if after, reason := judgeTime(g, timeRecord{last: first}, first+1, answer); reason != login.ReasonOK || after.last != first+1 {
		t.Errorf("the earlier step used, the later new: got %s %+v, want ok", reason, after)
	}
}

// A countingSecret counts comparisons.
type countingSecret struct {
	login.Cleartext
	n int
}

func (c *countingSecret) Is(text string) bool { c.n++; return c.Cleartext.Is(text) }

func TestEveryStepIsComparedWhicheverMatches(t *testing.T) {
	const now = 57_000_000
	for offset := int64(-2); offset <= 2; offset++ {
		answer := &countingSecret{Cleartext: login.Cleartext(rfcToken.Count(uint64(now + offset)))}
		judgeTime(rfcToken.generator(), timeRecord{}, now, answer)
		if answer.n != 2*skew+1 {
			t.Errorf("code at offset %d: %d comparisons, want %d", offset, answer.n, 2*skew+1)
		}
	}
}

func TestTimeRecordComesBackAsItWas(t *testing.T) {
	for _, want := range []timeRecord{{}, {57_000_000, 3}, {1, -3}, {1<<63 - 1, 0}} {
		if got, err := decodeTime(want.encode()); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

// What no login can have written would open the window of valid codes.
func TestRecordsOutOfBoundsAreDamaged(t *testing.T) {
	for _, r := range []timeRecord{{57_000_000, 4}, {57_000_000, -4}, {57_000_000, -128}, {-1, 0}} {
		if got, err := decodeTime(r.encode()); err == nil {
			t.Errorf("%+v is read as %+v", r, got)
		}
	}
	for _, r := range []counterRecord{{next: 1<<63 + 1}, {10, 111, 1_700_000_000}} {
		if got, err := decodeCounter(r.encode(), 0); err == nil {
			t.Errorf("%+v is read as %+v", r, got)
		}
	}
}

func FuzzDecodeTime(f *testing.F) {
	f.Add(timeRecord{57_000_000, -2}.encode())
	f.Add(counterRecord{next: 7}.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeTime(append([]byte{}, b...))
		if err != nil {
			return
		}
		if string(r.encode()) != string(b) {
			t.Errorf("%x decodes to %+v, which encodes to %x", b, r, r.encode())
		}
	})
}
