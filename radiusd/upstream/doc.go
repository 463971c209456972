// Package upstream is a [login.Directory] that has other RADIUS servers decide
// about passwords: an NPS, a FreeRADIUS, a token server that is already there.
//
//	Lookup ─► the directory behind it; without one, the name itself
//	Verify ─► Access-Request ─► the first server in use ─► the next one, when it is silent
//	            Accept: yes, and what it grants       Reject: no
//	            Challenge: a refusal, it must not ask   silence everywhere: an error
//
// A password goes to User-Password, encrypted under the server's own secret. A
// proof of one, by MS-CHAPv2 or CHAP, goes on as it came. What comes back with a
// yes is the grant: the attributes that the configuration lets through, and for
// MS-CHAPv2 the server's own proof and the keys of the session, in the clear
// until the transport encrypts them for its client.
//
// Each request has a socket of its own (package radiusd/exchange), so that an
// identifier can never meet another's; how many there are at once is bounded.
// Every request is signed, and by default so must be each reply: otherwise
// somebody on the way could turn a Reject into an Accept (CVE-2024-3596).
//
// A server that was silent is probed by Status-Server (RFC 5997). One that does
// not answer that either is set aside until it does; one that never answered a
// Status-Server is set aside after three silences in a row, and tried by a
// sign-in every half minute.
//
// # What it does not do
//
// It passes no question of a server on, keeps no password, and asks only about
// passwords: accounting stays here. It knows the accounts of no server: the name
// that is sent is the one that the directory has, or that was typed.
package upstream
