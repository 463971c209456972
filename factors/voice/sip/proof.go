package sip

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"

	"github.com/portvakt/portvakt/conf/secret"
)

var (
	errCredentials = errors.New("the exchange does not take the user and password")
	errNoPassword  = errors.New("the exchange asks for a user and password, and none are set")
	errChallenge   = errors.New("the exchange asks for a proof of a kind that is not known")
)

// A proof answers the challenges of one dialog (RFC 3261, section 22).
type proof struct {
	user     string
	password secret.Value
	asked    []*asked
}

// asked is a challenge of one realm, and how often it was answered.
type asked struct {
	header string // of the answer
	by     *digest.Challenge
	count  int
}

// challenge reports whether the exchange asks who we are.
func challenge(res *sip.Response) bool {
	return res.StatusCode == sip.StatusUnauthorized || res.StatusCode == sip.StatusProxyAuthRequired
}

// A round is the challenges to one request.
type round struct {
	proof *proof
	seen  []string
}

func (p *proof) round() *round { return &round{proof: p} }

// maxRounds bounds how often a request is sent again: to a proxy, to the
// exchange behind it, and to both once more with a fresh nonce.
const maxRounds = 4

// challenged takes the challenge of a response. A second one for the same realm
// means that the proof was wrong, unless only its nonce was old.
func (r *round) challenged(res *sip.Response) error {
	if r.proof.user == "" || r.proof.password.IsZero() {
		return errNoPassword
	}
	from, to := "WWW-Authenticate", "Authorization"
	if res.StatusCode == sip.StatusProxyAuthRequired {
		from, to = "Proxy-Authenticate", "Proxy-Authorization"
	}
	by, err := pick(res.GetHeaders(from))
	if err != nil {
		return err
	}
	realm := to + " " + by.Realm
	if len(r.seen) == maxRounds || slices.Contains(r.seen, realm) && !by.Stale {
		return errCredentials
	}
	r.seen = append(r.seen, realm)
	p := r.proof
	p.asked = slices.DeleteFunc(p.asked, func(a *asked) bool { return a.header == to && a.by.Realm == by.Realm })
	p.asked = append(p.asked, &asked{header: to, by: by})
	return nil
}

// pick returns the first challenge that can be answered: the exchange lists
// them by preference (RFC 8760, section 2.4).
func pick(headers []sip.Header) (*digest.Challenge, error) {
	for _, h := range headers {
		c, err := digest.ParseChallenge(h.Value())
		if err != nil || !digest.CanDigest(trim(c)) {
			continue
		}
		return c, nil
	}
	return nil, errChallenge
}

// trim writes what a challenge offers as the digest package compares it.
func trim(c *digest.Challenge) *digest.Challenge {
	c.Algorithm = strings.ToUpper(c.Algorithm)
	for i, q := range c.QOP {
		c.QOP[i] = strings.ToLower(strings.TrimSpace(q))
	}
	return c
}

// prove adds the answers to what was asked so far.
func (p *proof) prove(req *sip.Request) error {
	for _, a := range p.asked {
		a.count++
		body := req.Body()
		c, err := digest.Digest(a.by, digest.Options{
			Method: req.Method.String(), URI: req.Recipient.String(), Count: a.count,
			Username: p.user, Password: p.password.Reveal(),
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
		})
		if err != nil {
			return fmt.Errorf("answer a challenge: %w", errChallenge)
		}
		req.AppendHeader(sip.NewHeader(a.header, c.String()))
	}
	return nil
}
