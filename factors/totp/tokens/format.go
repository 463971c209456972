package tokens

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/portvakt/portvakt/factors/totp"
)

// A Format is a way in which other products write tokens and people down.
type Format struct {
	Name string
	// About says in a few words whose it is.
	About string

	// Needs are the options that say what its files do not, of the Need names.
	Needs []string

	read func(io.Reader, Options) iter.Seq2[Row, error]
	// is tells by the first line that is no comment; nil for another name of a
	// format.
	is func(first line) bool
}

// The options that a format may need.
const (
	NeedAlgorithm = "algorithm"
	NeedKey       = "key"
	NeedPassword  = "password"
	NeedColumns   = "columns"
)

// Options say what a file does not.
type Options struct {
	// Algorithm is of tokens that do not tell theirs.
	Algorithm totp.Algorithm
	// Key opens the secrets of "pskc".
	Key PSKCKey
	// EncKey opens those of "linotp".
	EncKey []byte
	// Columns are what columns mean, when they are not ours, or not known.
	Columns Columns
}

// ErrNoRows is of a file with nothing in it, or with no more than a header: an
// export that went wrong looks like this, and must not look like an import.
var ErrNoRows = errors.New("there is nobody and no token in the file")

// Read yields the rows of a file. Where there is none, not even one that is bad or
// left out, it yields an error that wraps [ErrNoRows].
func (f Format) Read(r io.Reader, o Options) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		none := true
		for row, err := range f.read(r, o) {
			if errors.Is(err, ErrNoRows) {
				break
			}
			none = false
			if !yield(row, err) {
				return
			}
		}
		if none {
			yield(Row{}, fmt.Errorf("%w: format %q is of %s", ErrNoRows, f.Name, f.About))
		}
	}
}

// Formats returns all.
func Formats() []Format {
	asCSV := func(r io.Reader, o Options) iter.Seq2[Row, error] { return ReadColumns(r, o.Columns, o.Algorithm) }
	columns, algorithm := []string{NeedColumns, NeedAlgorithm}, []string{NeedAlgorithm}
	return []Format{
		{"csv", "people with secrets or telephones, below a line that names the columns", columns, asCSV, isCSV},
		{"entra", "hardware tokens of Microsoft Entra", columns, asCSV, nil},
		{"oath", "hardware tokens as vendors deliver them, LinOTP and privacyIDEA", algorithm, func(r io.Reader, o Options) iter.Seq2[Row, error] {
			return ReadOATH(r, o.Algorithm)
		}, isOATH},
		{"pskc", "key containers of RFC 6030", []string{NeedKey, NeedPassword}, func(r io.Reader, o Options) iter.Seq2[Row, error] {
			return ReadPSKC(r, o.Key)
		}, isPSKC},
		{"otpauth", "key URIs of apps, and migration links of Google Authenticator", nil, func(r io.Reader, _ Options) iter.Seq2[Row, error] {
			return ReadOTPAuth(r)
		}, isOTPAuth},
		{"yubico", "logs of the YubiKey Personalization Tool", nil, func(r io.Reader, _ Options) iter.Seq2[Row, error] {
			return ReadYubico(r)
		}, isYubico},
		{"multiotp", "token files of multiOTP", algorithm, func(r io.Reader, o Options) iter.Seq2[Row, error] {
			return ReadMultiOTP(r, o.Algorithm)
		}, isMultiOTP},
		{"privacyidea", "exports of privacyidea-token-janitor", algorithm, func(r io.Reader, o Options) iter.Seq2[Row, error] {
			return ReadPrivacyIDEA(r, o.Algorithm)
		}, isPrivacyIDEA},
		{"linotp", "rows of LinOTP's table Token, as JSON", []string{NeedKey, NeedAlgorithm}, func(r io.Reader, o Options) iter.Seq2[Row, error] {
			return ReadLinOTP(r, o.EncKey, o.Algorithm)
		}, isLinOTP},
		{"mfaserver", "people and telephones of Microsoft MFA Server", []string{NeedColumns}, func(r io.Reader, o Options) iter.Seq2[Row, error] {
			return ReadMFAServer(r, o.Columns)
		}, isMFAServer},
	}
}

// FormatNames returns the names of all.
func FormatNames() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// FormatNamed returns the format of a name.
func FormatNamed(name string) (Format, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, fmt.Errorf("format %q is none of %s", name, strings.Join(FormatNames(), ", "))
}

// errUnknownFormat is told without the line, which may hold a secret.
var errUnknownFormat = errors.New("the format of the file is not recognised")

// Recognise tells the format of a file by its first line that is no comment. It
// reads nothing away. In doubt it returns an error: a secret that is read in the
// wrong way makes codes that never fit. A file without such a line is [ErrNoRows].
func Recognise(r *bufio.Reader) (Format, error) {
	head, err := r.Peek(maxLine)
	if err != nil && !errors.Is(err, io.EOF) {
		return Format{}, err
	}
	for range utf8.UTFMax - 1 { // the end may be within a character
		if last, size := utf8.DecodeLastRune(head); len(head) >= maxLine-utf8.UTFMax && last == utf8.RuneError && size == 1 {
			head = head[:len(head)-1]
		}
	}
	l := newLines(strings.NewReader(string(head)))
	var first line
	for {
		first.text, err = l.next()
		if errors.Is(err, errLong) { // a key container may be one line
			first.text, err = strings.TrimPrefix(string(head), "\ufeff"), nil
		}
		if errors.Is(err, errEncoding) {
			return Format{}, fmt.Errorf("line %d: %w", l.n, err)
		}
		if errors.Is(err, io.EOF) && len(head) < maxLine-utf8.UTFMax {
			return Format{}, ErrNoRows
		}
		if err != nil {
			return Format{}, errUnknownFormat
		}
		comment, ok := strings.CutPrefix(first.text, "#")
		if !ok {
			break
		}
		first.version = first.version || strings.HasPrefix(strings.TrimSpace(comment), "version:")
	}
	first.fields, _ = l.fields(first.text)
	var found []Format
	for _, f := range Formats() {
		if f.is != nil && f.is(first) {
			found = append(found, f)
		}
	}
	if len(found) != 1 {
		return Format{}, errUnknownFormat
	}
	return found[0], nil
}

// A line is the first of a file.
type line struct {
	text    string
	fields  []string
	version bool // a comment before it tells a version
}

// field is one of its fields in lower case, or nothing.
func (l line) field(i int) string {
	if i < len(l.fields) {
		return strings.ToLower(l.fields[i])
	}
	return ""
}

// isSecret tells a secret in hexadecimal by its length.
func isSecret(text string) bool {
	b, err := hex.DecodeString(text)
	return err == nil && len(b) >= 10
}

func isKind(text string) bool { return text == totp.KindCounter || text == totp.KindTime }

// hasHeader tells a header that has what is needed, also when it has it twice.
func (l line) hasHeader(c Columns) bool {
	_, err := c.parseHeader(l.fields)
	_, missing := errors.AsType[*HeaderError](err)
	return !missing
}

func isCSV(l line) bool {
	if l.hasHeader(ownColumns()) {
		return true
	}
	_, err := totp.ParseSeed(l.field(1))
	return len(l.fields) == 2 && err == nil && !isSecret(l.field(1))
}

func isOATH(l line) bool {
	return l.version || isSecret(l.field(1)) && (len(l.fields) == 2 || isKind(l.field(2)))
}

func isPSKC(l line) bool { return strings.HasPrefix(strings.TrimSpace(l.text), "<") }

func isOTPAuth(l line) bool {
	return strings.HasPrefix(l.text, schemeOTPAuth+"://") || strings.HasPrefix(l.text, schemeMigration+"://")
}

func isYubico(l line) bool {
	if slices.Contains([]string{yubicoStart, yubicoHOTP, "yubico otp", "challenge-response"}, l.field(0)) || strings.HasPrefix(l.field(0), "static password") {
		return true
	}
	_, err := strconv.ParseUint(l.field(0), 10, 64)
	return err == nil && len(l.fields) >= 6 && isSecret(l.field(3)) && !isKind(l.field(2))
}

func isMultiOTP(l line) bool { return len(l.fields) == 6 && isKind(l.field(2)) && isSecret(l.field(3)) }

func isPrivacyIDEA(l line) bool {
	return !l.version && (len(l.fields) == 5 || len(l.fields) == 6) && isKind(l.field(3)) && l.field(2) != ""
}

func isLinOTP(l line) bool {
	return strings.HasPrefix(l.text, "{") && strings.Contains(strings.ToLower(l.text), `"linotpkeyenc"`)
}

func isMFAServer(l line) bool { return !l.hasHeader(ownColumns()) && l.hasHeader(mfaServerColumns()) }
