// Package mschap is MS-CHAPv2 as a RADIUS server needs it: what an
// Access-Request carries of it, and what an Access-Accept and an Access-Reject
// must answer (RFC 2759, RFC 2548, RFC 3079).
//
//	Find ─► Found.Proof ─► Proof, a login.Secret ─► the directory: Matches or Proven
//	                            │ Kept (37 octets, sealed in the ticket while a code is asked for)
//	     Found.NewPassword      ▼
//	                       ParseSession ─► Session.Attributes: MS-CHAP2-Success and MPPE keys
//
// A [Proof] compares like any other secret, so that a code typed where the
// password is asked for is checked without a special case. It never holds a
// password; the NT hash goes through Matches and is not kept. What is kept, the
// answer that proves the server and the master key of the session, is worth as
// much as the session, not as much as the password.
//
// The hashes and ciphers of the protocol are broken by today's measure: one who
// sees an exchange finds the NT hash by searching 2^56 DES keys. The RADIUS
// secret does not hide them.
//
// Where another server decides, Proof.Carried is what it is asked, ReadAnswer what it
// has said; OpenKeys and SealKeys take keys from its secret to that of the client.
//
// A [Change] of the password (MS-CHAP2-CPW) is taken out of a request and handed
// on: the new password in it opens with the hash of the old one, which nobody
// here has. MS-CHAP version 1 is recognised, to be refused.
package mschap
