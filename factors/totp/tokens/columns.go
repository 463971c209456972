package tokens

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/portvakt/portvakt/factors/totp"
)

// The columns of a CSV file, by what they are called here.
const (
	colUser, colSecret, colSerial, colLabel = "user", "secret", "serial", "label"
	colAlgorithm, colDigits, colPeriod      = "algorithm", "digits", "period"

	colPhone, colCountry, colExtension                   = "phone", "country", "extension"
	colBackupPhone, colBackupCountry, colBackupExtension = "backup phone", "backup country", "backup extension"

	colMethod, colEnabled = "method", "enabled"

	colNone = "-" // is passed over
)

// columnNames are all of them, in the order in which they are told.
var columnNames = []string{
	colUser, colSecret, colAlgorithm, colDigits, colPeriod, colLabel, colSerial, colPhone, colCountry, colExtension,
	colBackupPhone, colBackupCountry, colBackupExtension, colMethod, colEnabled,
}

// Columns says what the columns of a file mean: what the file calls one, and
// what that is here.
type Columns map[string]string

// ownColumns are those of our own format, and of the file for hardware tokens
// of Microsoft Entra, whose make and model are not needed.
func ownColumns() Columns {
	c := Columns{
		"upn": colUser, "username": colUser, "secretkey": colSecret, "timeinterval": colPeriod, "serialnumber": colSerial,
		"countrycode": colCountry, "manufacturer": colNone, "model": colNone,
	}
	for _, name := range columnNames {
		c[fold(name)] = name
	}
	return c
}

// mfaServerColumns are those of "Export Users" of Microsoft MFA Server. Its
// documentation names Username, Primary Phone, Primary Country Code, Backup
// Phone, Backup Country Code and Backup Extension, and not how the others are
// called: so here is also what its pages and reports call them.
func mfaServerColumns() Columns {
	return Columns{
		"username": colUser, "userprincipalname": colUser, "upn": colUser,
		"phone": colPhone, "phonenumber": colPhone, "primaryphone": colPhone, "primaryphonenumber": colPhone,
		"countrycode": colCountry, "primarycountrycode": colCountry, "extension": colExtension, "primaryextension": colExtension,
		"backupphone": colBackupPhone, "backupphonenumber": colBackupPhone,
		"backupcountrycode": colBackupCountry, "backupextension": colBackupExtension,
		"authenticationmethod": colMethod, "method": colMethod, "mode": colMethod, "enabled": colEnabled,
	}
}

// fold is what counts in the name of a column.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("_-.", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// ParseColumns reads "User Name=user,Mobile=phone". In names neither case nor
// spaces, underscores, dashes and dots count. "Mode=-" passes a column over.
func ParseColumns(text string) (Columns, error) {
	c := Columns{}
	for pair := range strings.SplitSeq(text, ",") {
		theirs, ours, ok := strings.Cut(pair, "=")
		theirs, ours = fold(theirs), strings.TrimSpace(ours)
		if i := slices.IndexFunc(columnNames, func(name string) bool { return fold(name) == fold(ours) }); i >= 0 {
			ours = columnNames[i]
		} else if ours != colNone {
			ok = false
		}
		if !ok || theirs == "" {
			return nil, fmt.Errorf("%q names no column: write THEIRS=OURS, where OURS is %s, or - for one that is passed over",
				pair, strings.Join(columnNames, ", "))
		}
		c[theirs] = ours
	}
	return c, nil
}

// but is c with what others says in place of its own names for the same columns.
func (c Columns) but(others Columns) Columns {
	said := slices.Collect(maps.Values(others))
	all := maps.Clone(c)
	maps.DeleteFunc(all, func(_, ours string) bool { return slices.Contains(said, ours) })
	maps.Copy(all, others)
	return all
}

// A HeaderError is a first line that does not say which columns are the person's
// name, and her secret or telephone.
type HeaderError struct {
	// Missing is what was not found, by what it is called here.
	Missing string
	// Names are what the columns are called; none when the line looks like
	// somebody's secret or telephone.
	Names []string
}

// Error tells which columns there are.
func (e *HeaderError) Error() string {
	if len(e.Names) == 0 {
		return fmt.Sprintf("the first line names no column for %s: is it a header?", e.Missing)
	}
	return fmt.Sprintf("no column is known to be %s: there are %s", e.Missing, strings.Join(e.Names, ", "))
}

// parseHeader returns what the columns of a first line mean. It is a header only
// when it names a user, and a secret or a telephone.
func (c Columns) parseHeader(fields []string) (header, error) {
	h := header{}
	for _, f := range fields {
		name, ok := c[fold(f)]
		switch {
		case !ok:
			h.unknown = append(h.unknown, strconv.Quote(f))
			name = colNone
		case name != colNone && slices.Contains(h.names, name):
			return header{}, fmt.Errorf("two columns for %s", name)
		}
		h.names = append(h.names, name)
	}
	var missing string
	switch secret := h.has(colSecret) || h.has(colPhone); {
	case !h.has(colUser) && !secret:
		missing = "user and phone or secret"
	case !h.has(colUser):
		missing = colUser
	case !secret:
		missing = "phone or secret"
	default:
		return h, nil
	}
	return header{}, &HeaderError{missing, shownNames(fields)}
}

// shownNames are the fields of a line, or nothing when one of them may be a
// secret or a telephone: then the line is no header, and is not shown.
func shownNames(fields []string) []string {
	var names []string
	for _, f := range fields {
		_, noSecret := totp.ParseSeed(f)
		_, noHex := hex.DecodeString(f)
		digits := len(f) - len(strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, f))
		if noSecret == nil || noHex == nil && f != "" || digits > maxNameDigits || len(f) > maxField {
			return nil
		}
		names = append(names, strconv.Quote(f))
	}
	return names
}

// maxNameDigits is how many digits the name of a column may have to be shown;
// a telephone has more.
const maxNameDigits = 4

// A header says what each column of a file is.
type header struct {
	names   []string
	unknown []string // quoted
	// bare is one that the file does not have: name and secret.
	bare bool
}

func (h header) has(name string) bool { return slices.Contains(h.names, name) }

// value returns the field of a column, or nothing.
func (h header) value(fields []string, name string) string {
	if i := slices.Index(h.names, name); i >= 0 {
		return fields[i]
	}
	return ""
}
