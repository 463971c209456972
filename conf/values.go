package conf

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// maxQuoted is how much of a value a message repeats.
const maxQuoted = 40

// maxDays bounds a duration in days: a century.
const maxDays = 36500

// what names a value's type; it never shows the value.
func what(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	default:
		return "a date or time"
	}
}

// quoted shows a value as it was written. It is only for keys that are never
// secret.
func quoted(value any) string {
	switch v := value.(type) {
	case string:
		if len(v) > maxQuoted {
			return "a text of " + strconv.Itoa(len(v)) + " octets"
		}
		return strconv.Quote(v)
	case bool, int64, float64:
		return fmt.Sprint(v)
	default:
		return what(value)
	}
}

func toDuration(value any) (any, error) {
	switch v := value.(type) {
	case string:
		d, err := time.ParseDuration(v)
		if err == nil {
			return d, nil
		}
		// Days are 24 hours: what is kept for a week need not mind summer time.
		if days, ok := strings.CutSuffix(v, "d"); ok {
			if n, err := strconv.ParseUint(days, 10, 16); err == nil && n <= maxDays {
				return time.Duration(n) * 24 * time.Hour, nil
			}
		}
		if _, err := strconv.ParseUint(v, 10, 32); err == nil {
			return nil, fault{quoted(v) + " is not a duration", fmt.Sprintf("write %q", v+"s")}
		}
	case int64:
		if v >= 0 {
			return nil, fault{quoted(v) + " is not a duration", fmt.Sprintf("write %q", fmt.Sprint(v, "s"))}
		}
	}
	return nil, fault{quoted(value) + " is not a duration", `write it like "55s", "5m" or "12h"`}
}

func toTime(value any) (any, error) {
	const example = "write it with its offset and without quotes, like 2018-06-13T00:00:00+02:00"
	switch v := value.(type) {
	case time.Time:
		return v, nil
	case toml.LocalDate, toml.LocalDateTime:
		// Nodes may have different time zones.
		return nil, fault{"is a time without its offset from UTC", example}
	default:
		return nil, fault{quoted(v) + " is not a time", example}
	}
}

func toAddress(value any, t reflect.Type) (any, error) {
	text, ok := value.(string)
	switch t {
	case addrType:
		if a, err := netip.ParseAddr(text); ok && err == nil {
			return a, nil
		}
		return nil, fault{quoted(value) + " is not an address", `write it like "10.1.0.1" or "2001:db8::1"`}
	case addrPortType:
		if a, err := netip.ParseAddrPort(text); ok && err == nil {
			return a, nil
		}
		return nil, fault{quoted(value) + " is not an address with a port", `write it like "0.0.0.0:1812" or "[::]:1812"`}
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		// One address is a network of one.
		a, aerr := netip.ParseAddr(text)
		if !ok || aerr != nil || a.Zone() != "" {
			return nil, fault{quoted(value) + " is not a network", `write it like "10.1.0.0/24" or "2001:db8::/64"`}
		}
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	if p != p.Masked() {
		return nil, fault{quoted(value) + " has bits behind its length", fmt.Sprintf("write %q", p.Masked())}
	}
	return p, nil
}

func toNumber(value any, to reflect.Value) (any, error) {
	if to.CanFloat() {
		switch value.(type) {
		case int64, float64:
			return value, nil
		}
	}
	switch v := value.(type) {
	case int64:
		if to.CanInt() && to.OverflowInt(v) || to.CanUint() && (v < 0 || to.OverflowUint(uint64(v))) {
			return nil, fault{quoted(v) + " is out of range", "the range is " + limits(to)}
		}
		return v, nil
	case string:
		if _, err := strconv.ParseInt(v, 10, 64); err == nil {
			return nil, fault{quoted(v) + " is a text", "write " + v + ", without quotes"}
		}
	}
	return nil, fault{quoted(value) + " is not a whole number", "write it like 5, without quotes"}
}

func limits(to reflect.Value) string {
	bits := to.Type().Bits()
	if to.CanUint() {
		return fmt.Sprintf("0 to %d", uint64(math.MaxUint64)>>(64-bits))
	}
	most := int64(math.MaxInt64) >> (64 - bits)
	return fmt.Sprintf("%d to %d", -most-1, most)
}
