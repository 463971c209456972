package main

import (
	"fmt"
	"io"
	"os"

	"github.com/portvakt/portvakt/conf/secret"
)

// maxSecret bounds a file with one secret, in octets.
const maxSecret = 4096

// readSecretFile reads a secret from a file, without the newline at its end.
func readSecretFile(path string) (secret.Value, error) {
	f, err := os.Open(path) //nolint:gosec // the administrator names the path
	if err != nil {
		return secret.Value{}, err
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch text := trimNewline(string(b)); {
	case err != nil:
		return secret.Value{}, err
	case len(b) > maxSecret:
		return secret.Value{}, withHint(fmt.Errorf("%s is longer than %d octets", path, maxSecret), "a secret is one short line: is it the right file?")
	case text == "":
		return secret.Value{}, withHint(fmt.Errorf("%s is empty", path), "write the secret into it")
	default:
		return secret.New(text), nil
	}
}
