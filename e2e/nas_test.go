package e2e_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
	"github.com/portvakt/portvakt/login/text"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/radiusd/client"
)

// second is a second of the products below: their minutes would be the test's.
const second = 50 * time.Millisecond

// A stage is what a concentrator does with one server: it sends a request, and
// copies of it, and gives up.
type stage struct {
	node   int
	resend time.Duration
	tries  int
	want   client.Code // 0: nothing came in time
}

// TestConcentratorsRingOnce has products sign somebody in, each in its own way,
// through two servers that share one store. Each sign-in is one call, whatever
// is sent again, and all get the same answer. The numbers are those of
// docs/nas; the second server gets the request with a new identifier from a new
// port.
func TestConcentratorsRingOnce(t *testing.T) {
	t.Parallel()
	const nothing = client.Code(0)
	for _, c := range []struct {
		name     string
		approves time.Duration
		patience time.Duration
		stages   []stage
	}{
		{"FortiGate, approved while the first server is asked", 40 * second, 5 * time.Minute, []stage{{0, 5 * second, 12, client.AccessAccept}}},
		{"FortiGate, approved while the second one is", 75 * second, 5 * time.Minute, []stage{{0, 5 * second, 12, nothing}, {1, 5 * second, 12, client.AccessAccept}}},
		{"AnyConnect, which ends after 12 seconds and is started again", 25 * second, 5 * time.Minute, []stage{{0, 12 * second, 1, nothing}, {0, 30 * second, 1, client.AccessAccept}}},
		{"OPNsense, three tries and then the next server", 25 * second, 5 * time.Minute, []stage{{0, 5 * second, 3, nothing}, {1, 5 * second, 3, client.AccessAccept}}},
		{"hostapd, four copies and then the next server", 60 * second, 5 * time.Minute, []stage{{0, 11 * second, 4, nothing}, {1, 11 * second, 4, client.AccessAccept}}},
		{"approved when nobody asked any more", 30 * second, 20 * second, []stage{{0, 25 * second, 1, client.AccessReject}, {1, 0, 0, nothing}, {1, 5 * second, 3, client.AccessAccept}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			nodes, calls := twoNodes(t, c.approves, c.patience)
			for i, s := range c.stages {
				if s.tries == 0 { // the person tries again by herself
					<-time.After(15 * second)
					continue
				}
				nas := &client.Client{Server: nodes[s.node], Secret: secret.New(server.Secret), Timeout: s.resend, Tries: s.tries, Station: "198.51.100.7"}
				reply, err := nas.Do(t.Context(), client.Request{User: "alice", Password: "secret"})
				if err == nil != (s.want != nothing) || err == nil && reply.Code != s.want {
					t.Errorf("stage %d: got %v, %v, want %v", i+1, reply.Code, err, s.want)
				}
			}
			if n := len(calls.Rung()); n != 1 {
				t.Errorf("rang %d times", n)
			}
		})
	}
}

// twoNodes are two servers on one store, and the telephone of everybody.
func twoNodes(t *testing.T, approves, patience time.Duration) (addresses [2]string, calls *logintest.Approver) {
	t.Helper()
	calls = &logintest.Approver{FactorName: "call", Hints: []string{"••42"}, NoAnswer: time.Minute, Answers: []logintest.Answer{{After: approves}}}
	people := &logintest.Directory{}
	people.Add(login.Account{ID: "id-alice", Name: "alice"}, "secret")
	policy, err := login.NewPolicy(nil)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := text.New(text.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	records := &logintest.Records{}
	for i := range addresses {
		flow := login.NewFlow(login.Config{
			Directory: people, Policy: policy, Factors: []login.Factor{calls}, Enrollments: &logintest.Enrollments{},
			Records: records, Tickets: logintest.NewSealer("shared"), Texts: texts, AccountAge: time.Minute,
		})
		cfg := radiusd.DefaultConfig()
		nas := radiusd.DefaultClientConfig()
		nas.Name, nas.Networks, nas.Secret = "vpn", []string{"127.0.0.0/8"}, secret.New(server.Secret)
		nas.Challenge, nas.Patience = false, patience
		cfg.Listen, cfg.RejectDelay, cfg.Drain, cfg.Clients = []string{"127.0.0.1:0"}, 0, time.Second, []radiusd.ClientConfig{nas}
		s, err := radiusd.New(cfg, flow, radiusd.Options{Log: slog.New(slog.DiscardHandler), Records: records})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Listen(t.Context()); err != nil {
			t.Fatal(err)
		}
		addresses[i] = s.Addrs()[0].String()
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		var wg sync.WaitGroup
		wg.Go(func() { _ = s.Serve(ctx) })
		t.Cleanup(func() {
			stop()
			wg.Wait()
			if err := flow.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return addresses, calls
}
