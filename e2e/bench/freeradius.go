package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

//go:embed freeradius.conf.tmpl
var freeradiusConf string

// A freeradius is how FreeRADIUS is set up: with its LDAP module finding
// people, or told the form of their names; with a challenge, or without.
type freeradius struct {
	Dir       string
	Port      int
	LDAPPort  int
	Search    bool // find people by search; otherwise bind by name
	Challenge bool
	Secret    string
	Base      string
	Service   string
	Password  string
}

// writeFreeRADIUS writes tokens as a users file.
func writeFreeRADIUS(w io.Writer, users int) error {
	for n := range users {
		name := nameOf(n)
		if _, err := fmt.Fprintf(w, "%s TOTP-Secret := %q\n", name, base32Of(secretOf(name))); err != nil {
			return err
		}
	}
	return nil
}

// startFreeRADIUS writes a configuration of its own and starts the server.
func startFreeRADIUS(ctx context.Context, dir string, f freeradius, users int) (*process, string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", err
	}
	port, err := freePort("udp")
	if err != nil {
		return nil, "", err
	}
	f.Dir, f.Port = dir, port
	f.Secret, f.Base, f.Service, f.Password = benchSecret, peopleBase, serviceDN, servicePassword
	if f.Search || !f.Challenge {
		users = 0 // the directory has the secrets, or nobody needs them
	}
	if err := writeTo(filepath.Join(dir, "users"), func(w io.Writer) error { return writeFreeRADIUS(w, users) }); err != nil {
		return nil, "", err
	}
	if err := writeTemplate(filepath.Join(dir, "radiusd.conf"), freeradiusConf, f); err != nil {
		return nil, "", err
	}
	if err := writeTo(filepath.Join(dir, "dictionary"), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, "$INCLUDE /usr/share/freeradius/dictionary")
		return err
	}); err != nil {
		return nil, "", err
	}
	p, err := start(ctx, "freeradius", filepath.Join(dir, "out"), "freeradius", "-f", "-l", "stdout", "-d", dir)
	return p, fmt.Sprintf("127.0.0.1:%d", port), err
}
