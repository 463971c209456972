package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login/logintest"
)

// A teller is a provider that tells what becomes of its messages: id 1, 2, 3.
type teller struct {
	name string
	err  error         // of Send
	then State         // told of each message
	when time.Duration // after Send; before it has returned when negative

	mu   sync.Mutex
	sent []string
	tell func(Receipt)
}

func (p *teller) Name() string { return p.name }

func (p *teller) Report(fn func(Receipt)) { p.tell = fn }

func (p *teller) Send(_ context.Context, _ phone.Number, text string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = append(p.sent, text)
	if p.err != nil {
		return "", p.err
	}
	id := fmt.Sprint(len(p.sent))
	r := Receipt{Provider: p.name, ID: id, State: p.then, Detail: "word"}
	switch {
	case p.then == "":
	case p.when < 0:
		p.tell(r)
	default:
		time.AfterFunc(p.when, func() { p.tell(r) })
	}
	return id, nil
}

func (p *teller) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.sent)
}

// fates are what the sender of a message is told.
type fates struct {
	mu    sync.Mutex
	asked int
	told  []State
}

func (f *fates) message(t testing.TB, within time.Duration, again error) Message {
	return Message{
		To: number(t), Text: markText, Until: time.Now().Add(5 * time.Minute), Within: within,
		Again: func(context.Context) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.asked++
			return again
		},
		Fate: func(s State) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.told = append(f.told, s)
		},
	}
}

func (f *fates) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fmt.Sprint(f.told)
}

func TestAMessageThatFailedGoesThroughTheNextProvider(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule          string
		first, second *teller
		within        time.Duration
		again         error
		sent          [2]int
		fates         string
		asked         int
	}{
		{"the first delivers", &teller{then: Delivered, when: time.Second}, &teller{}, 20 * time.Second, nil, [2]int{1, 0}, "[delivered]", 0},
		{"the first fails", &teller{then: Failed, when: time.Second}, &teller{then: Delivered}, 0, nil, [2]int{1, 1}, "[delivered]", 1},
		{"the first fails before its id is known", &teller{then: Failed, when: -1}, &teller{then: Delivered}, 0, nil, [2]int{1, 1}, "[delivered]", 1},
		{"both fail", &teller{then: Failed, when: time.Second}, &teller{then: Failed, when: time.Second}, 0, nil, [2]int{1, 1}, "[failed]", 1},
		{"the first is silent, with a limit", &teller{}, &teller{then: Delivered}, 20 * time.Second, nil, [2]int{1, 1}, "[delivered]", 1},
		{"the first is silent, without one", &teller{}, &teller{}, 0, nil, [2]int{1, 0}, "[]", 0},
		{"both are silent", &teller{}, &teller{}, 20 * time.Second, nil, [2]int{1, 1}, "[failed]", 1},
		{"the first delivers too late", &teller{then: Delivered, when: 30 * time.Second}, &teller{}, 20 * time.Second, nil, [2]int{1, 1}, "[delivered]", 1},
		{"the first delivers much too late", &teller{then: Delivered, when: time.Minute}, &teller{}, 20 * time.Second, nil, [2]int{1, 1}, "[failed delivered]", 1},
		{"the first fails after the second has it", &teller{then: Failed, when: 30 * time.Second}, &teller{}, 20 * time.Second, nil, [2]int{1, 1}, "[failed]", 1},
		{"it may not be sent again", &teller{then: Failed, when: time.Second}, &teller{}, 0, errors.New("over a cap"), [2]int{1, 0}, "[failed]", 1},
		{"the second refuses", &teller{then: Failed, when: time.Second}, &teller{err: &NotSent{Reason: "status 400"}}, 0, nil, [2]int{1, 1}, "[failed]", 1},
		{"nobody knows of the second", &teller{then: Failed, when: time.Second}, &teller{err: errors.New("no reply in time")}, 0, nil, [2]int{1, 1}, "[]", 1},
		{"the second had refused it", &teller{err: &NotSent{Reason: "status 400"}}, &teller{then: Failed, when: time.Second}, 0, nil, [2]int{1, 1}, "[failed]", 0},
		{"nobody knows of the first, with a limit", &teller{err: errors.New("no reply in time")}, &teller{then: Delivered}, 20 * time.Second, nil, [2]int{1, 1}, "[delivered]", 1},
		{"nobody knows of the first, without one", &teller{err: errors.New("no reply in time")}, &teller{}, 0, nil, [2]int{1, 0}, "[]", 0},
		{"after the code's life", &teller{then: Failed, when: 6 * time.Minute}, &teller{}, 0, nil, [2]int{1, 0}, "[]", 0},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				row.first.name, row.second.name = "first", "second"
				log, f := new(logintest.Log), new(fates)
				c := Chained(log.Logger(), row.first, row.second)
				if err := c.Deliver(t.Context(), f.message(t, row.within, row.again)); Unsent(err) {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				if got := [2]int{row.first.count(), row.second.count()}; got != row.sent {
					t.Errorf("sent %v, want %v", got, row.sent)
				}
				for _, p := range []*teller{row.first, row.second} {
					for _, text := range p.sent {
						if text != markText {
							t.Errorf("another text was sent: %q", text)
						}
					}
				}
				if f.String() != row.fates || f.asked != row.asked {
					t.Errorf("told %s, asked %d times, want %s, %d", f, f.asked, row.fates, row.asked)
				}
				if n := c.pending.len(); n != 0 {
					t.Errorf("%d messages are kept when their codes are old", n)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				AssertLeaksNothing(t, log.String())
			})
		})
	}
}

// TestALateFailureIsNotTheNextOnes: what the first provider tells when the second
// has the message does not send it through a third.
func TestALateFailureIsNotTheNextOnes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := &teller{name: "first", then: Failed, when: 25 * time.Second}
		second := &teller{name: "second", then: Delivered, when: 15 * time.Second}
		third := &teller{name: "third"}
		c, f := Chained(new(logintest.Log).Logger(), first, second, third), new(fates)
		if err := c.Deliver(t.Context(), f.message(t, 20*time.Second, nil)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if second.count() != 1 || third.count() != 0 || f.String() != "[delivered]" {
			t.Errorf("sent %d and %d times more, told %s, want 1, 0, [delivered]", second.count(), third.count(), f)
		}
		_ = c.Close()
	})
}

// sameID is a gateway that calls all messages by one name.
type sameID struct{ *teller }

func (p sameID) Send(ctx context.Context, n phone.Number, text string) (string, error) {
	_, err := p.teller.Send(ctx, n, text)
	return "1", err
}

func TestAnIDGivenTwiceIsTheFirstMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		only := sameID{&teller{name: "only"}}
		c := Chained(new(logintest.Log).Logger(), only)
		one, other := new(fates), new(fates)
		for _, f := range []*fates{one, other} {
			if err := c.Deliver(t.Context(), f.message(t, 0, nil)); err != nil {
				t.Fatal(err)
			}
		}
		only.tell(Receipt{Provider: "only", ID: "1", State: Delivered})
		if one.String() != "[delivered]" || other.String() != "[]" {
			t.Errorf("told %s and %s, want [delivered] and []", one, other)
		}
		_ = c.Close()
	})
}

func TestReceiptsThatNobodyWaitsForChangeNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := &teller{name: "first"}, &teller{name: "second"}
		c, f := Chained(new(logintest.Log).Logger(), first, second), new(fates)
		if err := c.Deliver(t.Context(), f.message(t, 0, nil)); err != nil {
			t.Fatal(err)
		}
		for _, r := range []Receipt{
			{Provider: "second", ID: "1", State: Failed}, // another provider's
			{Provider: "first", ID: "2", State: Failed},  // of nobody
			{Provider: "first", ID: "", State: Failed},
			{Provider: "first", ID: "1", State: Pending},
			{Provider: "first", ID: "1", State: "other"},
		} {
			first.tell(r)
		}
		for i := range 3 * maxEarly {
			first.tell(Receipt{Provider: "first", ID: fmt.Sprint("flood ", i), State: Failed})
		}
		if got := len(c.pending.early); got > maxEarly {
			t.Errorf("%d receipts of nobody are kept, want %d at most", got, maxEarly)
		}
		for range 3 { // twice told is once done
			first.tell(Receipt{Provider: "first", ID: "1", State: Failed})
		}
		synctest.Wait()
		// It ends once, by what the second has told before it had the message.
		if second.count() != 1 || f.asked != 1 || f.String() != "[failed]" {
			t.Errorf("sent again %d times, asked %d times, told %s; want each once", second.count(), f.asked, f)
		}
		_ = c.Close()
		first.tell(Receipt{Provider: "first", ID: "1", State: Failed})
	})
}

func TestMessagesThatAreKeptAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := &teller{name: "first"}, &teller{name: "second"}
		c, f := Chained(new(logintest.Log).Logger(), first, second), new(fates)
		c.pending.most = 50
		for range 60 {
			if err := c.Deliver(t.Context(), f.message(t, 0, nil)); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.pending.len(); got != 50 {
			t.Errorf("%d messages are kept, want 50", got)
		}
		time.Sleep(5*time.Minute + time.Second)
		if got := c.pending.len(); got != 0 {
			t.Errorf("%d messages are kept when their codes are old", got)
		}
		_ = c.Close()
	})
}

// A polled is a provider that has to be asked.
type polled struct {
	teller
	states []State // one for each question; the last one stays
	asked  int
}

func (p *polled) Status(context.Context, string) (Receipt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.states[min(p.asked, len(p.states)-1)]
	p.asked++
	if s == "" {
		return Receipt{}, errors.New("status 500")
	}
	return Receipt{State: s}, nil
}

// pollOnly hides that a teller tells.
type pollOnly struct{ p *polled }

func (o pollOnly) Name() string { return o.p.name }
func (o pollOnly) Send(ctx context.Context, n phone.Number, text string) (string, error) {
	return o.p.Send(ctx, n, text)
}

func (o pollOnly) Status(ctx context.Context, id string) (Receipt, error) { return o.p.Status(ctx, id) }

func TestAGatewayThatHasToBeAskedIsAskedUntilItKnows(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule   string
		states []State
		asked  int
		sent   int
		fates  string
	}{
		{"delivered in the end", []State{Pending, "", Delivered}, 3, 0, "[delivered]"},
		{"failed in the end", []State{Pending, Failed}, 2, 1, "[failed]"},
		{"never known", []State{Pending}, 14, 0, "[]"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &polled{teller: teller{name: "asked"}, states: row.states}
				second := &teller{name: "second", then: Failed, when: time.Second}
				c, f := Chained(new(logintest.Log).Logger(), pollOnly{p}, second), new(fates)
				if err := c.Deliver(t.Context(), f.message(t, 0, nil)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				_ = c.Close()
				if p.asked != row.asked || second.count() != row.sent || f.String() != row.fates {
					t.Errorf("asked %d times, sent again %d times, %s, want %d, %d, %s", p.asked, second.count(), f, row.asked, row.sent, row.fates)
				}
			})
		})
	}
}

func TestDetailsOfReceiptsTellNoNumber(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"undelivered":            "undelivered",
		"error 30003":            "error 30003",
		"+4741234567 is absent":  "",
		"code 123456":            "",
		"\x1b[31mred\nline":      "[31mredline",
		strings.Repeat("x", 100): strings.Repeat("x", maxDetail),
		"blå":                    "bl",
	} {
		if got := Detail(word); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
}
