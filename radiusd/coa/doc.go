// Package coa tells devices to end or change sessions: a client for the
// Disconnect-Request and the CoA-Request of RFC 5176.
//
//	Disconnect(attributes that name the session)
//	Change(attributes that name the session, attributes to go on with)
//	   ──► request: Event-Timestamp, Message-Authenticator
//	   ◄── ACK, or NAK with Error-Cause: a [*Refused]
//
// The same octets are sent again until an authentic reply comes or the tries are
// over; what is not authentic does not count. Like package radiusd/client it is
// written from the RFCs and shares no packet code with the server.
//
// # What it does not do
//
// It does not know which sessions there are: the attributes that name one come
// from the accounting of the device itself, which knows best what it called
// them. It asks no device to sign somebody in again (Service-Type
// Authorize-Only).
package coa
