package radiusd

import (
	"bytes"
	"context"
	"crypto/hmac"
	"errors"
	"log/slog"
	"time"
	"unicode/utf8"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/accounting"
)

const (
	// maxAccounting bounds the Accounting-Requests in hand: three quarters of it
	// are used, since none continues another. What comes beyond is sent again.
	maxAccounting = 1024
	// maxRecording is how many of them are being recorded: enough for some
	// thousand a second, as many share a commit, and few enough to leave
	// sign-ins the store and the processor when more come.
	maxRecording = 32
	// recordWithin is how long recording may take; a client asks again by then.
	recordWithin = 10 * time.Second
)

// A Recorder keeps what devices account for. Record returns nil when the report
// is safe: it is answered then, and the device forgets it (RFC 2866, section
// 2). After an error it is not answered and the device sends it again.
type Recorder interface {
	Record(ctx context.Context, r login.SessionReport) error
}

// NewAccounting makes the server of the accounting port: of the addresses in
// Accounting, for the same clients. It shares nothing with the authentication
// server, neither sockets nor places nor replies, so that a flood of accounting
// costs no sign-in. Of the options it takes Log and Healthy.
func NewAccounting(cfg Config, r Recorder, opts Options) (*Server, error) {
	s := newServer(cfg, nil, Options{Log: opts.Log, Healthy: opts.Healthy})
	s.recorder, s.alive = r, radius.CodeAccountingResponse // RFC 5997, section 4.2
	s.recording = make(chan struct{}, maxRecording)
	return start(cfg, s)
}

// accounting is the configuration of the accounting port.
func (c Config) accounting() Config {
	c.Listen, c.Accounting = c.Accounting, nil
	c.MaxRequests = min(c.MaxRequests, maxAccounting)
	c.MaxHeld, c.RejectDelay = 0, 0
	return c
}

// takeReport is take for an Accounting-Request.
func (s *Server) takeReport(ctx context.Context, a *arrival) tally {
	p, c := a.packet, a.client
	if c.shadow != login.ShadowOff {
		return dropShadow // sessions are those of the server that answers
	}
	o, drop := survey(p)
	if drop != dropNone {
		return drop
	}
	if radius.Code(p[0]) == radius.CodeStatusServer {
		k, drop := c.verify(p, &o)
		if drop != dropNone {
			return drop
		}
		return s.status(a, k)
	}
	k, drop := c.verifyAccounting(p, &o)
	if drop != dropNone {
		return drop
	}
	b := s.replies.begin(a.source(), s.replies.digestOf(p), a.at)
	switch {
	case b.reply != nil:
		s.put(c, b.reply, a.outlet, &a.route, sentAgain, a.at)
		return dropNone
	case b.drop != dropNone:
		return b.drop
	}
	if drop := s.admission.enter(c.peer, c.MaxRequests, false); drop != dropNone {
		s.replies.forget(b.entry)
		return drop
	}
	q := a.pending(k, b.entry)
	own := bytes.Clone(p) // the buffer is the reader's
	s.handlers.Go(func() { s.account(ctx, &q, own, &o) })
	return dropNone
}

// verifyAccounting returns the key that a request was made with. Its Request
// Authenticator is a hash with the secret (RFC 2866, section 3); where it has a
// Message-Authenticator too, that must be right as well: of a packet whose
// authenticator is zero. The packet is changed meanwhile and put back.
func (c *client) verifyAccounting(p []byte, o *outline) (*key, tally) {
	if o.macs > 1 || o.macs == 1 && o.mac == 0 {
		return nil, dropBadSignature
	}
	var got [macLen]byte
	copy(got[:], p[4:headerLen])
	clear(p[4:headerLen])
	defer copy(p[4:headerLen], got[:])
	for _, k := range c.keys {
		if !k.hashes(p, got[:]) {
			continue
		}
		if o.macs == 1 && !k.verifies(p, o.mac) {
			return nil, dropBadSignature
		}
		return k, dropNone
	}
	return nil, dropAuthenticator
}

// hashes reports whether the hash of a packet and the secret is sum.
func (k *key) hashes(p, sum []byte) bool {
	h := k.hasher()
	defer k.pool.Put(h)
	h.md5.Reset()
	h.md5.Write(p)
	h.md5.Write(k.secret)
	return hmac.Equal(h.md5.Sum(h.sum[:0]), sum)
}

// account records one request and answers it.
func (s *Server) account(ctx context.Context, q *pending, p []byte, o *outline) {
	defer s.recovered(q)
	if !o.nas {
		s.note(q, noteNoNAS)
	}
	if len(q.client.keys) > 1 && q.key == q.client.keys[1] {
		s.note(q, noteOldSecret)
	}
	from := q.entry.source.from.Addr()
	r, err := accounting.Parse(p[headerLen:], from, time.Now())
	if err != nil {
		t := dropMalformed
		switch {
		case errors.Is(err, accounting.ErrForbidden):
			t = dropForbidden
		case errors.Is(err, accounting.ErrIncomplete):
			t = dropIncomplete
		}
		s.note(q, t)
		s.end(q)
		return
	}
	if at := q.client.stationIn(p); at > 0 {
		if own := valueAt(p, at); utf8.Valid(own) {
			r.Station = string(own) // else no logout would find the device
		}
	}
	if r.Client = q.client.Name; r.Status == login.SessionOther {
		s.note(q, noteAcctStatus)
	} else if err := s.record(ctx, r); err != nil {
		s.journal.note(dropUnrecorded, s.now(), func() []slog.Attr {
			return []slog.Attr{slog.String(login.KeyClient, q.client.Name), slog.Any(login.KeyErr, err)}
		})
		s.abandon(q, dropUnrecorded)
		return
	}
	// Without Message-Authenticator: RFC 2866 has none, and servers differ in
	// what it is the hash of.
	a := &reply{b: make([]byte, 0, headerLen+o.proxies*(2+maxValue))}
	a.b = append(a.b, byte(radius.CodeAccountingResponse), p[1], 0, 0)
	a.b = append(a.b, p[4:headerLen]...)
	for state := range proxyStates(p) {
		a.copy(state)
	}
	packet, err := a.finish(q.key)
	if err != nil {
		s.abandon(q, dropTooLong)
		return
	}
	q.settled = true
	s.release(q, packet, sentAccount)
}

func (s *Server) record(ctx context.Context, r login.SessionReport) error {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	select {
	case s.recording <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.recording }()
	return s.recorder.Record(ctx, r)
}
