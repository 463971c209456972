package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/login"
)

const (
	maxReply = 64 << 10 // octets of a body, and of the headers, that are read
	maxID    = 64       // octets of a gateway's id that are logged
)

// An httpProvider sends by a request to a web gateway.
type httpProvider struct {
	cfg       Config
	url       *url.URL
	template  template
	okMatch   *regexp.Regexp // nil when not set, as the next two
	failMatch *regexp.Regexp
	idMatch   *regexp.Regexp
	tls       *tls.Config
	transport *http.Transport
	log       *slog.Logger
}

func newHTTP(cfg Config, log *slog.Logger) (*httpProvider, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, errors.New("url: is not an address")
	}
	t, errs := cfg.template()
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	h := &httpProvider{cfg: cfg, url: u, template: t, log: log, tls: &tls.Config{MinVersion: tls.VersionTLS12}}
	for _, m := range []struct {
		expr string
		into **regexp.Regexp
	}{{cfg.OKMatch, &h.okMatch}, {cfg.FailMatch, &h.failMatch}, {cfg.IDMatch, &h.idMatch}} {
		if m.expr == "" {
			continue
		}
		if *m.into, err = regexp.Compile(m.expr); err != nil {
			return nil, err
		}
	}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		h.tls.RootCAs = x509.NewCertPool()
		if !h.tls.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: no certificate in %s: it needs to be a PEM file", cfg.CA)
		}
	}
	h.transport = &http.Transport{
		TLSClientConfig: h.tls,
		// The client repeats a GET by itself when a kept connection breaks
		// after the request was written: a second message. A new connection
		// for each never does, and HTTP/2 stays off.
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxReply,
	}
	if cfg.Proxy != "" {
		proxy, err := url.Parse(cfg.Proxy)
		if err != nil {
			return nil, errors.New("proxy: is not an address")
		}
		h.transport.Proxy = http.ProxyURL(proxy)
	}
	return h, nil
}

func (h *httpProvider) Name() string { return h.cfg.Name }

func (h *httpProvider) Send(ctx context.Context, to phone.Number, text string) (string, error) {
	// Before there is a connection nothing can have been written.
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	r, err := h.request(traced, values{
		to: h.cfg.numberFormat().of(to), text: text, sender: h.cfg.Sender,
		secret: h.cfg.Secret.Reveal(), coding: h.cfg.codings().of(text),
	})
	if err != nil {
		return "", &NotSent{Reason: "the request could not be built"}
	}
	// RoundTrip follows no redirect: it would carry the code and the
	// credentials to somebody else.
	reply, err := h.transport.RoundTrip(r)
	switch {
	case err == nil:
	case !connected.Load():
		return "", &NotSent{Reason: beforeConnection(ctx, err), Down: true}
	case ctx.Err() != nil:
		return "", errors.New("no reply in time")
	default:
		// The client's error may quote what the gateway wrote.
		return "", errors.New("the connection broke before the reply")
	}
	defer func() { _ = reply.Body.Close() }()
	return h.judge(ctx, reply, to)
}

// beforeConnection words an error that came before a connection. Those name
// hosts, addresses and certificates only.
func beforeConnection(ctx context.Context, err error) string {
	if ctx.Err() != nil {
		return "no connection in time"
	}
	if op := new(net.OpError); errors.As(err, &op) {
		return "no connection: " + op.Err.Error()
	}
	if dns := new(net.DNSError); errors.As(err, &dns) {
		return "no connection: " + dns.Error()
	}
	if cert := new(tls.CertificateVerificationError); errors.As(err, &cert) {
		return "no connection: " + cert.Error()
	}
	return "no connection"
}

// judge decides by the reply whether the message was accepted, and finds its
// id.
func (h *httpProvider) judge(ctx context.Context, reply *http.Response, to phone.Number) (string, error) {
	status := reply.StatusCode
	if !h.accepting(status) {
		return "", refusal(status)
	}
	if h.okMatch == nil && h.failMatch == nil && h.idMatch == nil {
		return "", nil
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxReply+1))
	whole := err == nil && len(body) <= maxReply
	switch {
	case h.failMatch != nil && h.failMatch.Match(body):
		return "", &NotSent{Reason: fmt.Sprintf("status %d, and fail_match fits the reply", status)}
	case h.okMatch != nil && h.okMatch.Match(body):
	case (h.okMatch != nil || h.failMatch != nil) && !whole:
		return "", fmt.Errorf("status %d, but the reply broke off or is too long", status)
	case h.okMatch != nil:
		return "", &NotSent{Reason: fmt.Sprintf("status %d, but ok_match does not fit the reply", status)}
	}
	id := h.id(body, to)
	if id != "" {
		h.log.LogAttrs(ctx, slog.LevelDebug, "gateway gave an id", slog.String(login.KeyProvider, h.cfg.Name),
			slog.String(login.KeyDetail, id))
	}
	return id, nil
}

func (h *httpProvider) accepting(status int) bool {
	if len(h.cfg.OK) == 0 {
		return status >= 200 && status <= 299
	}
	return slices.Contains(h.cfg.OK, status)
}

// refusal tells what a status that is not accepting means for the message.
func refusal(status int) error {
	text := fmt.Sprintf("status %d", status)
	switch {
	case status == http.StatusSeeOther, status < 300,
		// A proxy in front of the gateway lost it after passing the request on.
		status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return errors.New(text + ", which does not tell whether it was sent")
	case status >= 500, status < 400,
		status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound,
		status == http.StatusProxyAuthRequired, status == http.StatusTooManyRequests, status == http.StatusPaymentRequired:
		return &NotSent{Reason: text, Down: true}
	default:
		return &NotSent{Reason: text}
	}
}

// id finds the gateway's name of the message; nothing, when it holds the
// number or what would make a mess of a log.
func (h *httpProvider) id(body []byte, to phone.Number) string {
	if h.idMatch == nil {
		return ""
	}
	m := h.idMatch.FindSubmatch(body)
	if m == nil {
		return ""
	}
	id := strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, string(m[1]))
	if len(id) > maxID || strings.Contains(id, to.National()) {
		return ""
	}
	return id
}
