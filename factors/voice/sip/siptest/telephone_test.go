package siptest_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/factors/voice/sip"
	"github.com/portvakt/portvakt/factors/voice/sip/siptest"
	"github.com/portvakt/portvakt/login"
)

// Nothing may be left of a telephone that is closed.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	for late := time.After(5 * time.Second); runtime.NumGoroutine() > before && code == 0; {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-late:
			stacks := make([]byte, 1<<20)
			fmt.Fprintf(os.Stderr, "goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
			code = 1
		}
	}
	os.Exit(code)
}

// A person does something when something happens to her telephone.
type person map[siptest.Kind]func(*siptest.Telephone)

func (p person) live(t *testing.T, phone *siptest.Telephone, told chan<- siptest.Event) {
	t.Helper()
	defer close(told)
	for e := range phone.Events() {
		told <- e
		if act := p[e.Kind]; act != nil {
			act(phone)
		}
	}
}

func picksUp(phone *siptest.Telephone) { _ = phone.Answer() }
func hangsUp(phone *siptest.Telephone) { _ = phone.HangUp() }

func presses(keys string) func(*siptest.Telephone) {
	return func(phone *siptest.Telephone) { _ = phone.Press(context.Background(), keys) }
}

// start makes a telephone and a provider for it; what happened is told when the
// test has closed both.
func start(t *testing.T, p person) (phone *siptest.Telephone, provider *sip.Provider, happened func() string) {
	t.Helper()
	phone, err := siptest.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan siptest.Event, 1000)
	go p.live(t, phone, told)
	provider, err = sip.New(sip.Config{Name: "exchange", Server: "sip:" + phone.Addr(), From: "22001122", Local: "127.0.0.1"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stop := func() {
		if err := errors.Join(provider.Close(), phone.Close()); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return phone, provider, func() string {
		stop()
		text := ""
		for e := range told {
			switch e.Kind {
			case siptest.Ringing:
				text += "ringing from " + e.Caller
			case siptest.Answered:
				text += ", answered"
			case siptest.Heard:
				if e.Level > siptest.Silence && text[len(text)-5:] != "heard" {
					text += ", heard"
				}
			case siptest.Over:
				text += map[bool]string{true: ", hung up", false: ", over"}[e.Ours] + "; "
			}
		}
		return text
	}
}

// call asks for # like the factor does, and says who pressed what.
func call(t *testing.T) *voice.Call {
	t.Helper()
	to, err := phone.Parse("+47 900 00 023", "")
	if err != nil {
		t.Fatal(err)
	}
	keyed := ""
	return &voice.Call{
		Reference: "ref-1", To: to, Language: "en", Prompt: prompts.Message{Audio: tone(2500 * time.Millisecond)},
		Keys: func(key byte) (bool, error) {
			switch keyed += string(key); keyed {
			case "#":
				return true, nil
			case "0#":
				return true, login.ErrFraud
			}
			return false, nil
		},
		OneKey: true, Ring: 5 * time.Second, Talk: 20 * time.Second,
	}
}

func tone(lasts time.Duration) []int16 {
	pcm := make([]int16, int(lasts.Seconds()*prompts.Rate))
	for i := range pcm {
		pcm[i] = int16(10000 * math.Sin(2*math.Pi*440*float64(i)/prompts.Rate))
	}
	return pcm
}

func TestWhatAPersonMayDo(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		does     string
		p        person
		ring     time.Duration
		want     string
		happened string
	}{
		{
			"listens and presses #",
			person{siptest.Ringing: picksUp, siptest.Heard: presses("#")},
			0,
			"approved", "ringing from 22001122, answered, heard, over; ",
		},
		{
			"presses 0#",
			person{siptest.Ringing: picksUp, siptest.Answered: presses("0#")},
			0,
			"fraud", "ringing from 22001122, answered, over; ",
		},
		{
			"listens and hangs up",
			person{siptest.Ringing: picksUp, siptest.Heard: hangsUp},
			0,
			"denied", "ringing from 22001122, answered, heard, hung up; ",
		},
		{"refuses the call", person{siptest.Ringing: hangsUp}, 0, "busy", "ringing from 22001122, hung up; "},
		{"is not there", person{}, 300 * time.Millisecond, "no_answer", "ringing from 22001122, over; "},
		{"presses before she answers", person{siptest.Ringing: presses("#")}, 300 * time.Millisecond, "no_answer", "ringing from 22001122, over; "},
	} {
		t.Run(row.does, func(t *testing.T) {
			t.Parallel()
			_, provider, happened := start(t, row.p)
			c := call(t)
			if row.ring > 0 {
				c.Ring = row.ring
			}
			if got := voice.Outcome(provider.Call(t.Context(), c)); got != row.want {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if got := happened(); got != row.happened {
				t.Errorf("got %q\nwant %q", got, row.happened)
			}
		})
	}
}

// What is heard is what was said, so that a recording of it is worth something.
func TestWhatIsHeardIsWhatWasSaid(t *testing.T) {
	t.Parallel()
	phone, provider, _ := start(t, person{siptest.Ringing: picksUp, siptest.Heard: presses("#")})
	if got := voice.Outcome(provider.Call(t.Context(), call(t))); got != "approved" {
		t.Fatal(got)
	}
	heard := phone.Sound()
	loud, crossings := 0, 0
	for i := 1; i < len(heard); i++ {
		if heard[i] > 9000 {
			loud++
		}
		if heard[i-1] < 0 && heard[i] > 0 {
			crossings++
		}
	}
	seconds := float64(len(heard)) / prompts.Rate
	// A sine is above nine tenths of its amplitude for a seventh of the time.
	if seconds < 0.9 || float64(loud)/float64(len(heard)) < 0.09 || math.Abs(float64(crossings)/seconds-440) > 80 {
		t.Errorf("heard %.1f s, %d samples of it loud, %.0f Hz", seconds, loud, float64(crossings)/seconds)
	}
}

// Who keys the wrong digits hears that they were wrong, and may try again.
func TestWrongDigitsAreTold(t *testing.T) {
	t.Parallel()
	var tries atomic.Int32
	phone, provider, _ := start(t, person{siptest.Ringing: picksUp, siptest.Heard: func(phone *siptest.Telephone) {
		switch tries.Add(1) {
		case 1:
			presses("24#")(phone)
		case 2:
			presses("42#")(phone)
		}
	}})
	c := call(t)
	c.Prompt.Audio = make([]int16, 20*prompts.Rate) // nothing else is heard
	c.Again.Audio = tone(500 * time.Millisecond)
	keyed := ""
	c.Keys = func(key byte) (bool, error) {
		keyed += string(key)
		return strings.HasSuffix(keyed, "42#"), nil
	}
	if got := voice.Outcome(provider.Call(t.Context(), c)); got != "approved" {
		t.Errorf("got %s after %q", got, keyed)
	}
	loud := 0
	for _, x := range phone.Sound() {
		if x > 5000 {
			loud++
		}
	}
	if loud < prompts.Rate/20 {
		t.Errorf("nothing was heard after the wrong digits: %d loud samples", loud)
	}
}

func TestOneCallAtATime(t *testing.T) {
	t.Parallel()
	ringing := make(chan struct{})
	phone, provider, happened := start(t, person{siptest.Ringing: func(*siptest.Telephone) { close(ringing) }, siptest.Heard: presses("#")})
	first := make(chan error, 1)
	go func() { first <- provider.Call(t.Context(), call(t)) }()
	<-ringing
	if got := voice.Outcome(provider.Call(t.Context(), call(t))); got != "busy" {
		t.Errorf("the second: got %s, want busy", got)
	}
	if err := phone.Answer(); err != nil {
		t.Error(err)
	}
	if got := voice.Outcome(<-first); got != "approved" {
		t.Errorf("the first: got %s, want approved", got)
	}
	for what, err := range map[string]error{"Answer": phone.Answer(), "HangUp": phone.HangUp(), "Press": phone.Press(t.Context(), "#")} {
		if !errors.Is(err, siptest.ErrNoCall) {
			t.Errorf("%s without a call: got %v", what, err)
		}
	}
	if got := happened(); got != "ringing from 22001122, answered, heard, over; " {
		t.Errorf("got %q", got)
	}
	if err := phone.Answer(); !errors.Is(err, siptest.ErrClosed) {
		t.Errorf("Answer of a closed one: got %v", err)
	}
}

func TestATelephoneThatIsClosedInACallHangsUp(t *testing.T) {
	t.Parallel()
	heard := make(chan struct{})
	var once sync.Once // before it is asked anything, hanging up would be no answer
	phone, provider, _ := start(t, person{siptest.Ringing: picksUp, siptest.Heard: func(*siptest.Telephone) { once.Do(func() { close(heard) }) }})
	ended := make(chan error, 1)
	go func() { ended <- provider.Call(t.Context(), call(t)) }()
	<-heard
	if err := phone.Close(); err != nil {
		t.Error(err)
	}
	if got := voice.Outcome(<-ended); got != "denied" {
		t.Errorf("got %s, want denied", got)
	}
}

func TestAnExchangeThatAsksWhetherItIsThere(t *testing.T) {
	t.Parallel()
	_, provider, _ := start(t, nil)
	if err := provider.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
