package roots

import (
	"crypto/x509"
	"fmt"
	"os"
)

// Read returns the authorities of a PEM file, and for the path "" nil, which is
// crypto/tls's own word for the system's.
func Read(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // see above
	}
	pem, err := os.ReadFile(path) //nolint:gosec // G304: the administrator's file
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no certificate in %s: it needs to be a PEM file", path)
	}
	return pool, nil
}
