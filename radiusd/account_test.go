package radiusd

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// recorderFunc is a Recorder in one function.
type recorderFunc func(ctx context.Context, r login.SessionReport) error

func (f recorderFunc) Record(ctx context.Context, r login.SessionReport) error { return f(ctx, r) }

// A book records what it is told.
type book struct {
	mu  sync.Mutex
	all []login.SessionReport
}

func (b *book) Record(_ context.Context, r login.SessionReport) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all = append(b.all, r)
	return nil
}

func (b *book) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.all)
}

func runAccounting(t *testing.T, cfg Config, rec Recorder) *running {
	t.Helper()
	cfg.Listen, cfg.Accounting = []string{"127.0.0.1:1"}, []string{"127.0.0.1:0"}
	r := &running{t: t, logs: &logintest.Log{}}
	s, err := NewAccounting(cfg, rec, Options{Log: slog.New(slog.NewJSONHandler(r.logs, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return r.serve(t, s)
}

// told builds an Accounting-Request (RFC 2866, section 3).
func (d *device) told(attrs ...[]byte) []byte {
	p := d.bare(append(attrs, nasID)...)
	p[0] = 4
	return d.stamp(p)
}

// stamp fills in the authenticator of an Accounting-Request.
func (d *device) stamp(p []byte) []byte {
	clear(p[4:headerLen])
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	sum := md5.Sum(append(append([]byte(nil), p...), d.secret...))
	copy(p[4:], sum[:])
	return p
}

func status(n byte) []byte { return attr(40, string([]byte{0, 0, 0, n})) }

func session(id string) []byte { return attr(44, id) }

// acknowledged receives a reply and checks it (RFC 2866, section 4.2).
func (d *device) acknowledged(request []byte) []byte {
	d.t.Helper()
	return d.answered(request, 5)
}

// answered is acknowledged by a reply of another code.
func (d *device) answered(request []byte, code byte) []byte {
	d.t.Helper()
	d.conn.SetReadDeadline(time.Now().Add(testWait))
	b := make([]byte, 2*maxPacket)
	n, err := d.conn.Read(b)
	if err != nil {
		d.t.Fatalf("no reply: %v; dropped %v; log %s", err, d.server.Stats().Dropped, d.server.logs)
	}
	p := b[:n]
	if p[0] != code || p[1] != request[1] || int(binary.BigEndian.Uint16(p[2:])) != n {
		d.t.Fatalf("got % x", p)
	}
	q := append([]byte(nil), p...)
	copy(q[4:headerLen], request[4:headerLen])
	if sum := md5.Sum(append(q, d.secret...)); string(sum[:]) != string(p[4:headerLen]) {
		d.t.Fatal("Response Authenticator is wrong")
	}
	return p
}

func (d *device) account(p []byte) []byte {
	d.t.Helper()
	d.send(p)
	return d.acknowledged(p)
}

// A request of radclient 3.2.1, with the secret that it was made with.
const radclientAccounting = "0459008b0c3832ac959474ba4a6299df6f62b54b2806000000022c09354130462d31370107616c6963650406c00002010506000000072906000000292e" +
	"0600000e102a06ffffffff3406000000032b060000000c310600000004190500ff0119030208060a0909091f0e3139382e35312e3130302e3750124ed7" +
	"73c51f725a6ef07e4efee6d8f9f3210331"

func TestARequestOfRadclientIsVerified(t *testing.T) {
	t.Parallel()
	p, err := hex.DecodeString(radclientAccounting)
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	cfg.Clients[0].Secret = secret.New("xyzzy5461xyzzy5461")
	b := &book{}
	s := runAccounting(t, cfg, b)
	d := s.device(t, "127.0.0.1")
	d.secret = "xyzzy5461xyzzy5461"
	if got := d.account(p); string(got[headerLen:]) != string(attr(attrProxyState, "1")) {
		t.Errorf("attributes % x, want its Proxy-State", got[headerLen:])
	}
	if b.count() != 1 || b.all[0].ID != "5A0F-17" || b.all[0].Client != "nas" {
		t.Errorf("recorded %+v", b.all)
	}
	// Each octet counts, and no octet that is changed is recorded.
	for i := range p {
		q := append([]byte(nil), p...)
		q[i] ^= 1
		d.send(q)
	}
	s.until("every one dropped", func(st Stats) bool { return st.InHand == 0 && sum(st.Dropped) == uint64(len(p)) })
	if b.count() != 1 {
		t.Errorf("%d reports are recorded", b.count())
	}
}

func TestAccountingIsAnsweredWhenItIsSafe(t *testing.T) {
	t.Parallel()
	recorded, safe := make(chan struct{}), make(chan error)
	s := runAccounting(t, testConfig(), recorderFunc(func(context.Context, login.SessionReport) error {
		recorded <- struct{}{}
		return <-safe
	}))
	d := s.device(t, "127.0.0.1")
	p := d.told(status(1), session("s1"))
	d.send(p)
	<-recorded
	d.nothing()
	d.silent(p, dropDuplicate) // while it is in hand
	safe <- errors.New("the disk is full")
	s.until("not recorded", func(st Stats) bool { return st.Dropped["not_recorded"] == 1 })
	d.nothing()
	d.send(p) // and it is not forgotten that it was not
	<-recorded
	safe <- nil
	first := d.acknowledged(p)
	if again := d.account(p); string(again) != string(first) {
		t.Errorf("the copy got % x, want % x", again, first)
	}
	if st := s.settledStats(); st.Sent["accounting"] != 1 || st.Sent["resent"] != 1 {
		t.Errorf("sent %v", st.Sent)
	}
	if !strings.Contains(s.logs.String(), "the disk is full") {
		t.Error("the log does not say why")
	}
}

func TestWhatBecomesOfAccounting(t *testing.T) {
	t.Parallel()
	macs := func(d *device, at ...[]byte) []byte {
		p := d.told(append(at, attr(attrMessageAuthenticator, strings.Repeat("\x00", macLen)))...)
		return p
	}
	sign := func(d *device, p []byte) []byte {
		i := len(p) - len(nasID) - macLen
		clear(p[4:headerLen])
		h := hmac.New(md5.New, []byte(d.secret))
		h.Write(p)
		h.Sum(p[i:i])
		return d.stamp(p)
	}
	for name, test := range map[string]struct {
		make func(d *device) []byte
		drop tally // dropNone: it is answered
		kept int
	}{
		"a start":                {func(d *device) []byte { return d.told(status(1), session("s")) }, dropNone, 1},
		"a device that is on":    {func(d *device) []byte { return d.told(status(7)) }, dropNone, 1},
		"what nobody knows":      {func(d *device) []byte { return d.told(status(99)) }, dropNone, 0},
		"4096 octets of it":      {func(d *device) []byte { return d.told(status(1), session("s"), filler(4096-headerLen-len(nasID)-6-3)) }, dropNone, 1},
		"padding":                {func(d *device) []byte { return append(d.told(status(1), session("s")), "more"...) }, dropNone, 1},
		"signed too":             {func(d *device) []byte { return sign(d, macs(d, status(1), session("s"))) }, dropNone, 1},
		"signed wrongly":         {func(d *device) []byte { return macs(d, status(1), session("s")) }, dropBadSignature, 0},
		"half a signature":       {func(d *device) []byte { return d.told(status(1), session("s"), attr(attrMessageAuthenticator, "x")) }, dropBadSignature, 0},
		"a random authenticator": {func(d *device) []byte { p := d.bare(status(1), session("s")); p[0] = 4; return p }, dropAuthenticator, 0},
		"without session":        {func(d *device) []byte { return d.told(status(1)) }, dropIncomplete, 0},
		"without status":         {func(d *device) []byte { return d.told(session("s")) }, dropIncomplete, 0},
		"with a password": {func(d *device) []byte {
			return d.told(status(1), session("s"), attr(attrUserPassword, "sixteen octets.."))
		}, dropForbidden, 0},
		"with a counter too short": {func(d *device) []byte { return d.told(status(2), session("s"), attr(42, "abc")) }, dropMalformed, 0},
		"an attribute of length 1": {func(d *device) []byte { return d.told(status(1), session("s"), []byte{1, 1}) }, dropMalformed, 0},
		"an Access-Request":        {func(d *device) []byte { return d.login("alice", "accept") }, dropCode, 0},
		"an answer":                {func(d *device) []byte { p := d.told(status(1)); p[0] = 5; return p }, dropCode, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &book{}
			d := runAccounting(t, testConfig(), b).device(t, "127.0.0.1")
			if p := test.make(d); test.drop == dropNone {
				d.account(p)
			} else {
				d.silent(p, test.drop)
			}
			if b.count() != test.kept {
				t.Errorf("%d recorded, want %d", b.count(), test.kept)
			}
		})
	}
}

// filler is so many octets of attributes.
func filler(n int) (all []byte) {
	for n > 255 {
		part := min(255, n-2)
		all = append(all, attr(25, strings.Repeat("x", part-2))...)
		n -= part
	}
	return append(all, attr(25, strings.Repeat("x", n-2))...)
}

func TestAccountingHasItsProxyStates(t *testing.T) {
	t.Parallel()
	d := runAccounting(t, testConfig(), &book{}).device(t, "127.0.0.1")
	states := append(append(attr(attrProxyState, "one"), attr(attrProxyState, "")...), attr(attrProxyState, strings.Repeat("z", maxValue))...)
	if got := d.account(d.told(states, status(1), session("s"), attr(attrProxyState, "last"))); string(got[headerLen:]) != string(states)+string(attr(attrProxyState, "last")) {
		t.Errorf("got % x", got[headerLen:])
	}
}

func TestAccountingTakesTheOldSecret(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Clients[0].OldSecret = secret.New("the old secret of 2018")
	s := runAccounting(t, cfg, &book{})
	d := s.device(t, "127.0.0.1")
	d.secret = "the old secret of 2018"
	d.account(d.told(status(1), session("s")))
	if n := s.settledStats().Notes["old_secret_used"]; n != 1 {
		t.Errorf("noted %d times", n)
	}
}

// Status-Server is answered with an Accounting-Response there (RFC 5997, section
// 4.2).
func TestStatusOfTheAccountingPort(t *testing.T) {
	t.Parallel()
	d := runAccounting(t, testConfig(), &book{}).device(t, "127.0.0.1")
	p := d.bare(nasID, attr(attrMessageAuthenticator, strings.Repeat("\x00", macLen)))
	p[0] = 12
	if got := d.ask(d.sign(p)); got.code != 5 {
		t.Errorf("code %d, want 5", got.code)
	}
}

// A store that hangs holds a bounded number of requests, and those behind wait
// or are sent again.
func TestAccountingInHandIsBounded(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now, most := 0, 0
	stuck := make(chan struct{})
	s := runAccounting(t, testConfig(), recorderFunc(func(context.Context, login.SessionReport) error {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		<-stuck
		mu.Lock()
		now--
		mu.Unlock()
		return nil
	}))
	const sent = 2 * maxAccounting
	for i := range 8 {
		d := s.device(t, "127.0.0.1")
		for n := range sent / 8 {
			d.send(d.told(status(1), session(fmt.Sprint(i, "-", n))))
			if n%32 == 31 { // not to lose any on the way
				s.until("what was sent", func(st Stats) bool { return st.Received >= uint64(i*sent/8+n) })
			}
		}
	}
	// A datagram is counted when it comes, and its outcome a moment later.
	st := s.until("full", func(st Stats) bool { return st.Received == sent && sum(st.Dropped)+uint64(st.InHand) == sent })
	if want := maxAccounting * 9 / 16; st.InHand != want || st.Dropped["client_busy"] != sent-uint64(want) {
		t.Errorf("%d in hand, dropped %v, want %d in hand", st.InHand, st.Dropped, want)
	}
	close(stuck)
	s.settledStats()
	if most > maxRecording {
		t.Errorf("%d were being recorded at once, want at most %d", most, maxRecording)
	}
}

// A flood does not keep the server from ending: what is in hand is answered, and
// what comes then is not begun.
func TestAccountingDrains(t *testing.T) {
	t.Parallel()
	recorded, safe := make(chan struct{}), make(chan struct{})
	s := runAccounting(t, testConfig(), recorderFunc(func(context.Context, login.SessionReport) error {
		close(recorded)
		<-safe
		return nil
	}))
	d, late := s.device(t, "127.0.0.1"), s.device(t, "127.0.0.1")
	p := d.told(status(1), session("s1"))
	d.send(p)
	<-recorded
	ended := make(chan error, 1)
	go func() { ended <- s.stop() }()
	s.until("draining", func(Stats) bool {
		late.send(late.told(status(1), session("late"), attr(attrUserName, fmt.Sprint(late.id))))
		return s.Stats().Dropped["draining"] > 0
	})
	close(safe)
	d.acknowledged(p)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestAccountingConfigTellsAllProblems(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.Listen = []string{"0.0.0.0:1812"}
	cfg.Accounting = []string{"0.0.0.0:1812", "somewhere"}
	cfg.Clients[0].COA = "10.1.0.1"
	err := cfg.Validate()
	for _, want := range []string{`server.accounting: "0.0.0.0:1812" is there twice`, `server.accounting: "somewhere" is not an address`, `coa is "10.1.0.1"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}
