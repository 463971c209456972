package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/breaker"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login/logintest"
)

// A script is a provider that answers by a function.
type script struct {
	name string
	mu   sync.Mutex
	sent int
	do   func(context.Context) error
}

func (s *script) Name() string { return s.name }

func (s *script) Send(ctx context.Context, _ phone.Number, _ string) (string, error) {
	s.mu.Lock()
	s.sent++
	s.mu.Unlock()
	return "", s.do(ctx)
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

func answers(name string, err error) *script {
	return &script{name: name, do: func(context.Context) error { return err }}
}

// hangs blocks until its time is up, and then does not know.
func hangs(name string) *script {
	return &script{name: name, do: func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("no reply in time")
	}}
}

func TestNextProviderOnlyWhenCertainlyNotSent(t *testing.T) {
	t.Parallel()
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused.Close()
	stop := make(chan struct{})
	hang := newSink(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(stop) })
	for _, row := range []struct {
		rule   string
		first  Config
		second int
		want   string
	}{
		{"nobody listens", toSink("first", "http://"+unused.Addr().String()), 1, "sent"},
		{"no such host", toSink("first", "https://gateway.invalid"), 1, "sent"},
		{"the gateway refuses", toSink("first", newSink(t, status(403, markReply)).URL), 1, "sent"},
		{"the gateway breaks", toSink("first", newSink(t, status(500, "")).URL), 1, "sent"},
		{"the gateway accepts", toSink("first", newSink(t, status(202, "")).URL), 0, "sent"},
		{"time-out after the request", toSink("first", hang.URL, func(c *Config) { c.Timeout = time.Second }), 0, "unknown"},
		{"a proxy lost the reply", toSink("first", newSink(t, status(504, "")).URL), 0, "unknown"},
		{"a program says no", Config{Name: "first", Kind: "command", Command: []string{"/bin/false", "{to}"}}, 1, "sent"},
		{"no such program", Config{Name: "first", Kind: "command", Command: []string{"/nonexistent", "{to}"}}, 1, "sent"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			second := newSink(t, status(200, ""))
			c, _ := chain(t, row.first, toSink("second", second.URL))
			err := c.Send(t.Context(), number(t), markText)
			if got := outcome(err); got != row.want {
				t.Errorf("%s (%v), want %s", got, err, row.want)
			}
			if err != nil {
				AssertLeaksNothing(t, err.Error())
			}
			if got := len(second.got()); got != row.second {
				t.Errorf("the second provider got %d, want %d", got, row.second)
			}
		})
	}
}

func TestDeadProviderIsPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := new(logintest.Log)
		dead := answers("dead", &NotSent{Reason: "no connection", Down: true})
		good := answers("good", nil)
		c := Chained(log.Logger(), dead, good)
		send := func(n int) {
			for range n {
				if err := c.Send(t.Context(), number(t), markText); err != nil {
					t.Fatal(err)
				}
			}
		}
		check := func(when string, want int) {
			t.Helper()
			if got := dead.count(); got != want {
				t.Errorf("%s: the dead one was tried %d times, want %d", when, got, want)
			}
		}
		send(10)
		check("ten messages", breaker.After)
		time.Sleep(breaker.For - time.Second)
		send(5)
		check("within the pause", breaker.After)
		time.Sleep(time.Second)
		send(5)
		check("after the pause", breaker.After+1)
		dead.do = func(context.Context) error { return nil }
		time.Sleep(breaker.For)
		send(5)
		check("once it works", breaker.After+1+5)
		for _, want := range []string{"provider paused after failures", "provider works again"} {
			if got := strings.Count(log.String(), want); got != 1 {
				t.Errorf("%q is logged %d times, want 1", want, got)
			}
		}
	})
}

func TestOneMessageTriesAPausedProviderAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := answers("p", &NotSent{Reason: "no connection", Down: true})
		c := Chained(new(logintest.Log).Logger(), p)
		for range breaker.After {
			_ = c.Send(t.Context(), number(t), markText)
		}
		if c.Ready(number(t)) == nil {
			t.Error("ready while every provider is paused")
		}
		if got := outcome(c.Send(t.Context(), number(t), markText)); got != "not sent" {
			t.Errorf("%s, want not sent", got)
		}
		time.Sleep(breaker.For)
		if err := c.Ready(number(t)); err != nil {
			t.Errorf("after the pause: %v", err)
		}
		p.do = func(context.Context) error { time.Sleep(time.Second); return nil }
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { _ = c.Send(t.Context(), number(t), markText) })
		}
		wg.Wait()
		if got := p.count(); got != breaker.After+1 {
			t.Errorf("tried %d times, want %d", got, breaker.After+1)
		}
	})
}

func TestRefusedMessagesDoNotPauseAProvider(t *testing.T) {
	t.Parallel()
	p := answers("p", &NotSent{Reason: "status 400"})
	c := Chained(new(logintest.Log).Logger(), p)
	for range 10 {
		_ = c.Send(t.Context(), number(t), markText)
	}
	if got := p.count(); got != 10 {
		t.Errorf("tried %d times, want 10: somebody's bad number must not stop the others", got)
	}
}

func TestTimeIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		slow := &script{name: "slow", do: func(ctx context.Context) error {
			<-ctx.Done()
			return &NotSent{Reason: "no connection in time", Down: true}
		}}
		third := answers("third", nil)
		c := Chained(new(logintest.Log).Logger(), slow, hangs("hangs"), third)
		start := time.Now()
		if got := outcome(c.Send(t.Context(), number(t), markText)); got != "unknown" {
			t.Errorf("%s, want unknown", got)
		}
		if took := time.Since(start); took != Overall {
			t.Errorf("took %v, want %v", took, Overall)
		}
		if third.count() != 0 {
			t.Error("a third provider was used after a time-out behind the request")
		}
	})
}

func TestCallerWhoLeavesDoesNotPauseAProvider(t *testing.T) {
	t.Parallel()
	p := hangs("p")
	c := Chained(new(logintest.Log).Logger(), p)
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = c.Send(ctx, number(t), markText)
	}
	if err := c.Ready(number(t)); err != nil {
		t.Error(err)
	}
}

func TestLogProviderWarnsAndMasks(t *testing.T) {
	t.Parallel()
	log, out := new(logintest.Log), new(logintest.Log)
	c, err := New([]Config{{Name: "demo", Kind: "log"}}, out, log.Logger())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "codes are written to the log") {
		t.Errorf("no warning at start: %s", log)
	}
	if err := c.Send(t.Context(), number(t), "123456 code"); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "SMS to +47••••••67: 123456 code\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	AssertLeaksNothing(t, fmt.Sprint(log))
}

// A fault in what reads a gateway's answer ends no server. Nobody knows whether
// the message was sent, so that it is not sent again.
func TestAFaultInAProviderEndsNoServer(t *testing.T) {
	t.Parallel()
	log := new(logintest.Log)
	broken := &script{name: "broken", do: func(context.Context) error { panic(markText) }}
	beside := answers("beside", nil)
	c := Chained(log.Logger(), broken, beside)
	if err := c.Send(t.Context(), number(t), markText); err == nil || Unsent(err) {
		t.Errorf("got %v", err)
	}
	if beside.count() != 0 || !strings.Contains(log.String(), "fault of the program") || strings.Contains(log.String(), markText) {
		t.Errorf("%d messages, logged %s", beside.count(), log)
	}
}
