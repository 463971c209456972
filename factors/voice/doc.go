// Package voice calls people's telephones and has them approve a login by a
// key.
//
// A [Provider] places a call: package sip through the organisation's own
// exchange, package cloud through a service. What is said comes from package
// prompts, in the person's language; sound and keys on the wire are package
// media's.
//
//	Factor ── lines ── chain ── Provider
//	  │         │        └ the next one only when certainly nothing rang; one
//	  │         │          log line for each call
//	  │         └ as many calls as the exchange has lines, others wait
//	  ├ keypad   what the keys mean: digits to match, PIN, #, 0#, *
//	  └ code     a call that tells a code, for people who cannot press keys
//
// Countries and caps are looked at before anything rings (packages phone/book
// and phone/caps). That one sign-in rings once, over retransmissions and nodes,
// is package login's: this one is asked once and answers once.
package voice
