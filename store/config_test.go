package store_test

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/store"
)

func TestConfigTellsAllProblems(t *testing.T) {
	t.Parallel()
	good := store.DefaultConfig()
	good.Key = secret.New("1 " + key64(1))
	for name, tc := range map[string]struct {
		change func(c *store.Config)
		want   []string // in this order
	}{
		"good":            {func(*store.Config) {}, nil},
		"a key alone":     {func(c *store.Config) { c.Key = secret.New(key64(1) + "\n") }, nil},
		"no key":          {func(c *store.Config) { c.Key = secret.Value{} }, []string{"store.key"}},
		"bad key":         {func(c *store.Config) { c.Key = secret.New("1 secret") }, []string{"store.key"}},
		"relative path":   {func(c *store.Config) { c.Path = "portvakt.db" }, []string{"store.path"}},
		"no path, no key": {func(c *store.Config) { c.Path, c.Key = "", secret.Value{} }, []string{"store.path", "store.key"}},
		"unknown kind":    {func(c *store.Config) { c.Kind = "redis" }, []string{"store.kind"}},
		"keys of a cluster": {func(c *store.Config) {
			c.Endpoints, c.Insecure, c.CA, c.Cert, c.KeyFile = []string{"x"}, true, "x", "x", "x"
			c.Prefix, c.Timeout = "x", 1
		}, []string{
			"store.endpoints", "store.insecure", "store.ca", "store.cert", "store.key_file", "store.prefix", "store.timeout",
		}},
	} {
		c := good
		tc.change(&c)
		err := c.Validate()
		var lines []string
		if err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		if len(lines) != len(tc.want) {
			t.Errorf("%s: got %q, want %d problems", name, lines, len(tc.want))
			continue
		}
		for i, want := range tc.want {
			if !strings.Contains(lines[i], want) || strings.Contains(lines[i], "secret\"") {
				t.Errorf("%s: got %q, want it to name %s and no key", name, lines[i], want)
			}
		}
	}
}
