// Package cloud rings telephones through services on the internet.
//
//	kind     begun by                   the key comes back        what it can ask for
//	twilio   POST …/Calls.json, TwiML   POST to our own listener  any keys, our own words
//	telnyx   POST …/dtmf_confirm        we poll                   key 1, the service's words
//
// A call of [Twilio] is a dialogue of documents: each says something, gathers
// one key, and posts it to a path that is good for that one key of that one
// call. What comes to the listener counts only with the service's signature
// over the whole address and form, and for the call it names; all else is
// answered alike, with 404.
//
// [Telnyx] needs nothing from outside, which suits closed networks, but cannot
// ask for digits or a PIN: such calls it refuses before anything rings.
//
// The package does not decide who may be called, how often, or what keys mean:
// that is package voice's. Its errors and logs hold no number, key, token or
// reply of a service.
package cloud
