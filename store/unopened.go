package store

import (
	"errors"
	"fmt"
)

// ErrUnreadable is wrapped by errors about a value that opens and says nothing
// that this program understands. A Scan that gets one from its function goes on.
var ErrUnreadable = errors.New("store: value cannot be read")

// An UnopenedError tells of values that do not open: they are damaged, were moved
// to another key, or are sealed under a key that has gone; or of those that are
// unreadable. One of them does not keep the others from being read: a Scan goes on
// behind it, and returns this in the end. Who needs all values has not got them.
type UnopenedError struct {
	Prefix string // of the keys that were scanned
	Count  int
	First  error // names its record; wraps [ErrSealed], [ErrMissingKey] or [ErrUnreadable]
}

// Error says how many there are and what to do.
func (e *UnopenedError) Error() string {
	remedy := `a backup from before has them ("portvakt restore"); where there is none, "portvakt rewrap --remove-damaged" removes them`
	switch {
	case errors.Is(e.First, ErrMissingKey):
		remedy = `put the key back into the key ring, and remove it only after "portvakt rewrap"; if there was never such a key, ` +
			`"portvakt rewrap --remove-damaged" removes them`
	case errors.Is(e.First, ErrUnreadable):
		remedy = `a newer program may have written them; else a backup from before has them ("portvakt restore")`
	}
	where := ""
	if e.Prefix != "" {
		where = fmt.Sprintf(" in %q", e.Prefix)
	}
	return fmt.Sprintf("values that cannot be read%s: %d; one of them: %v; %s", where, e.Count, e.First, remedy)
}

// Unwrap returns what is wrong with the first.
func (e *UnopenedError) Unwrap() error { return e.First }

func (e *UnopenedError) add(err error) {
	if e.Count++; e.First == nil {
		e.First = err
	}
}

func (e *UnopenedError) orNil() error {
	if e.Count == 0 {
		return nil
	}
	return e
}

// Unopened takes an error apart: how many values did not open, when that is all
// that is wrong and everything else has been read; else err itself, also when it
// is joined with that.
func Unopened(err error) (count int, other error) {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if u, ok := e.(*UnopenedError); ok { //nolint:errorlint // errors.As would look into those that are joined
			return u.Count, nil
		}
	}
	return 0, err
}
