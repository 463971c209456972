// Package login is the heart of Portvakt: the conversation between somebody who
// types and a Flow that decides.
//
// A transport (RADIUS, a terminal) carries the conversation and knows no
// factor; a factor (TOTP, SMS, recovery code) proves one thing and knows no
// transport; both know only this package. The Flow owns every transition; a
// factor never calls a factor.
//
//	               Begin(name, password[,code])
//	                           │
//	name, encoding ────────────┤──► Reject            an outage anywhere is an
//	Directory.Lookup ──────────┤──► Reject            error: "could not decide"
//	source, turn, locked? ─────┤──► Reject
//	Directory.Verify ──────────┤──► Reject, counted when the password was wrong
//	Policy.For ────────────────┤──► Reject (deny)  ──► Accept (none, enrolled)
//	methods of the person ─────┤──► Reject (not enrolled, client cannot ask)
//	code appended? ────────────┤──► check ──► Accept or Reject
//	                           │
//	        ┌──────────────► prompt the first method that works ──► Reject (none)
//	        │                  │
//	        │                 Ask ◄───────────────────────┐
//	        │                  │ Resume(ticket, answer)   │ wrong, tries left
//	        │                  ▼                          │
//	        └── a choice ── open ticket, guard, rule ── check ──► Accept or Reject
//
// Nothing is written to ask a question: the [Ticket] is a sealed envelope that
// any node opens, also after a restart. What must be remembered of an account
// (failures, stations it was used from, tickets answered) is one small record,
// changed by compare-and-swap. Attempts at one account take turns, so that what
// one of them guessed is counted before the next one tries. A factor's code is used up durably before the
// Accept that it earned.
//
// An error means "could not decide": it is not counted against a person (unless
// one of her factors said no while another could not tell), and a RADIUS server
// stays silent on it so that the client tries its next server. A [Reject] means
// "decided: no".
//
// The package does no I/O of its own and imports nothing of ours but
// login/text.
package login
