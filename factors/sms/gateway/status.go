package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/portvakt/portvakt/conf/secret"
)

// idPlace is the placeholder of status_url.
const idPlace = "{id}"

// Receipts says how an HTTP gateway tells what became of messages. What is
// looked for is a regular expression or a JSON pointer, as for a reply.
type Receipts struct {
	StatusURL    string       `mapstructure:"status_url"`    // asked by GET, with {id}
	StatusOK     string       `mapstructure:"status_ok"`     // what a message that was delivered has
	StatusFailed string       `mapstructure:"status_failed"` // … that failed, whatever else it has
	Callback     secret.Value `mapstructure:"callback"`      // the end of the address that the gateway calls
	CallbackID   string       `mapstructure:"callback_id"`   // where a callback has the id
}

// Reports reports whether the provider may tell that a message was delivered.
func (c Config) Reports() bool {
	return c.Kind == kindHTTP && (c.Receipts.StatusURL != "" || !c.Receipts.Callback.IsZero()) ||
		c.Kind == kindSMPP && c.SMPP.Receipts()
}

// statusURL is the address that tells of a message. The id is escaped, so that
// a gateway's answer cannot lead to another address.
func statusURL(template, id string) (*url.URL, error) {
	if id == "." || id == ".." {
		return nil, errors.New("the id of a message is none")
	}
	path, query, _ := strings.Cut(template, "?")
	address := strings.ReplaceAll(path, idPlace, url.PathEscape(id))
	if query != "" {
		address += "?" + strings.ReplaceAll(query, idPlace, url.QueryEscape(id))
	}
	return url.Parse(address)
}

// Status asks the gateway.
func (h *httpProvider) Status(ctx context.Context, id string) (Receipt, error) {
	u, err := statusURL(h.cfg.Receipts.StatusURL, id)
	if err != nil {
		return Receipt{}, errors.New("status_url: the id does not fit into it")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Receipt{}, errors.New("status_url: is not an address")
	}
	v := values{sender: h.cfg.Sender, secret: h.cfg.Secret.Reveal()}
	if err := h.prepare(r, v, nil); err != nil {
		return Receipt{}, err
	}
	reply, err := h.transport.RoundTrip(r)
	if err != nil {
		return Receipt{}, errors.New("no reply of status_url")
	}
	defer func() { _ = reply.Body.Close() }()
	if reply.StatusCode != http.StatusOK {
		return Receipt{}, fmt.Errorf("status %d of status_url", reply.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, maxReply+1))
	if err != nil || len(body) > maxReply {
		return Receipt{}, errors.New("the reply of status_url broke off or is too long")
	}
	receipt := h.reading(body)
	receipt.ID = id
	return receipt, nil
}

// reading finds the state of a message in what its gateway says of it.
func (h *httpProvider) reading(text []byte) Receipt {
	r := Receipt{Provider: h.cfg.Name, State: Pending}
	for _, c := range []struct {
		*condition
		state State
	}{{h.statusFailed, Failed}, {h.statusOK, Delivered}} { // the failure wins
		if c.condition == nil {
			continue
		}
		if word, ok := c.find(text); ok {
			r.State, r.Detail = c.state, Detail(word)
			break
		}
	}
	return r
}

func (c Config) validateStatus(p *problems) {
	r := c.Receipts
	if r.StatusURL == "" && r.Callback.IsZero() {
		if r.StatusOK != "" || r.StatusFailed != "" {
			p.add("status_url: is not set, so status_ok and status_failed are never looked at: set it or callback")
		}
		return
	}
	if c.IDMatch == "" {
		p.add("id_match: is not set: receipts could not be told apart: write where the reply has the id of the message")
	}
	if r.StatusOK == "" && r.StatusFailed == "" {
		p.add("status_failed: neither it nor status_ok is set: write by what a message that failed is known")
	}
	if r.StatusURL == "" {
		return
	}
	authority, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.StatusURL, "https://"), "http://"), "/")
	filled := strings.ReplaceAll(r.StatusURL, idPlace, "id")
	switch u, err := url.Parse(filled); {
	case !strings.Contains(r.StatusURL, idPlace):
		p.add("status_url: {id} is not in it: the gateway would not know which message is meant")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || strings.Contains(authority, idPlace):
		p.add("status_url: is not an address of a gateway: write \"https://host/path/{id}\"")
	case strings.ContainsAny(filled, "{}"):
		p.add("status_url: holds another placeholder than {id}")
	case u.Scheme == "http" && !c.Insecure && !loopback(u.Hostname()):
		p.add("status_url: http:// would carry passwords in the clear: use https://, or set insecure = true")
	}
}
