package logging

import (
	"bytes"
	"errors"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login/logintest"
)

// Whatever is logged, the line is the one of the standard library's handler,
// escaped.
func TestJSONLinesAreThoseOfSlog(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 23, 14, 5, 6, 789000000, time.FixedZone("", 3600))
	texts := append([]string{"", "plain text, with <html> & 'quotes'", "ålice", "日本"}, logintest.Hostile...)
	var records []slog.Record
	for _, s := range texts {
		r := slog.NewRecord(day, slog.LevelInfo, "login", 0)
		r.AddAttrs(slog.String("user", s), slog.String("reason", "ok"))
		named := slog.NewRecord(day.UTC(), slog.LevelWarn+1, s, 0)
		named.AddAttrs(slog.Bool("a", true), slog.Bool("b", false))
		keyed := slog.NewRecord(day, slog.LevelError, "x", 0)
		keyed.AddAttrs(slog.Int(s, 7))
		records = append(records, r, named, keyed)
	}
	for _, a := range []slog.Attr{
		{},
		slog.Int64("n", math.MinInt64), slog.Uint64("n", math.MaxUint64), slog.Float64("f", 1.5), slog.Duration("d", time.Second),
		slog.Time("t", day), slog.Any("err", errors.New("one\n\"two\"")), slog.Any("list", []string{"a", "b"}), slog.Any("nil", nil),
		slog.Group("g", slog.String("a", "b")), slog.Group(""),
	} {
		r := slog.NewRecord(day, slog.LevelDebug, "x", 0)
		r.AddAttrs(slog.String("before", "a"), a, slog.String("behind", "b"))
		records = append(records, r)
	}
	for _, at := range []time.Time{{}, time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		records = append(records, slog.NewRecord(at, slog.LevelInfo, "x", 0))
	}
	for _, r := range records {
		var got, want bytes.Buffer
		gerr := newJSONLines(&got, nil).Handle(t.Context(), r)
		werr := slog.NewJSONHandler(Escaping(&want), nil).Handle(t.Context(), r)
		if got.String() != want.String() || (gerr == nil) != (werr == nil) {
			t.Errorf("got  %q %v\nwant %q %v", got.String(), gerr, want.String(), werr)
		}
	}
}

func TestJSONLinesWithAttributes(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	r := slog.NewRecord(time.Unix(0, 0).UTC(), slog.LevelInfo, "x", 0)
	r.AddAttrs(slog.Int("b", 2))
	if err := newJSONLines(&got, nil).WithAttrs([]slog.Attr{slog.Int("a", 1)}).WithGroup("g").Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if want := `{"time":"1970-01-01T00:00:00Z","level":"INFO","msg":"x","a":1,"g":{"b":2}}` + "\n"; got.String() != want {
		t.Errorf("got %q, want %q", got.String(), want)
	}
}

// A time zone whose offset has seconds is written as slog writes it.
func FuzzPlainLine(f *testing.F) {
	f.Add("login", "user", "alice", int64(0), 0)
	f.Add("x\n", "k\"", "\u2028", int64(1<<60), 3601)
	f.Fuzz(func(t *testing.T, message, key, text string, at int64, zone int) {
		r := slog.NewRecord(time.Unix(at%(1<<40), at%1e9).In(time.FixedZone("", zone%50000)), slog.LevelInfo, message, 0)
		r.AddAttrs(slog.String(key, text))
		var got, want bytes.Buffer
		gerr := newJSONLines(&got, nil).Handle(t.Context(), r)
		werr := slog.NewJSONHandler(Escaping(&want), nil).Handle(t.Context(), r)
		if got.String() != want.String() || (gerr == nil) != (werr == nil) {
			t.Errorf("got %q %v, want %q %v", got.String(), gerr, want.String(), werr)
		}
	})
}
