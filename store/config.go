package store

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/portvakt/portvakt/conf/secret"
)

// Config is the section [store] of the configuration.
type Config struct {
	// Kind is the backend: "bolt", embedded.
	Kind string `mapstructure:"kind"`
	// Path is the database file of "bolt".
	Path string `mapstructure:"path"`
	// Key is the content of the key ring file ([ParseRing]).
	Key secret.Value `mapstructure:"key"`

	// For kind "etcd", which this version does not have yet.
	Endpoints []string `mapstructure:"endpoints"`
	CA        string   `mapstructure:"ca"`
	Cert      string   `mapstructure:"cert"`
	KeyFile   string   `mapstructure:"key_file"`
}

// DefaultConfig is what holds for keys that are not set.
func DefaultConfig() Config {
	return Config{Kind: "bolt", Path: "/var/lib/portvakt/portvakt.db"}
}

// Validate returns all problems of the section, joined.
func (c Config) Validate() error {
	var errs []error
	switch c.Kind {
	case "bolt":
		if !filepath.IsAbs(c.Path) {
			errs = append(errs, fmt.Errorf("store.path: %q is not an absolute path; write where the database is, such as %q",
				c.Path, DefaultConfig().Path))
		}
		if len(c.Endpoints) > 0 {
			errs = append(errs, errors.New("store.endpoints: only for kind = \"etcd\"; remove it"))
		}
	case "etcd":
		errs = append(errs, errors.New("store.kind: \"etcd\" is not in this version yet; use \"bolt\""))
	default:
		errs = append(errs, fmt.Errorf("store.kind: %q is not known; use \"bolt\"", c.Kind))
	}
	if c.Key.IsZero() {
		errs = append(errs, errors.New("store.key: not set; make a key ring with \"portvakt init\" and write "+
			"key = { file = \"/etc/portvakt/store.key\" }"))
	} else if _, err := c.Ring(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Ring returns the configured key ring.
func (c Config) Ring() (*Ring, error) {
	r, err := ParseRing([]byte(c.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("store.key: %w", err)
	}
	return r, nil
}
