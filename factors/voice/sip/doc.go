// Package sip rings telephones through the organisation's own exchange, or a
// carrier's trunk, by SIP (RFC 3261).
//
//	Provider ─ Call ─┬ invite   INVITE, digest, ringing, CANCEL
//	                 ├ dialog   ACK, BYE, routes
//	                 └ talk     prompt, keys, ending ── package media: RTP
//	         ├ endpoint  the socket, the way to the exchange, what it asks of us
//	         └ registrar REGISTER, when the exchange wants it
//
// Messages and transactions are package sipgo's. What a call is made of is
// here, since the library's own dialog gives up after ten answers, leaves a
// call open whose answer crosses the CANCEL, and blocks for half a minute on an
// exchange that is dead.
//
// The exchange is believed in what it says of a call that this package placed,
// and in nothing else: no call is ever accepted, nothing is transferred or
// redirected, and a message is only looked at when it comes from the exchange's
// addresses and names a call by its Call-ID and both tags. Whether somebody may
// be called, and how often, is decided before.
package sip
