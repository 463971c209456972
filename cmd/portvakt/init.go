package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/store"
)

// What the example names beside itself.
const (
	storeKeyFile  = "store.key"
	vpnSecretFile = "vpn.secret"
)

func newInitCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init",
		Short: "Write a configuration to begin with, and its keys",
		Long: `Init writes a configuration with every section explained, and beside it the key
that seals the database and a shared secret for the first client. It replaces
nothing: a configuration that exists is an error, keys that exist are kept.

With --config in a place of your own, the database and the admin socket are
there too, so that everything can be tried without being root.`,
		Example: `  portvakt init
  portvakt init --config ./portvakt.toml`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return initialize(c.OutOrStdout(), configPath(c))
		},
	}
}

func initialize(out io.Writer, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return withHint(fmt.Errorf("%s exists already", path), "to begin anew, move it away first")
	}
	dir := filepath.Dir(path)
	text, state, err := exampleFor(path)
	if err != nil {
		return initFailed(err)
	}
	if err := errors.Join(os.MkdirAll(dir, 0o750), os.MkdirAll(state, 0o700)); err != nil {
		return initFailed(err)
	}
	mode, err := secretMode(dir)
	if err != nil {
		return initFailed(err)
	}
	// The configuration comes last: when it is there, so is what it names.
	for _, f := range []struct {
		path, what string
		create     func(path string) error
		keep       bool
	}{
		{filepath.Join(dir, storeKeyFile), "the key of the database: keep a copy in a safe place", func(path string) error { return errors.Join(store.NewRingFile(path), os.Chmod(path, mode)) }, true},
		{filepath.Join(dir, vpnSecretFile), "the shared secret of the first client", newText(rand.Text()+"\n", mode), true},
		{path, "the configuration", newText(text, 0o640), false},
	} {
		err := f.create(f.path)
		done := "wrote"
		if f.keep && errors.Is(err, fs.ErrExist) {
			// A new key would lose the database sealed with the old one.
			done, err = "kept", nil
		}
		if err != nil {
			return initFailed(err)
		}
		if _, err := fmt.Fprintf(out, "%-5s  %s  (%s)\n", done, f.path, f.what); err != nil {
			return err
		}
	}
	flag := ""
	if path != defaultConfig {
		flag = " --config " + path
	}
	_, err = fmt.Fprintf(out, `
Next:
  1. Write your directory and your clients into %s,
     and the password of the service account into %s (mode %04[4]o).
  2. portvakt check%[3]s              # tells every problem, tries each server
  3. portvakt user enroll NAME%[3]s   # give somebody a second factor
  4. portvakt serve%[3]s
`, path, filepath.Join(dir, "ldap.password"), flag, mode)
	return err
}

// secretMode is the mode of the secrets in a folder: a folder that hands its group
// on to what is made in it says that this group may read them. That of a package
// is such a one: root writes there, and the daemon reads.
func secretMode(dir string) (fs.FileMode, error) {
	info, err := os.Stat(dir)
	if err == nil && info.Mode()&fs.ModeSetgid != 0 {
		return 0o640, nil
	}
	return 0o600, err
}

// exampleFor is the configuration for a path, and the directory of its
// database.
func exampleFor(path string) (text, state string, err error) {
	usual := conf.DefaultFile()
	text, state = conf.Example(), filepath.Dir(usual.Store.Path)
	if path == defaultConfig {
		return text, state, nil
	}
	if state, err = filepath.Abs(filepath.Dir(path)); err != nil {
		return "", "", err
	}
	for _, place := range []string{usual.Store.Path, usual.Server.Admin} {
		text = strings.ReplaceAll(text, strconv.Quote(place), strconv.Quote(filepath.Join(state, filepath.Base(place))))
	}
	return text, state, nil
}

func initFailed(err error) error {
	err = fmt.Errorf("init: %w", err)
	if errors.Is(err, fs.ErrPermission) {
		return withHint(err, "run it as root, or name a place of your own with --config")
	}
	return err
}

// newText makes what writes a new file, durably; it replaces none and follows no link.
func newText(content string, mode fs.FileMode) func(path string) error {
	return func(path string) error {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode) //nolint:gosec // the administrator names the path
		if err != nil {
			return err
		}
		_, err = f.WriteString(content)
		// The umask may have taken bits away.
		return errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	}
}
