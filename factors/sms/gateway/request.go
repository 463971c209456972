package gateway

import (
	"bytes"
	"context"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"

	"golang.org/x/net/http/httpguts"
)

// A template is the parsed description of one gateway's request.
type template struct {
	query, header, form []pair
	json                *document
	raw                 field
}

// ownHeaders are set by other keys or by the client, and would break the
// request's framing or authentication.
var ownHeaders = [...]string{
	"Connection", "Content-Length", "Content-Type", "Expect", "Host", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// template parses all templates of the configuration and returns all problems.
func (c Config) template() (t template, errs problems) {
	var err error
	if t.query, err = parsePairs(c.Query, "=", toPlace, textPlace, senderPlace, secretPlace, codingPlace); err != nil {
		errs.add("query: %w", err)
	}
	if t.form, err = parsePairs(c.Form, "=", toPlace, textPlace, senderPlace, secretPlace, codingPlace); err != nil {
		errs.add("form: %w", err)
	}
	// No text in headers: they are logged by everybody on the way.
	if t.header, err = parsePairs(c.Header, ":", toPlace, senderPlace, secretPlace, codingPlace); err != nil {
		errs.add("header: %w", err)
	}
	for _, h := range t.header {
		name := textproto.CanonicalMIMEHeaderKey(h.key)
		switch {
		case slices.Contains(ownHeaders[:], name), name == "Authorization" && (c.User != "" || !c.Token.IsZero() || c.Auth.Auth != ""):
			errs.add("header: %s is set by other keys: remove it", name)
		case !httpguts.ValidHeaderFieldName(h.key),
			!httpguts.ValidHeaderFieldValue(h.value.fill(values{sender: c.Sender, secret: c.Secret.Reveal()})):
			errs.add("header: %q cannot be sent: its name or value holds a character that no header can carry", name)
		}
	}
	if c.JSON != "" {
		d, err := parseDocument(c.JSON, toPlace, textPlace, senderPlace, secretPlace, codingPlace)
		if err != nil {
			errs.add("json: %w", err)
		}
		t.json = &d
	}
	if c.Raw != "" {
		// Anything around the text would be parsed by the gateway, and so
		// would the text.
		if t.raw, err = parseField(c.Raw, textPlace); err != nil || t.raw.uses(textPlace) && !t.raw.only(textPlace) {
			errs.add("raw: can only be a fixed text or \"{text}\" alone: use json or form for anything else")
		}
	}
	return t, errs
}

func (t template) uses(place string) bool {
	for _, pairs := range [][]pair{t.query, t.header, t.form} {
		for _, p := range pairs {
			if p.value.uses(place) {
				return true
			}
		}
	}
	return t.json != nil && t.json.uses(place) || t.raw.uses(place)
}

// body returns the body of one message and its media type.
func (t template) body(contentType string, v values) ([]byte, string, error) {
	switch {
	case t.json != nil:
		b, err := t.json.fill(v)
		return b, "application/json", err
	case len(t.form) > 0:
		form := url.Values{}
		for _, p := range t.form {
			form.Add(p.key, p.value.fill(v))
		}
		return []byte(form.Encode()), "application/x-www-form-urlencoded", nil
	case len(t.raw) > 0:
		if contentType == "" {
			contentType = "text/plain; charset=utf-8"
		}
		return []byte(t.raw.fill(v)), contentType, nil
	}
	return nil, "", nil
}

// request builds the request of one message. Its error is a [*NotSent].
func (h *httpProvider) request(ctx context.Context, v values) (*http.Request, error) {
	body, contentType, err := h.template.body(h.cfg.ContentType, v)
	if err != nil {
		return nil, errRequest
	}
	u := *h.url
	query := u.Query()
	for _, p := range h.template.query {
		query.Add(p.key, p.value.fill(v))
	}
	u.RawQuery = query.Encode()
	r, err := http.NewRequestWithContext(ctx, h.cfg.method(), u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, errRequest
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r, h.prepare(r, v, body)
}

var errRequest = &NotSent{Reason: "the request could not be built"}

// prepare sets the headers of a request, and what proves who we are.
func (h *httpProvider) prepare(r *http.Request, v values, body []byte) error {
	r.Header.Set("User-Agent", "portvakt")
	for _, p := range h.template.header {
		r.Header.Set(p.key, p.value.fill(v))
	}
	switch {
	case h.signer != nil:
		return h.signer.sign(r, body)
	case h.cfg.User != "":
		r.SetBasicAuth(h.cfg.User, h.cfg.Password.Reveal())
	case !h.cfg.Token.IsZero():
		r.Header.Set("Authorization", "Bearer "+h.cfg.Token.Reveal())
	}
	return nil
}
