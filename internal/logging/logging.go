package logging

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
)

// A Log is that of the daemon: lines on standard error that reach it a
// moment later, so that nobody who logs waits for whoever reads.
type Log struct {
	*slog.Logger
	level *slog.LevelVar
	lines *lineBuffer
}

// New begins to log to out. Close must be called before the process ends.
func New(c conf.Log, out io.Writer) *Log {
	l := &Log{level: new(slog.LevelVar)}
	l.level.Set(c.SlogLevel())
	handler := func(w io.Writer) slog.Handler {
		options := &slog.HandlerOptions{Level: l.level}
		if c.Format == conf.LogText {
			return slog.NewTextHandler(w, options)
		}
		return newJSONLines(w, options)
	}
	// What was dropped is told past the buffer, which was too small for it.
	direct := handler(out)
	l.lines = newLineBuffer(out, func(dropped int) {
		r := slog.NewRecord(time.Now(), slog.LevelWarn, "log lines dropped", 0)
		r.AddAttrs(slog.Int(login.KeyCount, dropped),
			slog.String(login.KeyHint, "whoever reads standard error is too slow: raise level, or look at the disk of the log"))
		_ = direct.Handle(context.Background(), r) // there is no other place to tell
	})
	l.Logger = slog.New(handler(l.lines))
	return l
}

// SetLevel changes the level, when the configuration is read again.
func (l *Log) SetLevel(c conf.Log) { l.level.Set(c.SlogLevel()) }

// Close writes what is still waiting.
func (l *Log) Close() { _ = l.lines.Close() }
