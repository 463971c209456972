package tokens

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Owners are the login names of whom tokens belong to, by serial number. An
// empty one is of a token that has no owner.
type Owners map[string]string

// maxOwners bounds the serial numbers of a file, which are in memory together.
const maxOwners = 1_000_000

// ReadOwners reads a CSV file of serial numbers and login names, or LinOTP's list
// of its tokens. Without a first line that names its columns they are "serial,
// user". A line that cannot be read is an error, as is a serial number with two
// owners: somebody would get the token of somebody else.
func ReadOwners(r io.Reader) (Owners, error) {
	l := newLines(r)
	all := Owners{}
	var h header
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err == nil && strings.HasPrefix(line, "#") {
			continue
		}
		var fields []string
		if err == nil {
			fields, err = l.ownerFields(line)
		}
		isHeader := false
		if err == nil && h.names == nil {
			h, isHeader = ownersHeader(fields)
		}
		switch {
		case err != nil:
		case isHeader:
			continue
		case len(fields) != len(h.names):
			err = fmt.Errorf("%d fields, want %d", len(fields), len(h.names))
		default:
			err = all.add(h.value(fields, colSerial), h.value(fields, colUser))
		}
		if len(all) > maxOwners {
			return nil, fmt.Errorf("more than %d serial numbers: cut the file into several", maxOwners)
		}
		if err != nil {
			return nil, &LineError{l.n, err}
		}
	}
}

// ownersHeader tells the columns by the first line.
func ownersHeader(fields []string) (h header, is bool) {
	columns := Columns{
		"serial": colSerial, "serialnumber": colSerial, "linotptokenserialnumber": colSerial,
		"user": colUser, "username": colUser, "upn": colUser, "userusername": colUser,
	}
	for _, f := range fields {
		h.names = append(h.names, columns[fold(f)])
	}
	if h.has(colSerial) && h.has(colUser) {
		return h, true
	}
	return header{names: []string{colSerial, colUser}}, false
}

func (o Owners) add(serial, user string) error {
	if strings.HasPrefix(user, "/:") {
		user = "" // LinOTP's "/:no user info:/", of somebody who has left
	}
	switch was, twice := o[serial]; {
	case serial == "":
		return errors.New("serial number is empty")
	case twice && was != user:
		return fmt.Errorf("serial number %s is there twice", serial)
	}
	if err := (Row{User: user, Serial: serial}).checkNames(); err != nil {
		return err
	}
	o[serial] = user
	return nil
}

// ownerFields splits a line as fields does, or as LinOTP writes its list: each
// field in apostrophes, which are not doubled inside, with "; " or, before version
// 3, ", " behind each, the last one too.
func (l *lines) ownerFields(line string) ([]string, error) {
	line = strings.TrimSpace(line)
	for _, sep := range []string{";", ","} {
		inner, ok := strings.CutSuffix(line, "'"+sep)
		if rest, quoted := strings.CutPrefix(inner, "'"); ok && quoted {
			return strings.Split(rest, "'"+sep+" '"), nil
		}
	}
	return l.fields(line)
}
