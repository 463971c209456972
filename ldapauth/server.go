package ldapauth

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
)

// A server is one of the directory's servers with its connections.
type server struct {
	endpoint
	index uint8 // among the directory's
	breaker
	log      *slog.Logger
	tls      *tls.Config
	bindDN   string
	password secret.Value
	base     string
	policy   []string // controls of a bind
	searches *pool
	binds    *pool
}

func newServer(c Config, e endpoint, tlsConfig *tls.Config, log *slog.Logger) *server {
	s := &server{
		endpoint: e, log: log, tls: tlsConfig,
		bindDN: c.BindDN, password: c.BindPassword, base: c.Base,
	}
	s.answered = time.Now() // as far as is known
	if c.Kind != KindAD {
		s.policy = []string{oidPolicy}
	}
	s.searches = newPool(c.SearchConnections, s.up, s.dialBound)
	s.binds = newPool(c.BindConnections, s.up, s.dial)
	return s
}

// A downError is that a server cannot be used at the moment, whoever logs in.
type downError struct {
	err     error
	refused bool // it refuses the service account
}

func (e *downError) Error() string { return e.err.Error() }
func (e *downError) Unwrap() error { return e.err }

// dial connects, with TLS as configured.
func (s *server) dial(ctx context.Context, deadline time.Time) (*conn, error) {
	c, err := s.connect(ctx, deadline)
	if err != nil {
		return nil, &downError{err: err}
	}
	return c, nil
}

func (s *server) connect(ctx context.Context, deadline time.Time) (*conn, error) {
	nc, err := (&net.Dialer{Deadline: deadline}).DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	c := newConn(nc)
	switch s.endpoint.tls {
	case modeLDAPS:
		err = c.secure(ctx, deadline, s.tls)
	case modeStartTLS:
		err = c.startTLS(ctx, deadline, s.tls)
	case modePlain:
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return c, nil
}

// dialBound connects and binds as the service account.
func (s *server) dialBound(ctx context.Context, deadline time.Time) (*conn, error) {
	c, err := s.dial(ctx, deadline)
	if err != nil || s.bindDN == "" {
		return c, err
	}
	if err := s.bindService(ctx, deadline, c); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (s *server) bindService(ctx context.Context, deadline time.Time, c *conn) error {
	res, err := c.bind(ctx, deadline, s.bindDN, s.password.Reveal())
	if err == nil && res.code != ldap.LDAPResultSuccess {
		err = &resultError{res}
	}
	if err != nil {
		refused := res.code == ldap.LDAPResultInvalidCredentials
		return &downError{fmt.Errorf("bind as the service account %q: %w", s.bindDN, err), refused}
	}
	return nil
}

// probe does what a Lookup does, without a name.
func (s *server) probe(ctx context.Context) error {
	deadline := time.Now().Add(probeFor)
	c, err := s.dialBound(ctx, deadline)
	if err != nil {
		return err
	}
	defer c.close()
	return s.readBase(ctx, deadline, c)
}

// anyEntry is the filter (objectClass=*).
var anyEntry = template{tag: 0x87, plain: []byte("objectClass")}

// noAttributes selects none (RFC 4511, section 4.5.1.8).
const noAttributes = "\x04\x031.1"

func (s *server) readBase(ctx context.Context, deadline time.Time, c *conn) error {
	var found bool
	res, err := c.search(ctx, deadline, &query{
		base: s.base, scope: scopeBase, sizeLimit: 1, timeLimit: int32(probeFor / time.Second),
		filter: []asked{{filter: &anyEntry}}, attrs: []byte(noAttributes),
	}, func(entry) error { found = true; return nil })
	switch {
	case err != nil:
		return &downError{err: err}
	case res.code != ldap.LDAPResultSuccess:
		return &downError{err: fmt.Errorf("read the base %q: %w", s.base, &resultError{res})}
	case !found:
		return &downError{err: fmt.Errorf("read the base %q: no such entry, or the service account may not read it", s.base)}
	}
	return nil
}

// note counts the outcome of one use, for the breaker.
func (s *server) note(err error) {
	var down *downError
	switch {
	case err == nil:
		if s.succeed() {
			s.log.Info("directory server answers again", slog.String(login.KeyServer, s.url))
		}
	case errors.As(err, &down):
		probeIn := probeEvery
		if down.refused {
			probeIn = probeRefused
		}
		if s.fail(err, probeIn) {
			s.log.Warn("directory server is down",
				slog.String(login.KeyServer, s.url), slog.Any(login.KeyErr, err),
				slog.String(login.KeyHint, "logins use the other servers, or wait until it answers a probe"))
		}
	}
}

// exchangeError tells what the failed use of a connection says about the
// server.
func exchangeError(err error) error {
	// One odd entry must not make the server down for everybody.
	if err == nil || errors.Is(err, errReferral) || errors.Is(err, errTooLong) || errors.Is(err, errTooMany) {
		return err
	}
	if _, local := errors.AsType[*entryError](err); local {
		return err
	}
	return &downError{err: err}
}

// resultFailure is the error of a result that decides nothing: busy and
// unavailable are about the server, all else about what was asked.
func resultFailure(res result) error {
	err := &resultError{res}
	if res.code == ldap.LDAPResultBusy || res.code == ldap.LDAPResultUnavailable {
		return &downError{err: err}
	}
	return err
}

// bind checks a password on a connection of the bind pool.
func (s *server) bind(ctx context.Context, deadline time.Time, dn, password string) (result, error) {
	c, err := s.binds.get(ctx, deadline)
	if err != nil {
		return result{}, err
	}
	defer s.binds.put(c)
	res, err := c.bind(ctx, deadline, dn, password, s.policy...)
	return res, exchangeError(err)
}

func (s *server) close() {
	s.searches.close()
	s.binds.close()
}
