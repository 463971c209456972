package radiusd

import (
	"context"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
)

// TestHeldUnderLoad is a server for a load generator, with nothing behind it:
// people named hold… are asked elsewhere for as long as RADIUSD_HOLD says,
// others are asked for a code and let in.
//
//	RADIUSD_HOLD=30s go test -run HeldUnderLoad -timeout 0 -v ./radiusd
//
// It serves 127.0.0.1:1822 with the secret "testing123" until the variable's
// time has passed eight times.
func TestHeldUnderLoad(t *testing.T) {
	hold, err := time.ParseDuration(os.Getenv("RADIUSD_HOLD"))
	if err != nil {
		t.Skip("a server for a load generator: set RADIUSD_HOLD to how long it holds")
	}
	debug.SetGCPercent(400) // as the daemon
	const many = 60000
	cfg := testConfig()
	cfg.Listen = []string{"127.0.0.1:1822"}
	cfg.MaxHeld, cfg.Clients[0].MaxHeld = many, many
	cfg.Clients[0].Patience = maxPatience
	cfg.Clients[0].Secret = secret.New("testing123")
	in := letIn(t)
	s, err := New(cfg, flowFunc(func(_ context.Context, a login.Attempt, k login.Ticket) (login.Step, error) {
		switch {
		case strings.HasPrefix(a.User, "hold"):
			w, answered := login.NewWait(nil)
			time.AfterFunc(hold, func() { answered(in, nil) })
			return w, nil
		case k == nil:
			return login.Ask{Text: "Code:", Ticket: make(login.Ticket, 90)}, nil
		}
		return in, nil
	}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*hold)
	defer cancel()
	if err := s.Serve(ctx); err != nil {
		t.Error(err)
	}
	st := s.Stats()
	t.Logf("sent %v, dropped %v, clock %+v", st.Sent, st.Dropped, st.Clients["nas"].Clock)
}
