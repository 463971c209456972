package radiusd

import (
	"context"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
)

// TestThreeThousandBoxesAfterAPowerCut has them all ask in the same second, each
// once a second until it is answered and twice more (RFC 5080, section 2.2.1),
// while the directory takes four seconds: a sign-in of each is decided once, and
// one reply of each is kept.
func TestThreeThousandBoxesAfterAPowerCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const boxes, slow, seconds = 3000, 4, 7
		var decided atomic.Int64
		in := letIn(t)
		s, _, d := bench(t, flowFunc(func(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
			decided.Add(1)
			time.Sleep(slow*time.Second - 500*time.Millisecond)
			return in, nil
		}))
		l := &socket{outlet: outlet{queue: make(chan outgoing, seconds*boxes)}}
		p := d.login("alice", "secret", attr(attrCallingStationID, "203.0.113.7"))
		for range seconds {
			for i := range boxes {
				from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 3, byte(i / 250), byte(i % 250)}), 1024)
				s.receive(t.Context(), l, p, nil, from)
			}
			time.Sleep(time.Second)
		}
		synctest.Wait()
		st := s.Stats()
		if n := decided.Load(); n != boxes || st.Sent["accept"] != boxes {
			t.Errorf("%d sign-ins of %d boxes were decided, %d let in", n, boxes, st.Sent["accept"])
		}
		if again := st.Dropped["duplicate_in_hand"]; again != (slow-1)*boxes || st.Sent["resent"] != (seconds-slow)*boxes {
			t.Errorf("dropped %v, sent %v", st.Dropped, st.Sent)
		}
		if st = s.Stats(); st.InHand != 0 || st.Kept != boxes {
			t.Errorf("%d are in hand, %d kept", st.InHand, st.Kept)
		}
		s.crew.Close()
		s.crew.Wait()
		s.handlers.Wait()
	})
}
