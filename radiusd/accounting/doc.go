// Package accounting reads what a device accounts for: it makes a
// [login.SessionReport] of the attributes of an Accounting-Request (RFC 2866).
//
// It works on octets that somebody else has found authentic, and keeps nothing.
// What it takes over is bounded by the packet; what it does not know it leaves
// out. The socket, the replies and their cache are package radiusd's, and what
// becomes of a report is decided by the Recorder that package is given.
package accounting
