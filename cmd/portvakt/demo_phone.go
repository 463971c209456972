package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"github.com/portvakt/portvakt/factors/voice/prompts"
	"github.com/portvakt/portvakt/factors/voice/sip/siptest"
)

const (
	ringsFor = time.Second      // before it is answered
	listens  = 2 * time.Second  // of sound, before # is pressed where nobody can
	thinks   = 15 * time.Second // before # is pressed for whoever does not press it
)

// A demoPhone is Dagny's telephone, and who answers it: whoever sits at the
// terminal, or nobody.
type demoPhone struct {
	*siptest.Telephone
	out   io.Writer
	dir   string // where what was heard is kept
	typed <-chan string
	said  string // the text of what is said in a call
	life  sync.WaitGroup

	after  atomic.Int64 // how long until # is pressed by itself; 0 for never
	calls  int
	loud   time.Duration // how long was spoken in this call
	alone  bool          // whether # was pressed by itself
	timers struct{ answer, press *time.Timer }

	mu   sync.Mutex
	busy chan struct{} // closed at the end of the call; nil without one
}

// typedKeys are the lines of a terminal; nil when in is none. A read from a
// terminal cannot be interrupted: what reads it ends with the program.
func typedKeys(in io.Reader) <-chan string {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	typed := make(chan string)
	go func() {
		for lines := bufio.NewScanner(f); lines.Scan(); {
			typed <- strings.TrimSpace(lines.Text())
		}
	}()
	return typed
}

func startDemoPhone(ctx context.Context, out io.Writer, dir string, typed <-chan string) (*demoPhone, error) {
	phone, err := siptest.Start(ctx)
	if err != nil {
		return nil, err
	}
	p := &demoPhone{Telephone: phone, out: out, dir: dir, typed: typed}
	p.pressAfter(p.later())
	p.timers.answer, p.timers.press = time.NewTimer(time.Hour), time.NewTimer(time.Hour)
	p.rest()
	return p, nil
}

// attend has the telephone answered. What is said in its calls comes from cfg.
func (p *demoPhone) attend(ctx context.Context, cfg prompts.Config, lang string) error {
	speech, err := prompts.Open(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	p.said = speech.Approve(lang, prompts.Details{Service: demoClient}).Text
	p.life.Go(func() { p.live(context.WithoutCancel(ctx)) }) // until stop
	return nil
}

func (p *demoPhone) say(format string, args ...any) { say(p.out, format, args...) }

func (p *demoPhone) stop() error {
	err := p.Close()
	p.life.Wait()
	return err
}

// patience is how long # is waited for in the sign-in that is played, and later
// in those that are tried by hand: there somebody is at the telephone.
func (p *demoPhone) patience() time.Duration {
	if p.typed == nil {
		return listens
	}
	return thinks
}

func (p *demoPhone) later() time.Duration {
	if p.typed == nil {
		return listens
	}
	return 0
}

func (p *demoPhone) pressAfter(d time.Duration) { p.after.Store(int64(d)) }

// explain is what is said of calls that are tried by hand.
func (p *demoPhone) explain() string {
	if p.typed == nil {
		return "# is pressed by itself"
	}
	return "type # and Enter to approve"
}

// live does what is to be done until the telephone is closed.
func (p *demoPhone) live(ctx context.Context) {
	defer p.rest()
	for {
		select {
		case e, ok := <-p.Events():
			if !ok {
				return
			}
			p.happened(ctx, e)
		case keys := <-p.typed:
			p.keyed(ctx, keys)
		case <-p.timers.answer.C:
			_ = p.Answer() // or the caller has hung up
		case <-p.timers.press.C:
			p.press(ctx, "#")
		}
	}
}

func (p *demoPhone) rest() {
	p.timers.answer.Stop()
	p.timers.press.Stop()
}

func (p *demoPhone) happened(ctx context.Context, e siptest.Event) {
	after := time.Duration(p.after.Load())
	switch e.Kind {
	case siptest.Ringing:
		p.mu.Lock()
		p.busy = make(chan struct{})
		p.mu.Unlock()
		p.loud, p.alone = 0, false
		p.say("             the request is held; no answer goes out yet\n   TEL       Dagny's telephone rings: %s calls\n", e.Caller)
		p.timers.answer.Reset(ringsFor)
	case siptest.Answered:
		p.say("   TEL       it is answered, and says, again and again until a key is pressed:\n%s", boxed("telephone", p.said))
	case siptest.Heard:
		if e.Level > siptest.Silence {
			if p.loud == 0 && p.typed != nil {
				p.invite(after)
			}
			p.loud += time.Second
		}
		if p.typed == nil && !p.alone && after > 0 && p.loud >= after {
			p.alone = true
			p.say("   TEL       heard %.0f s of sound, the last of them at %.0f dB\n", p.loud.Seconds(), e.Level)
			p.press(ctx, "#")
		}
	case siptest.Over:
		p.rest()
		p.over(e)
	}
}

// invite asks the terminal for keys, when the prompt is heard: what is pressed
// before it is no answer, and neither is hanging up.
func (p *demoPhone) invite(after time.Duration) {
	p.say("             Type # and Enter to approve; 0# is \"that was not me\"; h hangs up.")
	if after > 0 {
		p.say(" Without a word from you it is # in %.0f s.", after.Seconds())
		p.timers.press.Reset(after)
	}
	p.say("\n")
}

// keyed takes a line of the terminal.
func (p *demoPhone) keyed(ctx context.Context, keys string) {
	switch keys {
	case "":
	case "h":
		_ = p.HangUp() // or there is no call
	default:
		p.press(ctx, keys)
	}
}

func (p *demoPhone) press(ctx context.Context, keys string) {
	if p.Press(ctx, keys) == nil {
		p.timers.press.Stop()
		p.say("   TEL       %s is pressed, by RFC 4733\n", keys)
		if keys == "0#" {
			p.say("             that reports fraud: her password is refused for %.0f s\n", demoFraudLock.Seconds())
		}
	}
}

// over keeps what was heard.
func (p *demoPhone) over(e siptest.Event) {
	p.say("   TEL       %s\n", map[bool]string{true: "she has hung up", false: "the call is over"}[e.Ours])
	if sound := p.Sound(); len(sound) > 0 {
		p.calls++
		path := filepath.Join(p.dir, fmt.Sprintf("heard-%d.wav", p.calls))
		if err := writeSound(path, 0o600, prompts.WriteWAV, sound); err != nil {
			p.say("             what was heard could not be kept: %v\n", err)
		} else {
			p.say("             what was heard, %.1f s: %s\n", float64(len(sound))/prompts.Rate, path)
		}
	}
	p.mu.Lock()
	close(p.busy)
	p.busy = nil
	p.mu.Unlock()
}

// hungUp waits for the end of the call, so that what happens is told in order.
func (p *demoPhone) hungUp(ctx context.Context) {
	p.mu.Lock()
	busy := p.busy
	p.mu.Unlock()
	if busy == nil {
		return
	}
	select {
	case <-busy:
	case <-time.After(5 * time.Second):
	case <-ctx.Done():
	}
}

// boxed is a text in a frame, in lines that fit.
func boxed(title, text string) string {
	const width = 60
	var b strings.Builder
	fmt.Fprintf(&b, "\n    ┌─ %s %s\n    │", title, strings.Repeat("─", width-3-len(title)))
	column := 0
	for word := range strings.FieldsSeq(text) {
		if column += 1 + len(word); column > width {
			b.WriteString("\n    │")
			column = 1 + len(word)
		}
		b.WriteString(" " + word)
	}
	return b.String() + "\n    └" + strings.Repeat("─", width) + "\n"
}
