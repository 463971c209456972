package ldapauth

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The forms in which directories write a time.

// generalized reads a GeneralizedTime as directories write it (RFC 4517,
// section 3.3.13).
func generalized(attribute, v string) (time.Time, error) {
	v, _, _ = strings.Cut(strings.TrimSuffix(v, "Z"), ".")
	at, err := time.Parse("20060102150405", v)
	if err != nil {
		return at, &entryError{fmt.Errorf("%s is no time", attribute)}
	}
	return at, nil
}

// filetime is a time of Windows: units of 100 ns since 1601 (MS-DTYP, section
// 2.3.3).
func filetime(n int64) time.Time {
	const second, toUnix = 10_000_000, 11_644_473_600
	return time.Unix(n/second-toUnix, 0).UTC()
}

// instant reads either; the zero time for anything else, and for what is before
// 1970, as the 0 of an account that was never used.
func instant(text string) time.Time {
	if strings.HasSuffix(text, "Z") {
		at, err := generalized("", text)
		if err != nil {
			return time.Time{}
		}
		return at
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if at := filetime(n); err == nil && at.Unix() > 0 {
		return at
	}
	return time.Time{}
}
