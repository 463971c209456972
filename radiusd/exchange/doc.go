// Package exchange sends a RADIUS request and waits for its reply: the part of a
// client that is the same whatever is asked.
//
//	Dial ──► Conn ── Do(octets, accept) ──► the same octets again, until accept
//	                                        takes a datagram or the tries are over
//
// A [Conn] is connected: the kernel drops what comes from another address or
// port; or it is a connection over TLS. It makes one exchange at a time, so that identifiers need no book: a
// reply is to the one request there is, or to none. Each Conn has a port of its
// own that whoever would forge a reply has to guess too.
//
// What a packet means is the caller's: it writes the octets, and says of each
// datagram whether it is the reply. What is not must not end the waiting, since
// anybody can send it.
package exchange
