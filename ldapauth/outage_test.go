package ldapauth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// Requirement S-23: the answer to a bind that was given up is never taken for
// the answer to another.
func TestS23LateAnswerIsNotAnotherOnes(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	f := startFake(t, func(op byte, id int32, body reader) []byte {
		if op == opBindRequest && !isService(op, body) {
			if _, password := bindOf(body); password == "secret" {
				<-release
			}
		}
		return sane(op, id, body)
	})
	c := fakeConfig(f)
	c.Timeout, c.BindConnections = time.Second, 1
	d := open(t, c)
	if got := outcome(d.Verify(t.Context(), fakeAccount, login.Cleartext("secret"))); got != "undecided" {
		t.Fatalf("the first: got %s, want undecided", got)
	}
	close(release) // its "yes" comes now
	for range 3 {
		if got := outcome(d.Verify(t.Context(), fakeAccount, login.Cleartext("wrong"))); got != "bad_password" {
			t.Errorf("a wrong password behind it: got %s", got)
		}
	}
	if n := f.conns.Load(); n != 2 {
		t.Errorf("%d connections, want 2: the one given up is not used again", n)
	}
}

// What came behind an answer is not kept for the next question, whose number it
// may have.
func TestS23AnswerSentAheadIsNotTheNextOnes(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(op byte, id int32, body reader) []byte {
		answer := sane(op, id, body)
		if op == opBindRequest && !isService(op, body) {
			answer = append(answer, reply(id+1, opBindResponse, 0, "")...)
		}
		return answer
	})
	c := fakeConfig(f)
	c.BindConnections = 1
	d := open(t, c)
	for range 3 {
		if got := outcome(d.Verify(t.Context(), fakeAccount, login.Cleartext("wrong"))); got != "bad_password" {
			t.Errorf("a wrong password: got %s", got)
		}
	}
}

func TestCancelledLoginEndsAtOnceAndItsConnectionWithIt(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	var first sync.Once
	f := startFake(t, func(byte, int32, reader) []byte {
		first.Do(func() { close(asked) })
		return nil // and never says anything
	})
	c := fakeConfig(f)
	c.Timeout = time.Minute
	d := open(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	began := time.Now()
	err := d.Verify(ctx, fakeAccount, login.Cleartext("x"))
	if !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %v", err, time.Since(began))
	}
	if s := d.servers[0]; len(s.binds.free) != 0 || s.failures != 0 {
		t.Errorf("kept %d connections, counted %d failures, want none", len(s.binds.free), s.failures)
	}
}

// Requirement R-1: a directory that accepts connections and says nothing costs
// the budget three times, then nothing.
func TestSilentDirectory(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(context.Context, *Directory) error{
		"Lookup": func(ctx context.Context, d *Directory) error { return ignore(d.Lookup(ctx, "alice", 0)) },
		"Verify": func(ctx context.Context, d *Directory) error {
			return d.Verify(ctx, fakeAccount, login.Cleartext("secret"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, silent)
			c := fakeConfig(f)
			c.Timeout = 200 * time.Millisecond
			d := open(t, c)
			for i := range failuresToOpen + 1 {
				began := time.Now()
				err := ask(t.Context(), d)
				took := time.Since(began)
				if outcome(err) != "undecided" || took > c.Timeout+time.Second {
					t.Errorf("try %d: got %v after %v", i, err, took)
				}
				if opened := i == failuresToOpen; errors.Is(err, errDown) != opened {
					t.Errorf("try %d: got %v, breaker open: %v", i, err, opened)
				}
			}
		})
	}
}

// Requirement R-3: slow and overloaded, a directory keeps a bounded
// number of logins waiting and the others know at once.
func TestSlowDirectoryKeepsABoundedNumberWaiting(t *testing.T) {
	t.Parallel()
	f := startFake(t, silent)
	c := fakeConfig(f)
	c.Timeout, c.BindConnections = 2*time.Second, 1
	d := open(t, c)
	const logins = 4 * waitersPerConn
	var shed, late int
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for range logins {
		wg.Go(func() {
			err := d.Verify(t.Context(), fakeAccount, login.Cleartext("x"))
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, errBusy) && time.Since(began) < time.Second {
				shed++
			} else if outcome(err) == "undecided" {
				late++
			}
		})
	}
	wg.Wait()
	if shed != logins-waitersPerConn-1 || late != waitersPerConn+1 {
		t.Errorf("%d told at once and %d waited, want %d and %d", shed, late, logins-waitersPerConn-1, waitersPerConn+1)
	}
	if n := f.conns.Load(); n > failuresToOpen+1 {
		t.Errorf("%d connections, want one at a time until the breaker opens", n)
	}
}

// Requirement R-2: a directory that comes back is used within 5 s, with the
// service account bound anew.
func TestDirectoryComesBack(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	d := open(t, slapdConfig(s))
	alice := lookup(t, d, "alice")
	right := login.Cleartext(peer.UserPassword)
	if got := outcome(d.Verify(t.Context(), alice, right)); got != "yes" {
		t.Fatal(got)
	}
	s.Stop()
	for range failuresToOpen {
		if got := outcome(d.Verify(t.Context(), alice, right)); got != "undecided" {
			t.Errorf("while it is down: got %s", got)
		}
	}
	if d.servers[0].up() {
		t.Error("the breaker is closed after three failures")
	}
	if a, err := d.Lookup(t.Context(), "alice", time.Hour); err != nil || a.ID != alice.ID {
		t.Errorf("what is known is served while it is down: got %v", err)
	}
	s.Start(t)
	eventually(t, 5*time.Second, "a login works again", func() bool { return d.Verify(t.Context(), alice, right) == nil })
	lookup(t, d, "alice")
}

// At night nobody signs in, and whoever asks how the directory is wants to know.
func TestAnOutageIsNoticedWithoutASignIn(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	d := open(t, slapdConfig(s))
	lookup(t, d, "alice")
	s.Stop()
	b := &d.servers[0].breaker
	b.mu.Lock()
	b.answered = time.Now().Add(-probeIdle)
	b.mu.Unlock()
	eventually(t, 30*time.Second, "it is known to be down", func() bool { return !d.Up() })
	s.Start(t)
	eventually(t, 30*time.Second, "it is known to be back", d.Up)
}

func TestWhenAServerIsProbed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &newServer(fakeConfig(&fake{URL: "ldap://127.0.0.1:9"}), endpoint{}, nil, nil).breaker
		want := func(when string, due bool) {
			t.Helper()
			if got := b.due(time.Now()); got != due {
				t.Errorf("%s: due %v, want %v", when, got, due)
			}
		}
		want("at the start", false)
		time.Sleep(probeIdle)
		want("when nobody has asked for long", true)
		b.succeed()
		b.fail(errDown, probeEvery)
		want("right after a failure", false)
		time.Sleep(probeEvery)
		want("a moment after one failure", true)
		b.fail(errDown, probeRefused)
		time.Sleep(probeEvery)
		want("when it has refused the service account", false)
		time.Sleep(probeRefused)
		want("long after that", true)
		if !b.up() {
			t.Error("two failures have opened it")
		}
	})
}

func TestFailover(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	first := peer.StartSlapd(t, peer.SlapdOptions{CA: ca})
	second := peer.StartSlapd(t, peer.SlapdOptions{CA: ca, Of: first})
	c := slapdConfig(first)
	c.Servers = []string{first.LDAPSURL, second.LDAPSURL}
	c.Timeout = 4 * time.Second
	d := open(t, c)
	right := login.Cleartext(peer.UserPassword)
	alice := lookup(t, d, "alice")
	if strings.Contains(second.Log(), "SRCH") {
		t.Error("the second was asked though the first answers")
	}
	first.Pause() // connections stay, nothing is answered
	if got := outcome(d.Verify(t.Context(), alice, right)); got != "yes" {
		t.Errorf("with the first paused: got %s", got)
	}
	first.Continue()
	if got := outcome(d.Verify(t.Context(), alice, right)); got != "yes" {
		t.Errorf("with the first back: got %s", got)
	}
	first.Stop()
	for range 2 * failuresToOpen {
		if got := outcome(d.Verify(t.Context(), alice, right)); got != "yes" {
			t.Errorf("with the first down: got %s", got)
		}
	}
	if got := lookup(t, d, "alice").DN; got != alice.DN {
		t.Errorf("got %s", got)
	}
}

// A wrong password of the service account must not be tried so often that the
// directory locks the account.
func TestRefusedServiceAccountIsNotTriedEachSecond(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(_ byte, id int32, _ reader) []byte { return reply(id, opBindResponse, 49, "") })
	d := open(t, fakeConfig(f))
	for range 2 * failuresToOpen {
		if got := outcome(ignore(d.Lookup(t.Context(), "alice", 0))); got != "undecided" {
			t.Errorf("got %s, want undecided", got)
		}
	}
	if n := len(f.took()); n != failuresToOpen {
		t.Errorf("%d binds, want %d", n, failuresToOpen)
	}
	if s := d.servers[0]; s.due(time.Now().Add(probeRefused - time.Second)) {
		t.Error("the next probe is due too early")
	}
}

// One person whose entry is broken must not take the directory from all others.
func TestOddEntryDoesNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(op byte, id int32, body reader) []byte {
		if op == opSearchRequest && contains(body, "odd") {
			return append(entryOf(id, "uid=odd"), reply(id, opSearchDone, 0, "")...)
		}
		return sane(op, id, body)
	})
	d := open(t, fakeConfig(f))
	for range 2 * failuresToOpen {
		if got := outcome(ignore(d.Lookup(t.Context(), "odd", 0))); got != "undecided" {
			t.Errorf("odd: got %s, want undecided", got)
		}
	}
	lookup(t, d, "alice")
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	f := startFake(t, sane)
	d := open(t, fakeConfig(f))
	lookup(t, d, "alice")
	d.Close()
	if err := ignore(d.Lookup(t.Context(), "alice", 0)); !errors.Is(err, errClosed) {
		t.Errorf("got %v, want %v", err, errClosed)
	}
}
