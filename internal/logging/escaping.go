package logging

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Escaping takes lines of JSON and writes what cannot be seen in them to w as
// \uXXXX, which is the same JSON. slog leaves DEL, the control characters above
// ASCII and those that turn the direction of writing as they are: a terminal that
// shows the log would obey them (attack: log injection).
func Escaping(w io.Writer) io.Writer { return escaping{w} }

type escaping struct{ io.Writer }

func (e escaping) Write(line []byte) (int, error) {
	if plainASCII(line) {
		return e.Writer.Write(line)
	}
	escaped := make([]byte, 0, len(line)+64)
	for rest := line; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		switch {
		case r == '\n' || unicode.IsPrint(r):
			escaped = append(escaped, rest[:n]...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
		rest = rest[n:]
	}
	if _, err := e.Writer.Write(escaped); err != nil {
		return 0, err
	}
	return len(line), nil
}

func plainASCII(line []byte) bool {
	for _, b := range line {
		if (b < ' ' || b > '~') && b != '\n' {
			return false
		}
	}
	return true
}
