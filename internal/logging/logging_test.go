package logging

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
)

// pipe is a writer that can be shut, as a pipe that nobody empties.
type pipe struct {
	mu   sync.Mutex
	got  bytes.Buffer
	shut chan struct{} // nil: open; else Write waits for it to be closed
}

func (p *pipe) Write(b []byte) (int, error) {
	if p.shut != nil {
		<-p.shut
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got.Write(b)
}

func (p *pipe) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.got.String()
}

func TestALineIsWrittenAMomentLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out pipe
		log := New(conf.DefaultLog(), &out)
		defer log.Close()
		log.Info("login", slog.String(login.KeyUser, "alice"), slog.String(login.KeyTook, "1.02s"))
		synctest.Wait()
		if out.String() != "" {
			t.Errorf("got %q at once, want nothing yet", out.String())
		}
		time.Sleep(flushEvery)
		synctest.Wait()
		want := `{"time":"2000-01-01T00:00:00Z","level":"INFO","msg":"login","user":"alice","took":"1.02s"}` + "\n"
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}

func TestCloseWritesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out pipe
		log := New(conf.Log{Level: "info", Format: conf.LogText}, &out)
		log.Warn("bye", slog.Any(login.KeyErr, errors.New("two\nlines")))
		log.Debug("not at this level")
		log.Close()
		log.Close()
		want := `time=2000-01-01T00:00:00.000Z level=WARN msg=bye err="two\nlines"` + "\n"
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	})
}

func TestTheLevelCanBeChanged(t *testing.T) {
	var out pipe
	log := New(conf.DefaultLog(), &out)
	log.SetLevel(conf.Log{Level: "error"})
	log.Warn("no")
	log.SetLevel(conf.Log{Level: "debug"})
	log.Debug("yes")
	log.Close()
	if got := out.String(); strings.Contains(got, "no") || !strings.Contains(got, "yes") {
		t.Errorf("got %q, want the second line only", got)
	}
}

func TestAPipeThatNobodyEmptiesCostsLinesAndNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := pipe{shut: make(chan struct{})}
		log := New(conf.DefaultLog(), &out)
		begin := time.Now()
		const lines = 3 * maxWaiting / 100
		for i := range lines {
			log.Info("x", slog.Int(login.KeyCount, i), slog.String(login.KeyDetail, strings.Repeat("y", 50)))
			if i == 0 {
				// The writer now waits with one line in its hand.
				time.Sleep(flushEvery)
			}
		}
		if took := time.Since(begin); took != flushEvery {
			t.Errorf("logging waited for %v, want none", took-flushEvery)
		}
		close(out.shut)
		log.Close()
		written := strings.Count(out.String(), `"msg":"x"`)
		want := fmt.Sprintf(`"msg":"log lines dropped","count":%d,`, lines-written)
		if !strings.Contains(out.String(), want) || written < maxWaiting/200 || written >= lines {
			t.Errorf("got %d lines of %d and not %s", written, lines, want)
		}
	})
}

func TestCloseGivesUpOnAPipeThatNobodyEmpties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := pipe{shut: make(chan struct{})}
		log := New(conf.DefaultLog(), &out)
		log.Info("x")
		begin := time.Now()
		log.Close()
		if took := time.Since(begin); took != closeWait {
			t.Errorf("got %v, want %v", took, closeWait)
		}
		close(out.shut)
	})
}

func TestLinesOfManyStayWhole(t *testing.T) {
	var out pipe
	log := New(conf.Log{Format: conf.LogText}, &out)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				log.Info("a line", slog.String(login.KeyDetail, strings.Repeat("z", 40)))
			}
		})
	}
	all.Wait()
	log.Close()
	count := 0
	for line := range strings.Lines(out.String()) {
		count++
		if !strings.HasPrefix(line, "time=") || !strings.HasSuffix(line, strings.Repeat("z", 40)+"\n") {
			t.Fatalf("got the line %q", line)
		}
	}
	if count != 8*500 {
		t.Errorf("got %d lines, want %d", count, 8*500)
	}
}
