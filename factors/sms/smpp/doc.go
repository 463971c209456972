// Package smpp hands text messages to a carrier or an aggregator by SMPP 3.4
// (Short Message Peer-to-Peer Protocol Specification v3.4, issue 1.2), as the
// "ESME" of that document.
//
//	Client ─┬ link ─ session   submits; and receives, when bound as transceiver
//	        └ link ─ session   receives, when bound as a pair
//
// A [Client] keeps its connections: a link dials, binds, and does so again,
// later each time, when a session ends. A session is one bound connection:
// requests wait for the answer with their sequence number, at most a window of
// them at once, and enquire_link tells whether the other side still lives.
//
// [Client.Send] tells three outcomes apart. A message id: the SMSC has it. A
// [*NotSent]: it certainly has not, because the request did not leave whole or
// was refused. Any other error: nobody knows, as when the connection broke
// behind the request. Whoever sends again after that pays for two messages and
// confuses a person with two codes.
//
// Receipts tell later what became of a message; replies of people are
// acknowledged and dropped, and so are data_sm and requests of other kinds,
// with the answers that keep an SMSC from repeating them. Nothing that came
// over the air can look like a receipt.
//
// The package knows no telephone numbers, only addresses to write on the wire,
// and does not decide which provider is used: that is package gateway. Errors
// and logs hold no number, text, id of an account or password.
package smpp
