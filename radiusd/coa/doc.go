// Package coa tells devices to end sessions: a client for the Disconnect-Request
// of RFC 5176.
//
//	Disconnect(attributes that name the session)
//	   ──► Disconnect-Request: Event-Timestamp, Message-Authenticator
//	   ◄── Disconnect-ACK, or Disconnect-NAK with Error-Cause: a [*Refused]
//
// The same octets are sent again until an authentic reply comes or the tries are
// over; what is not authentic does not count. Like package radiusd/client it is
// written from the RFCs and shares no packet code with the server.
//
// # What it does not do
//
// It changes no authorisation (CoA-Request), and does not know which sessions
// there are: the attributes come from the accounting of the device itself, which
// knows best what it called them.
package coa
