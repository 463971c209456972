// Package once sends requests of HTTP that must not be sent twice, since each is
// a message or a call that costs money and comes to a person:
//
//	certainly not sent ─► the next provider may be tried
//	sent, or perhaps   ─► nobody else is
//
// The package does not judge replies and does not decide who is asked next.
package once
