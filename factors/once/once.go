package once

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// Transport returns one that sends each request once; maxHeader is how many
// octets of a reply's headers are read. The client of HTTP repeats some requests
// by itself when a kept connection breaks after they were written: a second
// message or call. A new connection for each never does, and HTTP/2 stays off.
func Transport(config *tls.Config, maxHeader int64) *http.Transport {
	return &http.Transport{
		TLSClientConfig:        config,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// Send sends a request. unsent is whether it certainly did not leave, with an
// error that says why; after any other error it may have left. The error never
// quotes what the other side wrote.
//
// No redirect is followed: it would carry credentials and codes to somebody
// else.
func Send(t *http.Transport, r *http.Request) (reply *http.Response, unsent bool, err error) {
	ctx := r.Context()
	var connected atomic.Bool // before it nothing can have been written
	reply, err = t.RoundTrip(r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})))
	switch {
	case err == nil:
		return reply, false, nil
	case !connected.Load():
		return nil, true, beforeConnection(ctx, err)
	case ctx.Err() != nil:
		return nil, false, errors.New("no reply in time")
	}
	return nil, false, errors.New("the connection broke before the reply")
}

// beforeConnection words an error that came before a connection. Those name
// hosts, addresses and certificates only.
func beforeConnection(ctx context.Context, err error) error {
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return errors.New("no connection: " + cert.Error())
	}
	if ctx.Err() != nil {
		return errors.New("no connection in time")
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return errors.New("no connection: " + dns.Error())
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return errors.New("no connection: " + op.Err.Error())
	}
	return errors.New("no connection")
}
