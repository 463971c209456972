package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

const (
	// tokenEarly is how long before its end a token is replaced.
	tokenEarly = 30 * time.Second
	// tokenFor is how long one is good whose end is not told.
	tokenFor = time.Minute
	// tokenMost is the longest that one is kept.
	tokenMost = 24 * time.Hour
)

// An oauth2 gets tokens by client credentials (RFC 6749, section 4.4), one for
// many messages.
type oauth2 struct {
	cfg       Config
	transport *http.Transport

	mu    sync.Mutex // held while a token is asked for: everybody needs the same one
	token string
	until time.Time
}

func (o *oauth2) sign(r *http.Request, _ []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.token == "" || !time.Now().Before(o.until) {
		if err := o.renew(r.Context()); err != nil {
			return &NotSent{Reason: "token_url: " + err.Error(), Down: true}
		}
	}
	r.Header.Set("Authorization", "Bearer "+o.token)
	return nil
}

// refused forgets a token that the gateway does not take.
func (o *oauth2) refused() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.token = ""
}

func (o *oauth2) renew(ctx context.Context) error {
	form := url.Values{"grant_type": {"client_credentials"}}
	if o.cfg.Auth.Scope != "" {
		form.Set("scope", o.cfg.Auth.Scope)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.cfg.Auth.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("is not an address")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	// RFC 6749, section 2.3.1: the two are encoded as in a form.
	r.SetBasicAuth(url.QueryEscape(o.cfg.User), url.QueryEscape(o.cfg.Password.Reveal()))
	reply, err := o.transport.RoundTrip(r)
	if err != nil {
		return errors.New("no reply")
	}
	defer func() { _ = reply.Body.Close() }()
	if reply.StatusCode != http.StatusOK {
		return errors.New("status " + reply.Status[:min(3, len(reply.Status))])
	}
	// RFC 6749, section 5.1.
	var answer struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires int64  `json:"expires_in"`
	}
	if json.NewDecoder(io.LimitReader(reply.Body, maxReply)).Decode(&answer) != nil || answer.Token == "" ||
		!strings.EqualFold(answer.Type, "bearer") || !httpguts.ValidHeaderFieldValue(answer.Token) {
		return errors.New("the reply has no bearer token")
	}
	life := tokenFor
	if answer.Expires > 0 {
		life = min(time.Duration(min(answer.Expires, int64(tokenMost/time.Second)))*time.Second, tokenMost)
	}
	o.token, o.until = answer.Token, time.Now().Add(life-min(tokenEarly, life/2))
	return nil
}
