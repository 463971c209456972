// Package ldapauth is a [login.Directory] over LDAP: OpenLDAP, 389 Directory
// Server, FreeIPA and Active Directory.
//
// A login is two operations, on connections of two kinds, per server:
//
//	Lookup ─► cache ─► one search per name at a time ─► search pool (bound as the service account)
//	Verify ───────────────────────────────────────────► bind pool   (bound anew as each person)
//
// A connection of the bind pool is used by one bind at a time and is never
// searched on: it has the rights of whoever logged in last. RFC 4511, section
// 4.2.1 allows nothing else to be under way during a bind, so concurrency is
// the number of connections. After any error, time-out or cancelled context a
// connection is closed: an answer that comes late must never be taken for the
// answer to the next question.
//
// A proof of a password, as MS-CHAPv2 and CHAP carry it, cannot be bound with.
// It is compared with what an attribute holds, read each time, over TLS only,
// together with what the entry says of its own state (state.go): no bind tells
// that an account is disabled. Or a domain controller decides, by package
// winbind.
//
// An expired password is changed on a connection of its own, by the old one
// (change.go), once; whether the new one lets in a bind says again.
//
// [conn] is a small LDAP client of our own for exactly the operations a login
// needs (bind, search, StartTLS, unbind, and two that change a password). It
// waits in the caller's goroutine, has a deadline for everything and bounds for
// everything it reads, and costs a third of a general client. go-ldap compiles
// filters and names result codes.
//
// Servers are tried in order. Each has a [breaker] that opens after three
// failures in a row; one goroutine of the Directory probes open ones each
// second. What holds while they differ is in node.go. What a person typed goes into the compiled filter as octets, never
// into the text of a filter, so there is nothing to escape.
//
// The package does not follow referrals, reset passwords, cache passwords or
// refusals, or know about second factors.
package ldapauth
