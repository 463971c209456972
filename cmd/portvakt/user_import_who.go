package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/portvakt/portvakt/factors/totp/tokens"
)

// readKeys reads what opens the secrets of a file.
func (o importOptions) readKeys(format tokens.Format, options *tokens.Options) error {
	var err error
	switch {
	case o.keyFile == "":
	case format.Name == "linotp":
		if options.EncKey, err = readEncKey(o.keyFile); err != nil {
			return err
		}
	default:
		text, err := readSecretFile(o.keyFile)
		if err != nil {
			return err
		}
		if options.Key.Shared, err = hex.DecodeString(strings.Join(strings.Fields(text.Reveal()), "")); err != nil {
			return withCode(withHint(fmt.Errorf("%s is not hexadecimal", o.keyFile), "write the key as the vendor did, as in 0f1e…"), exitUsage)
		}
	}
	if o.passwordFile != "" {
		text, err := readSecretFile(o.passwordFile)
		if err != nil {
			return err
		}
		options.Key.Password = text.Reveal()
	}
	return nil
}

// readEncKey reads the keys of LinOTP, which are octets and no text.
func readEncKey(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // the administrator names the path
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(io.LimitReader(f, maxSecret))
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
	owners, err := tokens.ReadOwners(tokens.Decode(f))
	if err != nil {
		return withCode(withHint(fmt.Errorf("%s: %w", o.users, err), "each line is a serial number, a comma and a login name; or it is LinOTP's list of tokens"), exitUsage)
	}
	for i := range rows {
		r := &rows[i]
		if r.err != nil || r.User != "" {
			continue
		}
		user, listed := owners[r.Serial]
		if r.User = user; listed && user == "" {
			r.err = &tokens.LeftOut{Why: fmt.Sprintf("%s says that token %s is nobody's", o.users, r.Serial)}
		}
	}
	return nil
}
