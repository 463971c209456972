// Package gateway hands text messages to whoever can send them: an HTTP
// gateway described by a template, a command, or a log for tests.
//
//	            ┌ breaker ─ http ──── form, JSON or query of a gateway
//	Chain.Send ─┼ breaker ─ command ─ argv, the text on its input
//	            └ breaker ─ log ───── a terminal or a file
//
// A [Chain] tries its providers in order under one rule: the next one only
// when the message was certainly not sent ([NotSent]). After anything else, as
// a time-out behind the written request, the message may be on its way, and
// trying again would pay for a second one.
//
// A provider may tell later what became of a message: as a [Reporter], or when
// it is asked as a [Poller]. [Chain.Deliver] goes on until the message is worth
// nothing any more, and sends the same text through the next provider when the
// one before could not deliver it. What is waited for is kept in memory only:
// a restart or a reload forgets it, and the code stays good. A [Receiver]
// listens for the callbacks of HTTP gateways.
//
// Templates substitute into parsed values only (leaves of JSON, fields of a
// form or query), never into text that is parsed later, so that no number and
// no text can change the request's shape. Errors and logs of this package hold
// no number, text, URL, token or reply of a gateway.
//
// It does not decide who may get a message and how often: that is package sms.
package gateway
