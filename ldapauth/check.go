package ldapauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"sync"
	"time"
)

// A ServerStatus is what `portvakt check` shows of one server.
type ServerStatus struct {
	URL string
	// TLS is the version and the cipher suite, empty without TLS.
	TLS string
	// Expires is when the server's certificate does; zero without TLS, set
	// also when the certificate is the problem.
	Expires time.Time
	// Subject is the certificate's subject.
	Subject string
	// Bound is that the service account was accepted (or searches are
	// anonymous), Base that the base could be read.
	Bound, Base bool
	Took        time.Duration
	// Err is the first thing that went wrong, nil when the server can be used.
	Err error
}

// Check tries every server: connection, TLS, service account, base. The
// result is in the order of the configuration.
func (d *Directory) Check(ctx context.Context) []ServerStatus {
	all := make([]ServerStatus, len(d.servers))
	var wg sync.WaitGroup
	for i, s := range d.servers {
		wg.Go(func() { all[i] = s.check(ctx, time.Now().Add(d.cfg.Timeout)) })
	}
	wg.Wait()
	return all
}

func (s *server) check(ctx context.Context, deadline time.Time) (status ServerStatus) {
	began := time.Now()
	status.URL = s.url
	defer func() { status.Took = time.Since(began) }()
	c, err := s.dial(ctx, deadline)
	if err != nil {
		status.Err = err
		var bad *tls.CertificateVerificationError
		if errors.As(err, &bad) && len(bad.UnverifiedCertificates) > 0 {
			status.certificate(bad.UnverifiedCertificates[0])
		}
		return status
	}
	defer c.close()
	if t, ok := c.nc.(*tls.Conn); ok {
		state := t.ConnectionState()
		status.TLS = tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite)
		status.certificate(state.PeerCertificates[0])
	}
	if s.bindDN != "" {
		if status.Err = s.bindService(ctx, deadline, c); status.Err != nil {
			return status
		}
	}
	status.Bound = true
	status.Err = s.readBase(ctx, deadline, c)
	status.Base = status.Err == nil
	return status
}

func (status *ServerStatus) certificate(c *x509.Certificate) {
	status.Expires, status.Subject = c.NotAfter, c.Subject.String()
}
