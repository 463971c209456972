package e2e_test

import (
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/voice/prompts"
)

// A baresip telephone approves a login that radclient began, once the whole
// prompt was heard in the language of the site.
func TestATelephoneApproves(t *testing.T) {
	t.Parallel()
	if !peer.OwnNetwork(t) {
		return
	}
	set, err := prompts.Open(prompts.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	phone := peer.StartBaresip(t, peer.BaresipOptions{User: "+4790000042"})
	site, _ := callSite{
		exchanges: []string{phone.Addr}, client: `patience = "55s"`, local: peer.NetworkAddress, more: `languages = ["nb"]`,
	}.new(t)
	d := site.Start(t)
	radclient := d.Radclient()
	radclient.Timeout = 60 * time.Second
	login := func(station string) peer.RadclientReply {
		return radclient.Send(t, `User-Name = "alice"`, fmt.Sprintf("User-Password = %q", peer.UserPassword),
			fmt.Sprintf("Calling-Station-Id = %q", station), "NAS-Identifier = \"vpn\"", "Message-Authenticator = 0x00")
	}
	var wg sync.WaitGroup
	var reply, second, thief peer.RadclientReply
	wg.Go(func() { reply = login("198.51.100.7") })
	phone.Await(t, "CALL_ESTABLISHED")
	// The concentrator gives up and asks anew, and somebody else has her
	// password.
	wg.Go(func() { second = login("198.51.100.7") })
	thief = login("203.0.113.66")
	phone.AwaitSpeech(t, set.Approve("nb", prompts.Details{Service: "vpn"}).Audio)
	phone.Press(t, "#")
	wg.Wait()
	if reply.Code != "Access-Accept" || second.Code != "Access-Accept" {
		t.Errorf("got %q and %q\n%s", reply.Code, second.Code, reply.Output)
	}
	if thief.Code != "Access-Reject" {
		t.Errorf("somebody else got %q", thief.Code)
	}
	d.AwaitCount(t, 1, `"msg":"call"`)
	if n := d.Count(`"msg":"call"`); n != 1 {
		t.Errorf("%d calls for one sign-in", n)
	}
}
