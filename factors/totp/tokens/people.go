package tokens

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/portvakt/portvakt/factors/totp"
)

// ReadMFAServer yields the people of "Export Users" of Microsoft MFA Server,
// with their telephones and by which method they were asked. It has no secrets.
// named says what columns mean that are not known, or otherwise than they are
// named here. Accounts that are disabled, and people without a telephone, are
// left out.
//
// Rows that are bad or left out are yielded as [Read] does.
func ReadMFAServer(r io.Reader, named Columns) iter.Seq2[Row, error] {
	return readRows(r, totp.SHA1, mfaServerColumns().but(named).parseHeader)
}

// person reads what is told of a person beside her token.
func (h header) person(fields []string) (Row, error) {
	value := func(name string) string { return h.value(fields, name) }
	row := Row{User: value(colUser), Serial: value(colSerial), Label: value(colLabel)}
	if row.User == "" {
		return Row{}, errors.New("user is empty")
	}
	for _, of := range [...][3]string{{colPhone, colCountry, colExtension}, {colBackupPhone, colBackupCountry, colBackupExtension}} {
		number, err := telephone(value(of[0]), value(of[1]), value(of[2]))
		if err != nil {
			return Row{}, err
		}
		if number != "" {
			row.Phones = append(row.Phones, number)
		}
	}
	if err := row.checkNames(); err != nil {
		return Row{}, err
	}
	if h.has(colEnabled) {
		enabled, err := parseEnabled(value(colEnabled))
		if err != nil {
			return Row{}, err
		}
		if !enabled {
			return Row{}, leftOut("%q is not enabled there", row.User)
		}
	}
	if len(row.Phones) == 0 && !h.has(colSecret) {
		return Row{}, leftOut("%q has no telephone there", row.User)
	}
	var err error
	row.Method, err = parseMethod(value(colMethod))
	return row, err
}

// telephone puts a number together that stands in three columns. A country is a
// calling code, as "47", or ends in one, as "Norway +47". Commas before an
// extension are the pauses that it needs, and stay.
func telephone(number, country, extension string) (string, error) {
	if number == "" {
		return "", nil
	}
	if country != "" && !strings.HasPrefix(number, "+") {
		code := strings.TrimLeft(country[strings.LastIndexByte(country, '+')+1:], "0")
		if _, err := strconv.ParseUint(code, 10, 16); err != nil {
			return "", errors.New("country is no calling code, as 47 or +47")
		}
		number = "+" + code + " " + number
	}
	digits := strings.TrimLeft(extension, ", ")
	pauses := strings.Count(extension[:len(extension)-len(digits)], ",")
	digits = strings.TrimRight(digits, ", ")
	switch {
	case strings.Trim(digits, "0123456789") != "":
		return "", errors.New("extension has more than digits: nothing else is dialled after the answer")
	case digits == "":
		return number, nil
	case pauses == 0:
		return number + " ext. " + digits, nil
	}
	return number + strings.Repeat(",", pauses) + digits, nil
}

func parseEnabled(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "1", "enabled":
		return true, nil
	case "false", "no", "0", "disabled":
		return false, nil
	}
	return false, errors.New("enabled is neither true nor false: is it another column, which is to be passed over?")
}

// parseMethod returns what a way to be asked is called here.
func parseMethod(text string) (string, error) {
	switch fold(text) {
	case "":
		return "", nil
	case "call", "phonecall", "voicecall":
		return "call", nil
	case "sms", "text", "textmessage":
		return "sms", nil
	case "totp", "oathtoken", "mobileapp", "app":
		return "totp", nil
	case "email":
		return "email", nil
	}
	if len(text) > maxMethod {
		text = "(too long)" // it may be a secret in the wrong column
	}
	return "", fmt.Errorf("method %q is none of call, sms, totp and email: is it another column, which is to be passed over?", text)
}

// maxMethod bounds what is told of a method, in octets: less than a secret has.
const maxMethod = 20
