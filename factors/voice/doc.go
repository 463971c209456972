// Package voice calls people's telephones and has them approve a login by a
// key.
//
// A [Provider] places a call: package sip through the organisation's own
// exchange, package cloud through a service. What is said comes from package
// prompts, in the person's language; sound and keys on the wire are package
// media's.
package voice
