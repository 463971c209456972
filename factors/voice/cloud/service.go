package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/once"
	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/internal/roots"
)

// maxReply is how many octets of a reply, and of its headers, are read.
const maxReply = 64 << 10

// A service is the web interface of one.
type service struct {
	base      string
	timeout   time.Duration
	authorize func(*http.Request)
	transport *http.Transport
}

func newService(cfg Config, authorize func(*http.Request)) (*service, error) {
	pool, err := roots.Read(cfg.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return &service{
		base: cfg.url(), timeout: cfg.timeout(), authorize: authorize,
		transport: once.Transport(&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, maxReply),
	}, nil
}

// A reply is what a service answered.
type reply struct {
	status int
	body   []byte
}

func (r reply) ok() bool { return r.status >= 200 && r.status <= 299 }

// errUnsent is the error of a request that certainly did not leave.
var errUnsent = errors.New("not sent")

// ask sends one request.
func (s *service) ask(ctx context.Context, method, path, contentType, body string) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.base+path, strings.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("the request could not be built: %w", errUnsent)
	}
	r.Header.Set("User-Agent", "portvakt")
	r.Header.Set("Accept", "application/json")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	s.authorize(r)
	answer, unsent, err := once.Send(s.transport, r)
	if unsent {
		return reply{}, fmt.Errorf("%w: %w", err, errUnsent)
	}
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxReply))
	if err != nil && answer.StatusCode < 400 {
		return reply{}, errors.New("the reply broke off")
	}
	return reply{answer.StatusCode, text}, nil
}

// unplaced turns an error of the request that should have placed a call into a
// Failure.
func unplaced(ctx context.Context, err error) error {
	f := &voice.Failure{Why: voice.WhyUnavailable, Rang: !errors.Is(err, errUnsent), Err: err}
	if ctx.Err() != nil {
		f.Why = voice.WhyStopped
	}
	return f
}

// refused is the Failure of a reply that no call was placed. detail is what
// the service said, a number of its list.
func refused(r reply, detail string) *voice.Failure {
	f := &voice.Failure{Why: voice.WhyRefused, Err: fmt.Errorf("status %d%s", r.status, detail)}
	switch {
	case r.status == http.StatusBadGateway, r.status == http.StatusGatewayTimeout, r.status < 400:
		// A proxy in front of the service lost it after passing the request on.
		f.Why, f.Rang = voice.WhyUnavailable, true
	case r.status >= 500, r.status == http.StatusTooManyRequests:
		f.Why = voice.WhyUnavailable
	}
	return f
}

func (s *service) close() { s.transport.CloseIdleConnections() }
