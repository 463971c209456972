package radiusd

import (
	"context"
	"testing"

	"github.com/portvakt/portvakt/login/logintest"
)

// TestWhatTheKernelDropsIsCounted: datagrams that came while the receive buffer
// was full are lost, and the operator hears how many.
func TestWhatTheKernelDropsIsCounted(t *testing.T) {
	t.Parallel()
	s, err := New(testConfig(), script(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := &running{Server: s, t: t, logs: &logintest.Log{}}
	d := r.device(t, "127.0.0.1")
	const sent = 5000 // of 4 kB are more than the buffer has room for
	junk := make([]byte, maxPacket)
	for range sent {
		d.send(junk) // nobody reads yet
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	r.until("what is in the buffer", func(st Stats) bool { return st.Received > 0 && st.Received == sum(st.Dropped) })
	if got := d.ask(d.login("alice", "accept")); got.code != accept {
		t.Errorf("code %d", got.code)
	}
	// Loopback may lose some before they are at the socket: never more are told.
	if st := r.settledStats(); st.KernelDrops < sent/10 || st.Received+st.KernelDrops > sent+1 {
		t.Errorf("received %d, lost %d of %d", st.Received, st.KernelDrops, sent+1)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
