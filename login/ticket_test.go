package login

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// plainSealer shows what is in a ticket.
type plainSealer struct{ overhead int }

func (s plainSealer) Seal(_ string, plain []byte) ([]byte, error) {
	return append(make([]byte, s.overhead), plain...), nil
}

func (s plainSealer) Open(_ string, sealed []byte) ([]byte, error) {
	if len(sealed) < s.overhead {
		return nil, errors.New("short")
	}
	return sealed[s.overhead:], nil
}

func TestTheLongestTicketFitsAState(t *testing.T) {
	q := &question{
		issued: time.Unix(1, 0), tries: 2, rounds: maxRounds,
		account: strings.Repeat("a", maxAccountID), method: strings.Repeat("m", 40), memo: make([]byte, MaxMemo),
	}
	// Key id, nonce and tag of AES-GCM (RFC 5116, section 5.1) are 29 octets.
	ticket, err := q.seal(plainSealer{29}, "alice", "vpn")
	if err != nil {
		t.Fatal(err)
	}
	if len(ticket) > MaxTicket {
		t.Errorf("got %d octets, want at most %d", len(ticket), MaxTicket)
	}
	back, err := openTicket(plainSealer{29}, ticket, "alice", "vpn")
	if err != nil || back.account != q.account || back.method != q.method || !bytes.Equal(back.memo, q.memo) || back.rounds != q.rounds || !back.issued.Equal(q.issued) {
		t.Errorf("got %+v %v, want %+v", back, err, q)
	}
	q.granted = true
	if ticket, err = q.seal(plainSealer{29}, "alice", "vpn"); err != nil {
		t.Fatalf("with something granted: %v", err)
	}
	if back, err := openTicket(plainSealer{29}, ticket, "alice", "vpn"); err != nil || !back.granted || back.kept != nil {
		t.Errorf("with something granted: got %+v %v", back, err)
	}
	q.granted, q.change, q.key = false, changeAgain, [changeKeySize]byte{1, 2, 3}
	if ticket, err = q.seal(plainSealer{29}, "alice", "vpn"); err != nil {
		t.Fatalf("with the change of a password: %v", err)
	}
	if back, err := openTicket(plainSealer{29}, ticket, "alice", "vpn"); err != nil || back.change != q.change || back.key != q.key {
		t.Errorf("with the change of a password: got %+v %v", back, err)
	}
	q.change = changeNone
	q.account, q.kept = strings.Repeat("a", maxAccountID-keptRoom), make([]byte, MaxKept)
	if ticket, err = q.seal(plainSealer{29}, "alice", "vpn"); err != nil {
		t.Fatalf("with something kept: %v", err)
	}
	if back, err := openTicket(plainSealer{29}, ticket, "alice", "vpn"); err != nil || len(back.kept) != MaxKept {
		t.Errorf("with something kept: got %+v %v", back, err)
	}
	q.memo = make([]byte, MaxMemo+1)
	if _, err := q.seal(plainSealer{29}, "alice", "vpn"); err == nil {
		t.Error("a memo too long was sealed")
	}
}

func TestAQuestionIsOfNow(t *testing.T) {
	issued := time.Unix(1_700_000_000, 0)
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{
		{0, false},
		{questionFor, false},
		{questionFor + time.Nanosecond, true},
		{-time.Minute, false}, // clocks of two nodes differ
		{-time.Minute - time.Nanosecond, true},
	} {
		if got := (&question{issued: issued}).expired(issued.Add(c.after)); got != c.want {
			t.Errorf("answered after %v: expired %v, want %v", c.after, got, c.want)
		}
	}
}

func TestReferencesAreReadable(t *testing.T) {
	if got, want := reference([5]byte{}), "0000-0000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := reference([5]byte{0xff, 0xff, 0xff, 0xff, 0xfe}), "ZZZZ-ZZZY"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzQuestion(f *testing.F) {
	q := &question{issued: time.Unix(1e9, 0), account: "a", method: "totp/x", memo: []byte("123456")}
	good, err := q.seal(plainSealer{}, "", "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(xored(nil, good[1:], good[0]))
	q.kept = []byte("kept")
	if good, err = q.seal(plainSealer{}, "", ""); err != nil {
		f.Fatal(err)
	}
	f.Add(xored(nil, good[1:], good[0]))
	q.granted = true
	if good, err = q.seal(plainSealer{}, "", ""); err != nil {
		f.Fatal(err)
	}
	f.Add(xored(nil, good[1:], good[0]))
	q.granted, q.change, q.kept = false, changeOwed, nil
	if good, err = q.seal(plainSealer{}, "", ""); err != nil {
		f.Fatal(err)
	}
	f.Add(xored(nil, good[1:], good[0]))
	f.Add([]byte{})
	f.Add([]byte{ticketVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := parseQuestion(b)
		if err != nil {
			return
		}
		if len(q.account) > maxAccountID || len(q.method) > 40 || len(q.memo) > MaxMemo {
			return
		}
		again, err := q.seal(plainSealer{}, "", "")
		if err != nil {
			return
		}
		if got := xored(nil, again[1:], again[0]); !bytes.Equal(got, b) {
			t.Errorf("got %x, want %x", got, b)
		}
	})
}

// ocserv 1.1.6 cuts State at the first octet that is 0.
func TestTicketsHaveNoZero(t *testing.T) {
	all := make([]byte, 254)
	for i := range all {
		all[i] = byte(i)
	}
	for _, plain := range [][]byte{{}, {0}, {0, 0, 0}, {1, 2, 0, 3}, all, bytes.Repeat([]byte{0}, 254)} {
		got := withoutZero(plain)
		if bytes.IndexByte(got, 0) >= 0 {
			t.Errorf("%x became %x", plain, got)
		}
		if back := xored(nil, got[1:], got[0]); !bytes.Equal(back, plain) {
			t.Errorf("%x came back as %x", plain, back)
		}
	}
}

func FuzzGuard(f *testing.F) {
	g := &guard{consecutive: 3, strangers: track{passwords: 1, passwordsLast: 5}}
	g.success(1, time.Unix(1e9, 0), true)
	g.wrongCode(1, time.Unix(1e9, 0))
	g.spend([8]byte{1}, time.Unix(1e9, 0), 7, time.Unix(1e9, 0))
	f.Add(g.encode())
	f.Add([]byte{})
	f.Add(make([]byte, guardHead+trackSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := decodeGuard(b)
		if err != nil {
			return
		}
		if again := g.encode(); !bytes.Equal(again, b) {
			t.Errorf("got %x, want %x", again, b)
		}
	})
}
