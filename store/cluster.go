package store

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/roots"
)

// Bounds of the configuration of a cluster.
const (
	maxEndpoints = 16
	maxPrefix    = 64 // octets, which are not taken from those of a key
	minTimeout   = 100 * time.Millisecond
	maxTimeout   = 30 * time.Second
)

// A Cluster is where an etcd cluster is, in the section [store].
type Cluster struct {
	// Endpoints are its members: https://host:2379, or with Insecure http://.
	Endpoints []string `mapstructure:"endpoints"`
	// Insecure allows http://. A warning is logged at each start.
	Insecure bool `mapstructure:"insecure"`
	// CA is a PEM file of the authorities that members' certificates are
	// checked with; empty: the system's.
	CA string `mapstructure:"ca"`
	// Cert and KeyFile are PEM files of the certificate that members know this
	// node by; where the cluster has users, its common name is one. They are read
	// anew for each connection.
	Cert    string `mapstructure:"cert"`
	KeyFile string `mapstructure:"key_file"`
	// Prefix begins the name of each record, so that others can use the
	// cluster too.
	Prefix string `mapstructure:"prefix"`
	// Timeout bounds each request.
	Timeout time.Duration `mapstructure:"timeout"`
}

// DefaultCluster is what holds for keys that are not set.
func DefaultCluster() Cluster { return Cluster{Prefix: "portvakt/", Timeout: 3 * time.Second} }

// problems are those of the keys of a cluster that is used.
func (c Cluster) problems() (errs []error) {
	say := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("store.%s: "+format, append([]any{key}, args...)...))
	}
	if len(c.Endpoints) == 0 || len(c.Endpoints) > maxEndpoints {
		say("endpoints", "must name 1 to %d members, as in [\"https://etcd1.example.org:2379\"]", maxEndpoints)
	}
	plain := 0
	for _, e := range c.Endpoints {
		u, err := url.Parse(e)
		switch {
		case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.Port() == "":
			say("endpoints", "%q is not https://host:port", e)
		case u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
			say("endpoints", "a member has only a host and a port: write https://%s", u.Host)
		case u.Scheme == "http" && !c.Insecure:
			say("endpoints", "http://%s: whoever is on the way could make used codes good again: use https://, or allow it with insecure = true", u.Host)
		}
		if err == nil && u.Scheme == "http" {
			plain++
		}
	}
	if plain > 0 && plain < len(c.Endpoints) {
		say("endpoints", "has http:// and https:// in one list: use one of them for all members")
	}
	if _, err := roots.Read(c.CA); err != nil {
		say("ca", "%q: %w; give a PEM file of the authority that signed the members' certificates", c.CA, err)
	}
	switch {
	case c.Cert == "" && c.KeyFile == "":
	case c.Cert == "":
		say("cert", "is missing beside key_file: name the file of the certificate")
	case c.KeyFile == "":
		say("key_file", "is missing beside cert: name the file of its private key")
	default:
		if _, err := tls.LoadX509KeyPair(c.Cert, c.KeyFile); err != nil {
			say("cert", "cannot be used with key_file: %w", err)
		}
		// Who has it can write to the cluster.
		if info, err := os.Stat(c.KeyFile); err == nil && info.Mode()&0o007 != 0 {
			say("key_file", "%q can be used by everybody on this machine (mode %04o): chmod 640 %[1]s, and have a new certificate made if others can have read it",
				c.KeyFile, info.Mode().Perm())
		}
	}
	if !strings.HasSuffix(c.Prefix, "/") || len(c.Prefix) > maxPrefix || !utf8.ValidString(c.Prefix) || strings.IndexByte(c.Prefix, 0) >= 0 {
		say("prefix", "%q needs to end with / and have at most %d octets, as in %q", c.Prefix, maxPrefix, DefaultCluster().Prefix)
	}
	if c.Timeout < minTimeout || c.Timeout > maxTimeout {
		say("timeout", "%v is not between %v and %v", c.Timeout, minTimeout, maxTimeout)
	}
	return errs
}

// unused are problems of keys that are set for a cluster that is not used.
func (c Cluster) unused() (errs []error) {
	d := DefaultCluster()
	for _, k := range []struct {
		key string
		set bool
	}{
		{"endpoints", len(c.Endpoints) > 0},
		{"insecure", c.Insecure},
		{"ca", c.CA != ""},
		{"cert", c.Cert != ""},
		{"key_file", c.KeyFile != ""},
		{"prefix", c.Prefix != d.Prefix},
		{"timeout", c.Timeout != d.Timeout},
	} {
		if k.set {
			errs = append(errs, errors.New("store."+k.key+": only for kind = \"etcd\"; remove it"))
		}
	}
	return errs
}

func (c Cluster) warnings() (all []string) {
	if slices.ContainsFunc(c.Endpoints, func(e string) bool { return strings.HasPrefix(e, "http://") }) {
		all = append(all, fmt.Sprintf("insecure: what is written goes to %s in the clear: the values are sealed, but whoever is on the way can take changes back and make used codes good again: use https://",
			strings.Join(c.Endpoints, ", ")))
	}
	switch {
	case len(c.Endpoints) == 1:
		all = append(all, "endpoints: names one member: when it stands, nobody signs in: name all members")
	case len(c.Endpoints) == 2:
		all = append(all, "endpoints: names two members: a cluster of two stands still when one does: use three")
	}
	return all
}

func (c Cluster) place() string { return strings.Join(c.Endpoints, " ") + " " + c.Prefix }

// same is whether other needs no other connections. Files are read anew anyway,
// but for that of the authorities.
func (c Cluster) same(other Cluster) bool {
	return slices.Equal(c.Endpoints, other.Endpoints) && c.Insecure == other.Insecure && c.CA == other.CA && c.Cert == other.Cert &&
		c.KeyFile == other.KeyFile && c.Prefix == other.Prefix && c.Timeout == other.Timeout
}

// TLS is how members are spoken to; nil in the clear.
func (c Cluster) TLS() (*tls.Config, error) {
	if len(c.Endpoints) > 0 && strings.HasPrefix(c.Endpoints[0], "http://") { // so have all
		return nil, nil //nolint:nilnil // crypto/tls has no other word for it
	}
	pool, err := roots.Read(c.CA)
	if err != nil {
		return nil, fmt.Errorf("store.ca: %w", err)
	}
	t := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	if c.Cert != "" {
		// A certificate that is renewed is taken by the next connection.
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(c.Cert, c.KeyFile)
			return &cert, err
		}
	}
	return t, nil
}
