// Package relay loses, repeats, delays and reorders the datagrams between a
// RADIUS client and a server, so that tests can show what a bad network does
// to a login: one text message, one answer, however often a request came.
//
//	client ──► Relay.Addr ── script ──► target
//	       ◄── script ─────────────────
//
// What happens to the nth datagram of a client in one direction depends on the
// plan's seed and on n only, so a run that failed can be run again. A relay
// reads no secrets and changes no octet; of a packet it looks at the code, the
// identifier and the authenticator, to recognise a retransmission.
//
// The relay also watches: Counts has the replies that differed from an earlier
// reply to the same request, which is how a missing reply cache shows (RFC
// 5080, section 2.2.2).
package relay
