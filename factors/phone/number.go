package phone

import (
	"log/slog"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// A Number is a valid telephone number that may be used for sending or
// calling. The zero Number is none. Numbers can be compared with ==.
type Number struct {
	calling   string // calling code, "47"
	national  string // national significant number, with its leading zeros
	extension string
	pauses    int // before the extension; 0 without one
	country   string
	typ       Type
}

// Type is what a number leads to.
type Type string

// Types of numbers that [Parse] lets through.
const (
	Mobile        Type = "mobile"
	FixedOrMobile Type = "fixed_or_mobile" // countries that do not tell, as the US
	Fixed         Type = "fixed"
	Other         Type = "other" // VoIP, company-wide and toll-free numbers
)

// E164 returns "+4741234567" (ITU-T E.164). It is for the gateway, never for a
// log.
func (n Number) E164() string { return "+" + n.Digits() }

// Digits returns the number without the plus sign: "4741234567".
func (n Number) Digits() string { return n.calling + n.national }

// National returns the national significant number, without a trunk prefix:
// "41234567".
func (n Number) National() string { return n.national }

// Extension returns the digits to dial after the answer; mostly empty.
func (n Number) Extension() string { return n.extension }

// Pauses returns how many seconds the far end needs to listen before the
// extension: one for each comma in "+4722855050,,77", at least one where there
// is an extension.
func (n Number) Pauses() int { return n.pauses }

// Country returns the ISO 3166-1 code of the country, "NO". Countries that
// share a calling code are told apart: Jersey is not "GB", Jamaica not "US".
func (n Number) Country() string { return n.country }

// Type returns what the number leads to.
func (n Number) Type() Type { return n.typ }

// Textable reports whether a text message can arrive there.
func (n Number) Textable() bool { return n.typ == Mobile || n.typ == FixedOrMobile }

// IsZero reports whether there is no number.
func (n Number) IsZero() bool { return n == Number{} }

// Same reports whether both are one telephone, however long its far end listens
// before the extension.
func (n Number) Same(other Number) bool {
	n.pauses, other.pauses = 0, 0
	return n == other
}

// Line returns the number without its extension: what one text message or one
// cap is for.
func (n Number) Line() Number {
	n.extension, n.pauses = "", 0
	return n
}

// shown is how many digits of a number are told: enough to know one's own
// telephones apart, too few to learn somebody else's.
const shown = 2

// Hint returns "••42", for the prompt a person sees.
func (n Number) Hint() string {
	if n.IsZero() {
		return ""
	}
	return "••" + n.national[len(n.national)-shown:]
}

// Masked returns "+47••••••42", for logs.
func (n Number) Masked() string {
	if n.IsZero() {
		return ""
	}
	hidden := len(n.national) - shown
	return "+" + n.calling + strings.Repeat("•", hidden) + n.national[hidden:]
}

// rangeDigits are the last digits that the numbers of a range do not share.
// Operators give out and rent out numbers by the thousand.
const rangeDigits = 4

// Range returns what some ten thousand numbers have in common, "+474123". It
// is not for the line of a log that has the masked number.
func (n Number) Range() string {
	return "+" + n.calling + n.national[:max(0, len(n.national)-rangeDigits)]
}

// String masks: a number is written out only by who asks for its format.
func (n Number) String() string { return n.Masked() }

// GoString masks %#v.
func (n Number) GoString() string { return n.Masked() }

// LogValue masks in slog.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.Masked()) }

// MarshalText masks in JSON and TOML.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.Masked()), nil }

// newNumber takes over what the library parsed, or says why it may not be used.
func newNumber(p *phonenumbers.PhoneNumber) (Number, error) {
	if !phonenumbers.IsValidNumber(p) {
		return Number{}, ErrInvalid
	}
	country := phonenumbers.GetRegionCodeForNumber(p)
	if country == "" || country == noCountry {
		return Number{}, ErrNoCountry
	}
	typ, ok := typeOf(phonenumbers.GetNumberType(p))
	if !ok {
		return Number{}, ErrCostly
	}
	return Number{
		calling:   strconv.Itoa(int(p.GetCountryCode())),
		national:  phonenumbers.GetNationalSignificantNumber(p),
		extension: p.GetExtension(),
		country:   country,
		typ:       typ,
	}, nil
}

// noCountry is the library's region of satellite and other international
// numbers (UN M.49, "world").
const noCountry = "001"

func typeOf(t phonenumbers.PhoneNumberType) (Type, bool) {
	switch t {
	case phonenumbers.MOBILE:
		return Mobile, true
	case phonenumbers.FIXED_LINE_OR_MOBILE:
		return FixedOrMobile, true
	case phonenumbers.FIXED_LINE:
		return Fixed, true
	case phonenumbers.VOIP, phonenumbers.UAN, phonenumbers.TOLL_FREE:
		return Other, true
	default:
		// Premium rate, shared cost, personal numbers (which forward at the
		// caller's cost), pagers, voicemail, and types of later releases.
		return "", false
	}
}
