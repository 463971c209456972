package gateway

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
)

// CallbackPath is where gateways tell what became of messages:
// /sms/receipts/PROVIDER/SECRET.
const CallbackPath = "/sms/receipts/"

// maxFields bounds the fields of a callback that is a form.
const maxFields = 200

// Report has fn called with each receipt.
func (h *httpProvider) Report(fn func(Receipt)) { h.tell = fn }

// Receipts handles the callbacks of all providers, below [CallbackPath]. Who
// calls proves by the last part of the path that the gateway has told him; so
// the address is as secret as a password, and is not logged.
func (c *Chain) Receipts() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := c.called(r.URL.Path)
		if h == nil {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodPost && r.Method != http.MethodGet {
			w.Header().Set("Allow", "GET, POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		text, err := callbackText(w, r)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		id, ok := h.callbackID.find(text)
		if !ok {
			c.log.LogAttrs(r.Context(), slog.LevelDebug, "a receipt without the id of a message", slog.String(login.KeyProvider, h.Name()))
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		receipt := h.reading(text)
		receipt.ID = cleanID(id)
		h.tell(receipt)
		w.WriteHeader(http.StatusNoContent)
	})
}

// called finds the provider of a path. Both parts are compared as a whole, so
// that nothing is told of either.
func (c *Chain) called(path string) *httpProvider {
	rest, ok := strings.CutPrefix(path, CallbackPath)
	who, word, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 {
		return nil
	}
	var found *httpProvider
	for _, l := range c.links {
		h, ok := l.Provider.(*httpProvider)
		if ok && l.reports && l.Name() == who && sameSecret(word, h.cfg.Receipts.Callback) {
			found = h
		}
	}
	return found
}

func sameSecret(word string, s secret.Value) bool {
	a, b := sha256.Sum256([]byte(word)), sha256.Sum256([]byte(s.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// callbackText is the body of a callback; a form or a query as the object of
// JSON with its fields, so that conditions read all alike.
func callbackText(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReply))
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	fields := r.URL.RawQuery
	switch {
	case r.Method == http.MethodPost && kind == "application/x-www-form-urlencoded":
		fields = string(body)
	case r.Method == http.MethodPost && len(body) > 0:
		return body, nil
	}
	if strings.Count(fields, "&") >= maxFields {
		return nil, errors.New("too many fields")
	}
	values, err := url.ParseQuery(fields)
	if err != nil {
		return nil, errors.New("not a form")
	}
	object := make(map[string]string, len(values))
	for k, v := range values {
		object[k] = v[0]
	}
	return json.Marshal(object)
}

// callbackWord is what the end of an address can be without being escaped.
var callbackWord = regexp.MustCompile(`^[A-Za-z0-9_-]{20,}$`)

func (c Config) validateCallback(p *problems) {
	r := c.Receipts
	switch {
	case r.Callback.IsZero() && r.CallbackID != "":
		p.add("callback: is not set, so callback_id is never looked at: set it, or remove callback_id")
	case r.Callback.IsZero():
	case !callbackWord.MatchString(r.Callback.Reveal()):
		p.add("callback: is not 20 or more letters, digits, \"-\" and \"_\": it is the secret end of an address; try \"openssl rand -hex 20\"")
	case r.CallbackID == "":
		p.add("callback_id: is not set: write where a callback has the id of the message, as \"/MessageSid\"")
	}
	if !r.Callback.IsZero() && strings.ContainsAny(c.Name, "/?#%") {
		p.add("name: %q is part of the address of callbacks: leave \"/\", \"?\", \"#\" and \"%%\" away", c.Name)
	}
}
