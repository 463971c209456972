package attempts

import (
	"encoding/json"
	"strconv"
)

// appendLine appends an event as a line of JSON. Nearly all are of letters that
// JSON has as they are, and need none of what encoding/json does for others.
func (e *event) appendLine(b []byte) ([]byte, error) {
	begin := len(b)
	b = append(b, `{"t":`...)
	b = strconv.AppendInt(b, e.Time, 10)
	l := line{append(append(append(append(b, `,"id":"`...), e.Attempt...), `","o":"`...), e.Outcome...), plain(e.Attempt) && plain(e.Outcome)}
	l.b = append(l.b, '"')
	l.text("r", string(e.Reason))
	l.text("d", e.Detail)
	l.text("u", e.User)
	l.text("a", e.Account)
	l.text("c", e.Client)
	l.text("s", e.Station)
	l.text("ru", e.Rule)
	l.text("m", e.Method)
	l.number("k", int64(e.Took))
	l.number("kd", int64(e.Directory))
	l.number("ke", int64(e.Elsewhere))
	l.number("n", int64(e.Copies))
	l.flag("g", e.Gone)
	l.flag("al", e.Alarm)
	l.text("em", e.Emergency)
	if l.plain {
		return append(l.b, '}', '\n'), nil
	}
	other, err := json.Marshal(e)
	return append(append(l.b[:begin], other...), '\n'), err
}

// A line is JSON in the making; plain is whether nothing in it has to be escaped.
type line struct {
	b     []byte
	plain bool
}

// text adds a field that is left out when it is empty.
func (l *line) text(name, value string) {
	if value == "" {
		return
	}
	l.plain = l.plain && plain(value)
	l.name(name)
	l.b = append(append(append(l.b, '"'), value...), '"')
}

// number adds a field that is left out when it is 0.
func (l *line) number(name string, value int64) {
	if value == 0 {
		return
	}
	l.name(name)
	l.b = strconv.AppendInt(l.b, value, 10)
}

// flag adds a field that is left out when it is false.
func (l *line) flag(name string, value bool) {
	if value {
		l.name(name)
		l.b = append(l.b, "true"...)
	}
}

func (l *line) name(name string) {
	l.b = append(append(append(l.b, `,"`...), name...), `":`...)
}

// plain is whether JSON has a text as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
