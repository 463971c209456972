// Package sms proves that somebody has her telephone: a code is sent to it as
// a text message, and she types the code where she is logging in.
//
//	Methods   her numbers: enrolled ones first, then the directory's
//	Prompt    caps ─► code ─► text of one part ─► gateway.Chain ─► memo
//	Check     memo ─► not too old ─► still her number ─► same code
//
// The factor keeps no state of its own between Prompt and Check. The code
// travels in the memo, which the Flow seals into the ticket together with the
// user, the client, the expiry and the tries. So it is the Flow that makes a
// code work once: it spends the ticket of an answer that was right, and spends
// the old ticket when a new code is sent, after which the old code has no
// ticket to be checked against. When two messages cross, the newest wins.
//
// Messages are counted by package caps before they are sent. A message that
// could not be sent is counted too: some gateways refuse and charge. While all
// gateways are paused nothing is counted.
//
// When a gateway does not tell whether it took a message, the question is put
// all the same: the code may arrive, and another message might be a second one.
// When a gateway takes longer than ask_after, the question is put meanwhile.
//
// The package does not know how messages are sent (package gateway), what a
// number is (package phone), which of a person's numbers get messages (package
// book), or what the text is in other languages ([Texts]).
package sms
