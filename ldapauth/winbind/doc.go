// Package winbind has a domain controller check proofs of MS-CHAPv2, by way of
// Samba's winbindd on a host that has joined the domain.
//
// Samba's program ntlm_auth is the door to it: as a helper it stays and answers
// one question after the other on its standard input and output. Starting one
// takes longer than an answer, so a [Pool] keeps a few. The program and its
// arguments are the configuration's and never change with what is asked; no
// shell is in between, and names go to it in base64, so that nothing a person
// types can end a line.
//
//	Username:: YWxpY2U=              the name in the directory
//	LANMAN-Challenge: d02e4386…      8 octets, RFC 2759, section 8.2
//	NT-Response: 82309ecd…           24 octets
//	Request-User-Session-Key: Yes
//	.
//	Authenticated: Yes               or No, and Authentication-Error
//	User-Session-Key: 41c00c58…      MD4 of the NT hash
//	.
//
// A password is changed by a helper of another protocol, started for it alone:
//
//	NT-Domain:: QUFE
//	Username:: YWxpY2U=
//	new-nt-password-blob: 9a1c…      516 octets, RFC 2759, section 8.9
//	old-nt-hash-blob: 77d2…          16 octets, RFC 2759, section 8.12
//	.
//	Password-Change: Yes             or No, and Password-Change-Error
//	.
//
// A helper that is late, that ends or that says what is not understood is ended
// and another takes its place: an answer that comes late must never be taken
// for the next one's. That is no decision, and neither is any error but those
// that are known to be about the person.
//
// A name without a domain is one of the domain that the host has joined; other
// domains are not asked.
package winbind
