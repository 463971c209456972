package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/portvakt/portvakt/store"
)

//go:embed portvakt.toml.tmpl
var portvaktConf string

// A portvakt is how Portvakt is set up.
type portvakt struct {
	Dir          string
	Listen       string
	LDAP         string
	Cache        string // ldap.cache
	SecondFactor string
	Secret       string
	Base         string
	Service      string
	Password     string
}

// configure writes the configuration and returns its path. Everything that is
// not named in the template has its default; so the log has a line a decision.
func (p portvakt) configure(dir string) (path string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	p.Dir = dir
	p.Secret, p.Base, p.Service, p.Password = benchSecret, peopleBase, serviceDN, servicePassword
	path = filepath.Join(dir, "portvakt.toml")
	return path, writeTemplate(path, portvaktConf, p)
}

// provision enrolls the population into a store that no daemon has open.
func provision(ctx context.Context, binary, conf, dir string, users int) error {
	people := filepath.Join(dir, "people.csv")
	if err := writeTo(people, func(w io.Writer) error { return writeCSV(w, users) }); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, binary, "user", "import", "--config", conf, people).CombinedOutput()
	if err != nil {
		return fmt.Errorf("portvakt user import: %w: %s", err, lastOf(out))
	}
	return nil
}

// prepareStore makes a store with the population in it.
func prepareStore(ctx context.Context, dir, binary string, p portvakt, users int) error {
	p.Listen = "127.0.0.1:0" // nothing listens
	conf, err := p.configure(dir)
	if err != nil {
		return err
	}
	if err := store.NewRingFile(filepath.Join(dir, "store.key")); err != nil {
		return err
	}
	return provision(ctx, binary, conf, dir, users)
}

// startPortvakt starts one with a copy of a prepared store.
func startPortvakt(ctx context.Context, dir, binary string, p portvakt, prepared string) (*process, string, error) {
	port, err := freePort("udp")
	if err != nil {
		return nil, "", err
	}
	p.Listen = fmt.Sprintf("127.0.0.1:%d", port)
	conf, err := p.configure(dir)
	if err != nil {
		return nil, "", err
	}
	if err := copyStore(prepared, dir); err != nil {
		return nil, "", err
	}
	process, err := start(ctx, "portvakt", filepath.Join(dir, "log"), binary, "serve", "--config", conf)
	return process, p.Listen, err
}

// copyStore copies the key and the database with what lies beside it.
func copyStore(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() != "store.key" && !strings.HasPrefix(e.Name(), "portvakt.db") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
