package radiusd

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/roots"
)

// RadSecConfig is [server.radsec]: RADIUS over TLS (RFC 6614).
type RadSecConfig struct {
	// Listen are the addresses, each with its port; none means that nobody is
	// served over TLS.
	Listen []string `mapstructure:"listen"`
	// Cert and Key are PEM files: the server's certificate, with those between
	// it and its authority behind it, and its key.
	Cert string `mapstructure:"cert"`
	Key  string `mapstructure:"key"`
	// CA is a PEM file of the authorities whose certificates clients may have.
	CA string `mapstructure:"ca"`
	// MaxConnections is how many connections may be open; a quarter of them
	// from one address.
	MaxConnections int `mapstructure:"max_connections"`
}

// radsecSecret stands where a shared secret would: TLS keeps the secrets there
// (RFC 6614, section 2.3).
const radsecSecret = "radsec"

const (
	minConnections = 4
	maxConnections = 1 << 16
)

// problems are those of the section; needed says whether a client can come in
// no other way.
func (c RadSecConfig) problems(needed bool) (problems []error) {
	bad := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if len(c.Listen) == 0 {
		if c.Cert != "" || c.Key != "" || c.CA != "" {
			bad(`server.radsec.listen is empty: name an address, such as "0.0.0.0:2083", or leave the section out`)
		} else if needed {
			bad(`server.radsec.listen is empty, and a client has certificates and no secret: name an address, such as "0.0.0.0:2083"`)
		}
	}
	for i, l := range c.Listen {
		if _, err := netip.ParseAddrPort(l); err != nil {
			bad(`server.radsec.listen: %q is not an address with a port: write it like "0.0.0.0:2083" or "[::]:2083"`, l)
		} else if slices.Contains(c.Listen[:i], l) && !strings.HasSuffix(l, ":0") {
			bad("server.radsec.listen: %q is there twice: leave one out", l)
		}
	}
	if len(c.Listen) > 0 {
		for _, file := range []struct{ key, path, what string }{
			{"cert", c.Cert, "the server's certificate"},
			{"key", c.Key, "the key of the server's certificate"},
			{"ca", c.CA, "the authorities of the clients' certificates"},
		} {
			if file.path == "" {
				bad("server.radsec.%s is empty: name the PEM file of %s", file.key, file.what)
			}
		}
	}
	if c.MaxConnections < minConnections || c.MaxConnections > maxConnections {
		bad("server.radsec.max_connections is %d: choose %d to %d", c.MaxConnections, minConnections, maxConnections)
	}
	return problems
}

// OverTLS reports whether the client may come over TLS.
func (c ClientConfig) OverTLS() bool { return len(c.Certificates) > 0 }

// OverUDP reports whether the client may come over UDP, which it has a secret
// for.
func (c ClientConfig) OverUDP() bool { return !c.Secret.IsZero() || !c.OverTLS() }

func (c ClientConfig) onlyOverTLS() bool { return !c.OverUDP() }

// certificateProblems are those of a client's certificates.
func (c ClientConfig) certificateProblems() (problems []error) {
	for i, s := range c.Certificates {
		if _, err := parseCertificateID(s); err != nil {
			problems = append(problems, fmt.Errorf("certificates: %w", err))
		} else if slices.Contains(c.Certificates[:i], s) {
			problems = append(problems, fmt.Errorf("certificates: %q is there twice: leave one out", s))
		}
	}
	return problems
}

// A tlsIdentity is the server's certificate and the authorities of its clients'.
type tlsIdentity struct {
	pair    tls.Certificate
	clients *x509.CertPool
}

// load reads the files; nil when nobody is served over TLS.
func (c RadSecConfig) load() (*tlsIdentity, error) {
	if len(c.Listen) == 0 {
		return nil, nil //nolint:nilnil // see above
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("server.radsec: cert and key: %w", err)
	}
	clients, err := roots.Read(c.CA)
	if err != nil {
		return nil, fmt.Errorf("server.radsec: ca: %w", err)
	}
	return &tlsIdentity{pair, clients}, nil
}

// Check reads the files and returns when the server's certificate ends.
func (c RadSecConfig) Check() (expires time.Time, err error) {
	id, err := c.load()
	if err != nil || id == nil {
		return time.Time{}, err
	}
	if expires = id.pair.Leaf.NotAfter; time.Now().After(expires) {
		return expires, fmt.Errorf("%s: the certificate has ended on %s: renew it", c.Cert, expires.Format(time.DateOnly))
	}
	return expires, nil
}

// config is for one handshake. A connection is worth one, so that no session is
// resumed: each certificate is looked at anew. ALPN is not offered: RADIUS/1.1
// (RFC 9765) is not spoken.
func (id *tlsIdentity) config(verify func(tls.ConnectionState) error) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		Certificates:           []tls.Certificate{id.pair},
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              id.clients,
		SessionTicketsDisabled: true,
		VerifyConnection:       verify,
	}
}

// verifies reports whether a chain that another set of authorities was good for
// is good under this one.
func (id *tlsIdentity) verifies(chain []*x509.Certificate) bool {
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: id.clients, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err == nil
}
