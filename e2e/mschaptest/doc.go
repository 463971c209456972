// Package mschaptest is the other side of MS-CHAPv2, for tests: the person's
// system, which proves a password, and the NAS, which reads the reply. It is
// written from RFC 2759, RFC 3079 and RFC 2548 alone and shares no code with
// what it tests, hashes included.
package mschaptest
