package login

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// maxSpans bounds the parts of a rule's hours.
const maxSpans = 32

// A span is a part of some days of the week, in minutes of the day. One that
// ends before it begins goes on into the next day.
type span struct {
	days     [7]bool // by time.Weekday
	from, to int
}

var weekdays = [...]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// holds is whether the clock on the wall shows a time of the span.
func (s span) holds(at time.Time) bool {
	now := at.Hour()*60 + at.Minute()
	today := at.Weekday()
	if s.from < s.to {
		return s.days[today] && now >= s.from && now < s.to
	}
	return s.days[today] && now >= s.from || s.days[(today+6)%7] && now < s.to
}

// parseHours reads "mon-fri 07:00-18:00, sat 09:00-13:00": days, which may be
// left out for all, and from when to when. 24:00 is the end of the day.
func parseHours(text string) ([]span, error) {
	var spans []span
	for part := range strings.SplitSeq(text, ",") {
		s, ok := parseSpan(strings.Fields(strings.ToLower(part)))
		if !ok {
			return nil, fmt.Errorf("%q is not understood: write it like \"mon-fri 07:00-18:00, sat 09:00-13:00\"", short(strings.TrimSpace(part)))
		}
		if spans = append(spans, s); len(spans) > maxSpans {
			return nil, fmt.Errorf("has more than %d parts: write fewer", maxSpans)
		}
	}
	return spans, nil
}

// short keeps a message on its line.
func short(text string) string {
	if len(text) > 40 {
		return "a text of " + fmt.Sprint(len(text)) + " octets"
	}
	return text
}

func parseSpan(words []string) (s span, ok bool) {
	switch len(words) {
	case 1:
		s.days = [7]bool{true, true, true, true, true, true, true}
	case 2:
		if s.days, ok = parseDays(words[0]); !ok {
			return s, false
		}
		words = words[1:]
	default:
		return s, false
	}
	from, to, found := strings.Cut(words[0], "-")
	var ok1, ok2 bool
	s.from, ok1 = parseClock(from)
	s.to, ok2 = parseClock(to)
	// The same time twice could be all day or never.
	return s, found && ok1 && ok2 && s.from != s.to && s.from < 24*60
}

// parseDays reads a day, or the first and the last of several: over the end of
// the week, too.
func parseDays(text string) (days [7]bool, ok bool) {
	first, last, several := strings.Cut(text, "-")
	if !several {
		last = first
	}
	from, ok1 := parseDay(first)
	to, ok2 := parseDay(last)
	if !ok1 || !ok2 {
		return days, false
	}
	for d := from; ; d = (d + 1) % 7 {
		days[d] = true
		if d == to {
			return days, true
		}
	}
}

func parseDay(text string) (int, bool) {
	for i, name := range weekdays {
		if text == name {
			return i, true
		}
	}
	return 0, false
}

func parseClock(text string) (minutes int, ok bool) {
	if len(text) != 5 || text[2] != ':' {
		return 0, false
	}
	for _, i := range [...]int{0, 1, 3, 4} {
		if text[i] < '0' || text[i] > '9' {
			return 0, false
		}
	}
	h, m := int(text[0]-'0')*10+int(text[1]-'0'), int(text[3]-'0')*10+int(text[4]-'0')
	return h*60 + m, m < 60 && (h < 24 || h == 24 && m == 0)
}

// loadZone finds a time zone by its name. "Local" would be another one on
// another node.
func loadZone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, errors.New("is that of the machine, which may be another one on the next node: write a name like \"Europe/Oslo\" or \"UTC\"")
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not known: write a name like \"Europe/Oslo\" or \"UTC\"", short(name))
	}
	return zone, nil
}
