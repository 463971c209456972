package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// A CA is a certificate authority of a test.
type CA struct {
	// File is the CA's certificate, PEM.
	File string

	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// A CertRequest says what a certificate of a test is like. The zero value is
// for a server on this machine, valid for a day.
type CertRequest struct {
	// Name is the common name; "localhost" if empty.
	Name string
	// Hosts are names and addresses; localhost, 127.0.0.1 and ::1 if nil.
	Hosts []string
	// NotAfter is when it ends; tomorrow if zero.
	NotAfter time.Time
}

// A Cert is a certificate and its key in PEM files.
type Cert struct{ CertFile, KeyFile string }

// NewCA makes an authority.
func NewCA(t testing.TB) *CA {
	t.Helper()
	now := time.Now()
	tmpl := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: "Test CA"},
		NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	ca := &CA{File: filepath.Join(t.TempDir(), "ca.pem"), cert: cert, key: key}
	write(t, ca.File, block("CERTIFICATE", der))
	return ca
}

// Issue makes a certificate for servers and clients.
func (ca *CA) Issue(t testing.TB, r CertRequest) Cert {
	t.Helper()
	if r.Name == "" {
		r.Name = "localhost"
	}
	if r.Hosts == nil {
		r.Hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	if r.NotAfter.IsZero() {
		r.NotAfter = time.Now().AddDate(0, 0, 1)
	}
	tmpl := &x509.Certificate{
		SerialNumber: serial(t), Subject: pkix.Name{CommonName: r.Name},
		NotBefore: r.NotAfter.AddDate(0, -1, 0), NotAfter: r.NotAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, h := range r.Hosts {
		if ip := net.ParseIP(h); ip != nil {
			tmpl.IPAddresses = append(tmpl.IPAddresses, ip)
		} else {
			tmpl.DNSNames = append(tmpl.DNSNames, h)
		}
	}
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.cert, key.Public(), ca.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	return Cert{
		CertFile: write(t, filepath.Join(folder, "cert.pem"), block("CERTIFICATE", der)),
		KeyFile:  write(t, filepath.Join(folder, "key.pem"), block("PRIVATE KEY", private)),
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func serial(t testing.TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
