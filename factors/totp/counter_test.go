package totp

import (
	"testing"

	"github.com/portvakt/portvakt/login"
)

var rfcCounter = Token{Kind: KindCounter, Seed: rfcSeed(20), Algorithm: SHA1, Digits: 6}

func TestCounterCodes(t *testing.T) {
	const now = 1_700_000_000
	ten := counterRecord{next: 10}
	for _, tt := range []struct {
		rule   string
		record counterRecord
		code   uint64 // counter of the code typed
		want   login.Reason
		after  counterRecord
	}{
		{"the next code proves", ten, 10, login.ReasonOK, counterRecord{next: 11}},
		{"nine presses that were never typed are forgiven", ten, 19, login.ReasonOK, counterRecord{next: 20}},
		{"the code just used is known as used", ten, 9, login.ReasonUsedCode, ten},
		{"an older code is wrong", ten, 8, login.ReasonWrongCode, ten},
		{"the first of all codes proves", counterRecord{}, 0, login.ReasonOK, counterRecord{next: 1}},
		{"a code far ahead is wrong, and asks for the next", ten, 20, login.ReasonWrongCode, counterRecord{10, 21, now}},
		{"the last code of the resync window is remembered", ten, 109, login.ReasonWrongCode, counterRecord{10, 110, now}},
		{"a code beyond the resync window is wrong", ten, 110, login.ReasonWrongCode, ten},
		{"the code that follows the one far ahead brings the token back", counterRecord{10, 51, now - 30}, 51, login.ReasonOK, counterRecord{next: 52}},
		{"not the same code again", counterRecord{10, 51, now}, 50, login.ReasonWrongCode, counterRecord{10, 51, now}},
		{"not the code after the next", counterRecord{10, 51, now - 30}, 52, login.ReasonWrongCode, counterRecord{10, 53, now}},
		{"not after more than ten minutes", counterRecord{10, 51, now - 601}, 51, login.ReasonWrongCode, counterRecord{10, 52, now}},
		{"not when the clock was set back", counterRecord{10, 51, now + 1}, 51, login.ReasonWrongCode, counterRecord{10, 52, now}},
		{"a wrong code between does not matter", counterRecord{10, 51, now - 30}, 5, login.ReasonWrongCode, counterRecord{10, 51, now - 30}},
		{"a code of the window still proves and ends the resync", counterRecord{10, 51, now - 30}, 12, login.ReasonOK, counterRecord{next: 13}},
		{"a resync that the counter has passed is nothing", counterRecord{50, 51, now}, 51, login.ReasonOK, counterRecord{next: 52}},
	} {
		after, got := judgeCounter(rfcCounter.generator(), tt.record, now, login.Cleartext(rfcCounter.Count(tt.code)))
		if got != tt.want || after != tt.after {
			t.Errorf("%s: got %s %+v, want %s %+v", tt.rule, got, after, tt.want, tt.after)
		}
	}
}

func TestEqualCodesWithinTheLookAhead(t *testing.T) {
	g := rfcCounter.generator()
	seen := map[string]uint64{}
	for later := uint64(0); ; later++ {
		code := g.code(later)
		first, ok := seen[code]
		seen[code] = later
		if !ok || later-first >= lookAhead {
			continue
		}
		after, reason := judgeCounter(g, counterRecord{next: first}, 0, login.Cleartext(code))
		if reason != login.ReasonOK || after.next != later+1 {
			t.Errorf("codes %d and %d are equal: got %s %+v, want the later used up", first, later, reason, after)
		}
		if _, reason := judgeCounter(g, after, 0, login.Cleartext(code)); reason != login.ReasonUsedCode {
			t.Errorf("the same digits again: got %s, want used", reason)
		}
		return
	}
}

func TestCounterRecordComesBackAsItWas(t *testing.T) {
	for _, want := range []counterRecord{{}, {next: 7}, {10, 51, 1_700_000_000}} {
		if got, err := decodeCounter(want.encode(), 99); err != nil || got != want {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	if got, err := decodeCounter(nil, 99); err != nil || got.next != 99 {
		t.Errorf("no record: got %+v, %v, want the counter of the token", got, err)
	}
}

func FuzzDecodeCounter(f *testing.F) {
	f.Add(counterRecord{10, 51, 1_700_000_000}.encode())
	f.Add(timeRecord{last: 7}.encode())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeCounter(append([]byte{}, b...), 0)
		if err == nil && string(r.encode()) != string(b) {
			t.Errorf("%x decodes to %+v, which encodes to %x", b, r, r.encode())
		}
	})
}
