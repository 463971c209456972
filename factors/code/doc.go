// Package code has the codes that are sent to people, and the memo by which
// they are known again.
//
//	New ─► Memo ─► sealed in the ticket ─► Check
//
// Nothing is kept between question and answer: the code travels in the memo,
// which the Flow seals into the ticket together with the user, the client, the
// expiry and the tries. So it is the Flow that makes a code work once: it
// spends the ticket of an answer that was right.
//
// A Courier waits while packages sms and email send, and decides when the
// question is put.
package code
