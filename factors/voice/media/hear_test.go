package media

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// Who is called hears what the caller plays, and presses a key.
func TestWhoIsCalledHearsAndPresses(t *testing.T) {
	t.Parallel()
	var loud atomic.Int64 // samples of about the level that is played
	caller := opened(t, Config{Local: netip.MustParseAddr("127.0.0.1")})
	called := opened(t, Config{Local: netip.MustParseAddr("127.0.0.1"), Hear: func(pcm []int16) {
		for _, x := range pcm {
			if x > 9000 && x < 11000 {
				loud.Add(1)
			}
		}
	}})
	if err := called.Answer(caller.Offer()); err != nil {
		t.Fatal(err)
	}
	if err := caller.Answer(called.Offer()); err != nil {
		t.Fatal(err)
	}
	caller.Start()
	called.Start()
	pcm := make([]int16, 10*packetSamples)
	for i := range pcm {
		pcm[i] = 10000
	}
	<-caller.Play(pcm)
	called.Send("#")
	select {
	case key := <-caller.Keys():
		if key != (Key{Digit: '#', Source: SourceEvent}) {
			t.Errorf("got %+v", key)
		}
	case <-time.After(soon):
		t.Fatal("the key did not come")
	}
	// Nothing is lost on this machine unless it is very busy.
	if got := loud.Load(); got < 5*packetSamples || got > int64(len(pcm)) {
		t.Errorf("heard %d of %d samples", got, len(pcm))
	}
}

// A fault in what reads packets ends the hearing of one call, not the server.
func TestAFaultInHearingEndsOneCall(t *testing.T) {
	t.Parallel()
	caller := opened(t, Config{Local: netip.MustParseAddr("127.0.0.1")})
	broken := opened(t, Config{Local: netip.MustParseAddr("127.0.0.1"), Hear: func([]int16) { panic("what she said") }})
	if err := broken.Answer(caller.Offer()); err != nil {
		t.Fatal(err)
	}
	if err := caller.Answer(broken.Offer()); err != nil {
		t.Fatal(err)
	}
	caller.Start()
	broken.Start()
	<-caller.Play(make([]int16, 5*packetSamples))
	if err := broken.Close(); err != nil {
		t.Error(err)
	}
}
