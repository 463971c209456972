// Package radiusd is the RADIUS transport: an authentication server over UDP
// (RFC 2865) and TLS (RFC 6614) that carries the conversation of package login and decides nothing
// itself.
//
// A datagram goes through cheap checks first; nothing is allocated before they
// have passed, so that bad traffic costs little more than its delivery:
//
//	read → length, padding cut, code → client by longest prefix
//	 → one survey of the attributes → Message-Authenticator rule
//	 → reply cache (RFC 5080, section 2.2.2) → admission
//	 → a goroutine with a deadline → Conversation → reply
//	 → reply cache → one sender a socket → the address that was asked
//
// The parts: config.go and validate.go say what an administrator may write;
// clients.go finds the client of an address; outline.go surveys the attributes
// of a datagram; authentic.go has the MD5 of the protocol, verify.go the rule
// about Message-Authenticator and what was learned of a client; cache.go and
// replies.go keep replies; admission.go bounds what is in hand; request.go makes
// an Attempt of a packet (chap.go and mschap.go where it carries a proof, with
// package mschap below), reply.go a packet of a Step;
// sender.go and socket.go are the wire.
//
// A connection over TLS goes the same way from the survey on. radsec.go has its
// configuration, certificate.go finds the client of a certificate, streams.go
// bounds the connections, stream.go reads and writes one, frame.go cuts it into
// packets, and decline.go answers what other ports are for.
//
// When the Conversation answers with a Wait, somebody is asked elsewhere and the
// request is held (held.go): a record without goroutine, packet or buffer.
// Meanwhile the client sends again, begins anew, or gives up: trail.go and
// people.go see it, clock.go learns from it how long the client waits, and
// clockrecord.go keeps that.
//
// Of layeh.com/radius only names and numbers are used: the survey has found the
// values that a login needs, and its server loop keeps no replies,
// verifies no Message-Authenticator and loses held requests when it stops.
//
// An error of the Conversation means "could not decide" and ends in silence, so
// that the NAS tries its next server (RFC 2865, section 2.4), unless the client
// is configured otherwise. Silence is forgotten at once: a retransmission tries
// again.
//
// The accounting port (RFC 2866) is a Server of its own with a Recorder in place
// of the Conversation (account.go): the same checks, the reply cache and the
// admission, and an answer when the report is safe. Package accounting reads the
// attributes, package coa asks devices to end sessions.
//
// What it does not do: DTLS and EAP are not here; which attributes an
// Access-Accept carries beside a session's keys is decided by the Reply function
// it is given.
package radiusd
