package main

import (
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/portvakt/portvakt/factors/totp/tokens"
)

// maxWho bounds the files beside an import: names of half a million people.
const maxWho = 32 << 20

// pskcKey reads what opens a key container.
func (o importOptions) pskcKey() (tokens.PSKCKey, error) {
	var key tokens.PSKCKey
	if o.keyFile != "" {
		text, err := readShort(o.keyFile)
		if err != nil {
			return key, err
		}
		if key.Shared, err = hex.DecodeString(strings.Join(strings.Fields(text), "")); err != nil {
			return key, withCode(withHint(fmt.Errorf("%s is not hexadecimal", o.keyFile), "write the key as the vendor did, as in 0f1e…"), exitUsage)
		}
	}
	if o.passwordFile != "" {
		text, err := readShort(o.passwordFile)
		if err != nil {
			return key, err
		}
		key.Password = strings.TrimRight(text, "\r\n")
	}
	return key, nil
}

// readShort reads a small file of a secret.
func readShort(path string) (string, error) {
	f, err := os.Open(path) //nolint:gosec // the administrator names the path
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	const most = 4096
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(b) > most {
		err = fmt.Errorf("%s has more than %d octets", path, most)
	}
	return string(b), err
}

// name puts the owners of --users to rows that have none.
func (o importOptions) name(rows []importRow) error {
	if o.users == "" {
		return nil
	}
	f, err := os.Open(o.users)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(io.LimitReader(f, maxWho))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.Comment = 2, true, '#'
	who := map[string]string{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return withCode(withHint(fmt.Errorf("%s: %w", o.users, err), "each line is a serial number, a comma and a login name"), exitUsage)
		}
		if was, twice := who[record[0]]; twice && was != record[1] {
			return withCode(fmt.Errorf("%s: serial number %s is there twice", o.users, record[0]), exitUsage)
		}
		who[record[0]] = record[1]
	}
	for i := range rows {
		if rows[i].err == nil && rows[i].User == "" {
			rows[i].User = who[rows[i].Serial]
		}
	}
	return nil
}
