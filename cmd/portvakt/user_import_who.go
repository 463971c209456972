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
		text, err := readSecretFile(o.keyFile)
		if err != nil {
			return key, err
		}
		if key.Shared, err = hex.DecodeString(strings.Join(strings.Fields(text.Reveal()), "")); err != nil {
			return key, withCode(withHint(fmt.Errorf("%s is not hexadecimal", o.keyFile), "write the key as the vendor did, as in 0f1e…"), exitUsage)
		}
	}
	if o.passwordFile != "" {
		text, err := readSecretFile(o.passwordFile)
		if err != nil {
			return key, err
		}
		key.Password = text.Reveal()
	}
	return key, nil
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
