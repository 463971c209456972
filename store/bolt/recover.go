package bolt

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"time"

	"github.com/portvakt/portvakt/login"
)

// maxJournalFile bounds what is read at start: a journal is not written to
// beyond maxJournal and one frame, and is allocated ahead.
const maxJournalFile = maxJournal + maxFrame + frameHead + 2*allocStep

// A journalFile is one of the two files as found at start.
type journalFile struct {
	name   string
	header header
	whole  bool   // the header can be read
	frames []byte // what is behind it
}

// readJournals returns the last change of each key that is not folded yet, and
// the last generation seen.
func readJournals(path string, database [16]byte, folded uint64) (*changes, uint64, error) {
	var files [2]*journalFile
	for i, name := range journalPaths(path) {
		f, err := readJournal(name)
		if err != nil {
			return nil, 0, err
		}
		files[i] = f
	}
	for _, f := range files {
		if err := f.plausible(database, folded); err != nil {
			return nil, 0, err
		}
	}
	first, second := live(files, folded+1), live(files, folded+2)
	if first == nil && second == nil {
		return &changes{}, folded, nil
	}
	if first == nil {
		return nil, 0, damaged("journal generation %d is missing, %d is there", folded+1, folded+2)
	}
	all := &changes{}
	if second == nil {
		_, err := first.replay(math.MaxUint64, all.put)
		return all, folded + 1, err
	}
	// When the second generation has frames, the first ended where the
	// second's header says; without frames, its header may be left from an
	// attempt after which the first went on.
	n, err := second.replay(math.MaxUint64, func(*entry) {})
	if err != nil {
		return nil, 0, err
	}
	limit := uint64(math.MaxUint64)
	if n > 0 {
		limit = second.header.before
	}
	if n, err = first.replay(limit, all.put); err != nil {
		return nil, 0, err
	}
	if n < second.header.before {
		return nil, 0, damaged("%s: %d batches of generation %d, there were %d", first.name, n, folded+1, second.header.before)
	}
	_, err = second.replay(math.MaxUint64, all.put)
	return all, folded + 2, err
}

func live(files [2]*journalFile, gen uint64) *journalFile {
	if f := files[gen%2]; f != nil && f.whole && f.header.gen == gen {
		return f
	}
	return nil
}

func readJournal(name string) (*journalFile, error) {
	f, err := os.Open(name) //nolint:gosec // derived from the configured path
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // no file is a usual answer
	}
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if err := private(name, info); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxJournalFile+1))
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	if len(b) > maxJournalFile {
		return nil, damaged("%s is longer than any journal", name)
	}
	j := &journalFile{name: name}
	j.header, j.whole = parseHeader(b)
	j.frames = b[min(len(b), headerSize):]
	return j, nil
}

// plausible refuses a journal that belongs to another database or another
// time. A header is durable before the first frame behind it is written, so an
// unreadable one with frames that are not folded is damage.
func (f *journalFile) plausible(database [16]byte, folded uint64) error {
	switch {
	case f == nil:
		return nil
	case f.whole && f.header.database != database:
		return damaged("%s belongs to another database", f.name)
	case f.whole && f.header.gen > folded+2:
		return damaged("%s is newer than the database (generation %d, folded is %d)", f.name, f.header.gen, folded)
	case !f.whole && (laterFrame(f.frames, folded+1, 0) || laterFrame(f.frames, folded+2, 0)):
		return damaged("%s has lost its header", f.name)
	}
	return nil
}

func (f *journalFile) replay(limit uint64, fn func(*entry)) (uint64, error) {
	n, err := replay(f.frames, f.header.gen, limit, fn)
	if err != nil {
		return n, fmt.Errorf("%s: %w", f.name, err)
	}
	return n, nil
}

func (kv *KV) logReplay(count int, took time.Duration) {
	kv.log.Info("replayed the journal of an unclean stop",
		slog.String(login.KeyPath, kv.path), slog.Int(login.KeyCount, count), slog.String(login.KeyTook, took.Round(time.Millisecond).String()))
}
