package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/once"
	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/internal/roots"
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
	tls       *tls.Config
	transport *http.Transport
	signer    signer // nil without
	log       *slog.Logger
	tell      func(Receipt) // set once, by Report

	// nil when not set
	okMatch, failMatch, idMatch, statusOK, statusFailed, callbackID *condition
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
	for _, m := range cfg.conditions(h) {
		if *m.into, err = parseCondition(m.text); err != nil {
			return nil, fmt.Errorf("%s: %w", m.key, err)
		}
	}
	if cfg.Cert != "" {
		pair, err := tls.LoadX509KeyPair(cfg.Cert, cfg.CertKey)
		if err != nil {
			return nil, fmt.Errorf("cert: %w", err)
		}
		h.tls.Certificates = []tls.Certificate{pair}
	}
	if h.tls.RootCAs, err = roots.Read(cfg.CA); err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	h.transport = once.Transport(h.tls, maxReply)
	if cfg.Proxy != "" {
		proxy, err := url.Parse(cfg.Proxy)
		if err != nil {
			return nil, errors.New("proxy: is not an address")
		}
		h.transport.Proxy = http.ProxyURL(proxy)
	}
	h.signer = cfg.signer(h.transport)
	return h, nil
}

func (h *httpProvider) Name() string { return h.cfg.Name }

func (h *httpProvider) Send(ctx context.Context, to phone.Number, text string) (string, error) {
	r, err := h.request(ctx, values{
		to: h.cfg.numberFormat().of(to), text: text, sender: h.cfg.senderFor(to),
		secret: h.cfg.Secret.Reveal(), coding: h.cfg.codings().of(text),
	})
	if err != nil {
		return "", err
	}
	reply, unsent, err := once.Send(h.transport, r)
	if unsent {
		return "", &NotSent{Reason: err.Error(), Down: true}
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = reply.Body.Close() }()
	return h.judge(ctx, reply, to)
}

// judge decides by the reply whether the message was accepted, and finds its
// id.
func (h *httpProvider) judge(ctx context.Context, reply *http.Response, to phone.Number) (string, error) {
	status := reply.StatusCode
	if !h.accepting(status) {
		if s, ok := h.signer.(interface{ refused() }); ok && status == http.StatusUnauthorized {
			s.refused()
		}
		return "", refusal(status, reply.Header.Get("Retry-After"))
	}
	if h.okMatch == nil && h.failMatch == nil && h.idMatch == nil {
		return "", nil
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxReply+1))
	whole := err == nil && len(body) <= maxReply
	switch {
	case h.failMatch.fits(body):
		return "", &NotSent{Reason: fmt.Sprintf("status %d, and fail_match fits the reply", status)}
	case h.okMatch.fits(body):
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
// after is Retry-After.
func refusal(status int, after string) error {
	text := fmt.Sprintf("status %d", status)
	switch {
	case status == http.StatusSeeOther, status < 300,
		// A proxy in front of the gateway lost it after passing the request on.
		status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		return errors.New(text + ", which does not tell whether it was sent")
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return &NotSent{Reason: text, Down: true, Pause: retryAfter(after, time.Now())}
	case status >= 500, status < 400,
		status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusNotFound,
		status == http.StatusProxyAuthRequired, status == http.StatusPaymentRequired:
		return &NotSent{Reason: text, Down: true}
	default:
		return &NotSent{Reason: text}
	}
}

// maxPause is the longest that a gateway can have itself left alone: a wrong
// header must not switch it off.
const maxPause = 10 * time.Minute

// retryAfter reads a number of seconds or a date (RFC 9110, section 10.2.3);
// 0 when there is none.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxPause)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxPause)
	}
	return 0
}

// id finds the gateway's name of the message; nothing, when it holds the
// number.
func (h *httpProvider) id(body []byte, to phone.Number) string {
	if h.idMatch == nil {
		return ""
	}
	id, ok := h.idMatch.find(body)
	if id = cleanID(id); !ok || strings.Contains(id, to.National()) {
		return ""
	}
	return id
}

// cleanID leaves out what would make a mess of a log; nothing is left of what
// is too long.
func cleanID(id string) string {
	id = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}, id)
	if len(id) > maxID {
		return ""
	}
	return id
}
