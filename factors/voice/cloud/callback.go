package cloud

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/login"
)

// Bounds of the listener, which strangers can reach.
const (
	maxForm        = 16 << 10 // octets; the service sends some 1000
	maxHeader      = 16 << 10
	maxConnections = 256
	readWithin     = 5 * time.Second
	writeWithin    = 10 * time.Second
	idleWithin     = 30 * time.Second
	closeWithin    = 2 * time.Second
)

// Listen binds callback_listen and serves until Close, or takes a place at the
// listener of one of the providers before, which goes on for their calls.
func (t *Twilio) Listen(ctx context.Context, before ...voice.Provider) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.front != nil || t.closed {
		return errors.New("listens already, or is closed")
	}
	var pair *tls.Certificate
	if t.cfg.CallbackCert != "" {
		loaded, err := tls.LoadX509KeyPair(t.cfg.CallbackCert, t.cfg.CallbackKey)
		if err != nil {
			return fmt.Errorf("callback_cert: %w", err)
		}
		pair = &loaded
	}
	for _, p := range before {
		if b, ok := p.(*Twilio); ok && b != t {
			if f := b.at(); f != nil && f.join(t, pair) {
				t.front = f
				return nil
			}
		}
	}
	var err error
	t.front, err = newFront(ctx, t, pair)
	return err
}

// at is the listener, nil before Listen.
func (t *Twilio) at() *front {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.front
}

// ServeHTTP takes what the service posts, for who serves it on a listener of
// his own. Whatever is not of a call in progress, and signed for it, is not
// found.
func (t *Twilio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	doc, ok := t.posted(w, r)
	if !ok {
		notFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if doc == "" {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	_, _ = io.WriteString(w, doc) //nolint:gosec // G705: a document of our own, whose texts are escaped
}

// posted takes one request, and returns the document that answers it.
func (t *Twilio) posted(w http.ResponseWriter, r *http.Request) (doc string, ok bool) {
	if r.Method != http.MethodPost {
		return "", false
	}
	id, rest, ok := t.path(r)
	if !ok {
		return "", false
	}
	d := t.find(id)
	if d == nil {
		return "", false
	}
	form, ok := formOf(w, r)
	if !ok {
		return "", false
	}
	// The address is the one we gave out, whatever host and scheme the proxy
	// made of it.
	address := d.address + "/" + rest
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	if !signed(t.cfg.Token, address, form, r.Header.Get("X-Twilio-Signature")) {
		// Only the service and who sits on the way know the path.
		t.log.Warn("a key of a call was posted without the right signature", slog.String(login.KeyProvider, t.cfg.Name),
			slog.String(login.KeyAttempt, d.call.Reference),
			slog.String(login.KeyHint, "token is not the account's auth token, or callback_url not what the service calls"))
		return "", false
	}
	if form.Get("AccountSid") != t.cfg.Account || !d.is(form.Get("CallSid")) {
		return "", false
	}
	return d.take(rest, form)
}

// take takes a signed request to what is below the path of the call.
func (d *dialogue) take(rest string, form url.Values) (doc string, ok bool) {
	if rest == "status" {
		d.progress(form.Get("CallStatus"))
		return "", true
	}
	number, what, _ := strings.Cut(rest, "/")
	step, err := strconv.Atoi(number)
	if err != nil || strconv.Itoa(step) != number {
		return "", false
	}
	switch what {
	case "key":
		return d.key(step, form.Get("Digits"))
	case "again":
		return d.silence(step)
	}
	return "", false
}

func formOf(w http.ResponseWriter, r *http.Request) (url.Values, bool) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if err != nil {
		return nil, false
	}
	form, err := url.ParseQuery(string(body))
	return form, err == nil
}

// find returns a call in progress, or nil.
func (t *Twilio) find(id string) *dialogue {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.calls[id]
}
