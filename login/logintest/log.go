package logintest

import (
	"bytes"
	"log/slog"
	"sync"
)

// A Log is one that goroutines share and a test reads. The zero value is empty
// and ready.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Logger returns one that writes there, everything, as text.
func (l *Log) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// Write adds.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all there is so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
