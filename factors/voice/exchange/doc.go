// Package exchange makes the providers of calls that a configuration lists: of
// an exchange by SIP, of a service, or of a rehearsal that calls nobody.
package exchange
