package radiusd

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
)

// TestRejectDelay: a reject does not leave early, and nothing waits with it.
func TestRejectDelay(t *testing.T) {
	t.Parallel()
	cfg := testConfig()
	cfg.RejectDelay = 2 * time.Second // longer than a slow machine takes for the rest
	s := run(t, cfg, script(t), Options{})
	d := s.device(t, "127.0.0.1")
	start := time.Now()
	wrong := [][]byte{d.login("alice", "wrong"), d.login("alice", "p\xffx"), d.signed(nasID)}
	for _, p := range wrong {
		d.send(p)
	}
	if got := d.ask(d.login("alice", "accept")); got.code != accept || time.Since(start) >= cfg.RejectDelay {
		t.Fatalf("code %d after %v: an accept had to wait", got.code, time.Since(start))
	}
	d.silent(wrong[0], dropDuplicate)
	for range wrong {
		d.conn.SetReadDeadline(time.Now().Add(testWait))
		if n, err := d.conn.Read(make([]byte, maxPacket)); err != nil || n == 0 {
			t.Fatal(err)
		}
		if took := time.Since(start); took < cfg.RejectDelay {
			t.Fatalf("a reject left after %v, want %v", took, cfg.RejectDelay)
		}
	}
}

// TestRejectsLeaveTogether, however long deciding has taken: a name that nobody
// has is refused sooner than one whose password the directory has looked at.
func TestRejectsLeaveTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var deciding time.Duration
		n := newNAS(t, flowFunc(func(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
			time.Sleep(deciding)
			return login.Reject{Reason: login.ReasonBadPassword}, nil
		}), Options{})
		cfg := n.s.live.Load().cfg
		cfg.RejectDelay = time.Second
		if err := n.s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct{ deciding, want time.Duration }{
			{0, time.Second},
			{400 * time.Millisecond, time.Second},
			{time.Second, time.Second},
			{1500 * time.Millisecond, 1500 * time.Millisecond},
		} {
			deciding = row.deciding
			began := time.Now()
			n.s.receive(t.Context(), n.sockets[0], n.d.login("alice", "wrong"), nil, benchFrom)
			<-n.sockets[0].queue
			if got := time.Since(began); got != row.want {
				t.Errorf("decided after %v, left after %v, want %v", row.deciding, got, row.want)
			}
		}
		n.end()
	})
}
