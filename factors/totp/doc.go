// Package totp proves that a person has her code generator: an app or a
// hardware token that computes one-time passwords from the time (TOTP,
// RFC 6238) or from a counter (HOTP, RFC 4226).
//
// A [Token] is what generator and server share. It lives in a
// [login.Credential] of kind "totp" or "hotp"; the store seals it. Beside it
// the [Factor] keeps one small record a token under "otp/<credential id>": the
// last time step or the next counter. An answer is judged by a pure function
// (judgeTime, judgeCounter) from the token, the record and the time; the new
// record is then swapped in, durably, before the answer counts. Whoever loses
// that race loads the record again and is judged again, so of many equal
// answers exactly one proves.
//
//	typed ─► text of the right form? ─► clock believable? ─► record ─► judge ─► Swap ─► proven
//	              no: wrong                 no: error          ▲                  │
//	                                                           └──── conflict ────┘
//
// The rest serves enrollment: [NewToken], [URI] and [QRTerminal] to hand a
// token over, [NewCredential] to keep it, and [Factor.Confirm] to demand a
// first code. Package tokens reads tokens of many people from files.
//
// It does not count failures: that is the Flow's, for all factors together
// (RFC 4226, section 7.3). It does not use the Validate functions of
// pquerna/otp: they do not tell which step matched, and so cannot refuse a
// code that was used, and they accept an empty secret.
package totp
