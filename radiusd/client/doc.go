// Package client is a small RADIUS client over UDP and TLS that walks a whole sign-in:
// password, questions, answers, decision. Commands that try out a server use
// it, tests that need a device, and package upstream, which asks servers for
// their decision about a password.
//
//	Walk ──► Access-Request(password) ──► Access-Challenge: prompt ──► answer(prompt)
//	              ▲                                                        │
//	              └──────────── Access-Request(State, answer) ◄────────────┘
//	         … until Access-Accept or Access-Reject
//
// It is written from the RFCs and shares no packet code with the server, so
// that a mistake of one is seen by the other. Every request has a new
// identifier and a random authenticator, and Message-Authenticator as its
// first attribute; retransmissions are the same octets. A reply counts only
// when its Response Authenticator and its Message-Authenticator are right;
// everything else that arrives is dropped, and told when no good reply came.
//
// # What it does not do
//
// It sends passwords by PAP, and proofs of them only as they were made
// elsewhere; it has no second server and no EAP. It
// keeps no secrets: what was typed is forgotten with the walk, and what it
// prints has none.
package client
