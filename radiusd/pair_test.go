package radiusd

import (
	"bytes"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login/logintest"
)

// TestTwoNodesRingOnceOverUDP is what TestConcentratorsRingOnce does not show: a
// product that has turned to its second server, with real sockets, each node's own
// goroutines and the kernel between, in real time.
func TestTwoNodesRingOnceOverUDP(t *testing.T) {
	t.Parallel()
	p := newPair(t, 5*time.Minute, logintest.Answer{After: 500 * time.Millisecond})
	for _, f := range p.flows {
		t.Cleanup(func() {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	var devices [2]*device
	var packets [2][]byte
	var nodes [2]*running
	for i, s := range p.nodes {
		nodes[i] = (&running{t: t, logs: &logintest.Log{}}).serve(t, s)
		devices[i] = nodes[i].device(t, "127.0.0.1")
		packets[i] = devices[i].login("alice", "secret", attr(attrCallingStationID, "203.0.113.7"))
	}
	// Whatever is first or late on a busy machine, each is the same sign-in.
	for range 3 {
		devices[0].send(packets[0])
		devices[1].send(packets[1])
	}
	var replies [2]*answer
	for i, d := range devices {
		if replies[i] = d.reply(packets[i]); replies[i].code != accept {
			t.Errorf("node %d says %d %s", i, replies[i].code, replies[i].says())
		}
		if again := d.ask(packets[i]); !bytes.Equal(again.raw, replies[i].raw) {
			t.Errorf("node %d gives a copy another answer", i)
		}
	}
	if one, two := replies[0].says(), replies[1].says(); one != two {
		t.Errorf("the nodes differ: %s and %s", one, two)
	}
	for i, n := range nodes {
		if st := n.settledStats(); st.Held != 0 {
			t.Errorf("node %d holds %d", i, st.Held)
		}
	}
	if n := len(p.calls.Rung()); n != 1 {
		t.Errorf("rang %d times", n)
	}
}
