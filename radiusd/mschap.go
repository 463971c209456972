package radiusd

import (
	"fmt"
	"slices"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/mschap"
)

// allows reports whether the client may use a method.
func (c *client) allows(method string) bool { return slices.Contains(c.Methods, method) }

// proves reports whether the client may use a method that carries no password,
// and so may send the answer to a question in the other way there is: NASes put
// it into User-Password whatever the first request had.
func (c *client) proves() bool { return c.allows(methodCHAP) || c.allows(methodMSCHAPv2) }

// mayNot reports whether the request has a password of a kind that its client
// may not send.
func (r *request) mayNot() bool {
	c, o := r.client, &r.outline
	switch {
	case o.eaps > 0:
		return true
	case o.mschap:
		return !c.allows(methodMSCHAPv2)
	case o.chaps > 0:
		return !c.allows(methodCHAP)
	case o.passwords > 0 && o.states > 0:
		return !c.allows(methodPAP) && !c.proves()
	case o.passwords > 0:
		return !c.allows(methodPAP)
	}
	return false
}

// secret takes what was typed, or the proof of it, out of the request.
func (r *request) secret(user string) (login.Secret, tally) {
	switch o := &r.outline; {
	case o.mschap:
		attributes, err := r.attributes()
		if err != nil {
			return nil, refusedPasswordForm
		}
		f, err := mschap.Find(attributes)
		if err != nil {
			return nil, refusedPasswordForm
		}
		r.mschap = pendingMSCHAP{ident: f.Ident, change: f.Change, answers: !f.Version1}
		switch {
		case f.Version1:
			return nil, refusedMethod
		case f.Change:
			c, err := f.NewPassword(user)
			if err != nil {
				return nil, refusedPasswordForm
			}
			return c, dropNone
		}
		p, err := f.Proof(user)
		if err != nil {
			return nil, refusedPasswordForm
		}
		return p, dropNone
	case o.chaps > 0:
		return r.chap()
	}
	password, refused := r.password()
	return login.Cleartext(password), refused
}

// A pendingMSCHAP is what the reply to an MS-CHAP request repeats of it.
type pendingMSCHAP struct {
	ident   byte
	answers bool // a reject says why
	change  bool // of the password
}

// addSession adds what MS-CHAPv2 wants with an accept: the proof that this
// server knows the password too, and the session's keys.
func (p *reply) addSession(q *pending, k *key, kept []byte) error {
	s, err := mschap.ParseSession(kept)
	if err != nil {
		return fmt.Errorf("session of the first request: %w", err)
	}
	avps, err := s.Attributes(p.b[headerLen:], k.secret, q.entry.digest.authenticator[:])
	if err != nil {
		return err
	}
	p.copy(avps)
	return nil
}

// addFailure adds why MS-CHAPv2 was refused.
func (p *reply) addFailure(m pendingMSCHAP, r login.Reason, text string) {
	if m.answers {
		p.copy(mschap.Found{Ident: m.ident, Change: m.change}.Failure(r, text))
	}
}
