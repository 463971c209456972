package store

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/portvakt/portvakt/conf/secret"
)

// Kinds of stores.
const (
	KindBolt = "bolt" // a file, for one node
	KindEtcd = "etcd" // a cluster that nodes share
)

// Config is the section [store] of the configuration.
type Config struct {
	// Kind is the backend, [KindBolt] or [KindEtcd].
	Kind string `mapstructure:"kind"`
	// Path is the database file of "bolt".
	Path string `mapstructure:"path"`
	// Key is the content of the key ring file ([ParseRing]).
	Key secret.Value `mapstructure:"key"`
	// Cluster is where "etcd" is.
	Cluster `mapstructure:",squash"`
}

// DefaultConfig is what holds for keys that are not set.
func DefaultConfig() Config {
	return Config{Kind: KindBolt, Path: "/var/lib/portvakt/portvakt.db", Cluster: DefaultCluster()}
}

// Validate returns all problems of the section, joined.
func (c Config) Validate() error {
	var errs []error
	switch c.Kind {
	case KindBolt:
		if !filepath.IsAbs(c.Path) {
			errs = append(errs, fmt.Errorf("store.path: %q is not an absolute path; write where the database is, such as %q",
				c.Path, DefaultConfig().Path))
		}
		errs = append(errs, c.unused()...)
	case KindEtcd:
		errs = append(errs, c.problems()...)
	default:
		errs = append(errs, fmt.Errorf("store.kind: %q is not known; use %q or %q", c.Kind, KindBolt, KindEtcd))
	}
	if c.Key.IsZero() {
		errs = append(errs, errors.New("store.key: not set; make a key ring with \"portvakt init\" and write "+
			"key = { file = \"/etc/portvakt/store.key\" }"))
	} else if _, err := c.Ring(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Warnings are what works and should be changed.
func (c Config) Warnings() []string {
	if c.Kind != KindEtcd {
		return nil
	}
	return c.warnings()
}

// Shared is whether other nodes write the same records.
func (c Config) Shared() bool { return c.Kind == KindEtcd }

// Place is where the records are, for people.
func (c Config) Place() string {
	if c.Shared() {
		return c.place()
	}
	return c.Path
}

// Same is whether other has the same records: all but the key ring.
func (c Config) Same(other Config) bool {
	if c.Kind != other.Kind {
		return false
	}
	if c.Shared() {
		return c.same(other.Cluster)
	}
	return c.Path == other.Path
}

// Ring returns the configured key ring.
func (c Config) Ring() (*Ring, error) {
	r, err := ParseRing([]byte(c.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("store.key: %w", err)
	}
	return r, nil
}
