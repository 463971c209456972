// Package email proves that somebody reads her mailbox: a code is sent to it,
// and she types the code where she is logging in.
//
//	Methods   the directory's address, when it is one and its domain is allowed
//	Prompt    caps ─► code ─► message ─► the mail server ─► memo
//	Check     memo ─► not too old ─► still her address ─► same code
//
// It is a weak factor, and off until a server is configured: a mailbox opens
// with a password, mostly the same one, so it does not show that she holds
// anything. NIST SP 800-63B, section 3.1.3.1, forbids it as an out-of-band
// authenticator; a warning at each start says so.
//
// A message is handed to one server, which is trusted with the code: its
// certificate is verified, and a server that offers no TLS gets nothing. When
// it does not tell whether it took the message, the question is put all the
// same. When it takes longer than ask_after, the question is put meanwhile. A
// server that is down is left alone for a while.
//
// What a code is and how long it is good for is package code's; how many
// messages one account may have is package caps's.
package email
