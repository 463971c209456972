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
//	                           │    (right and expired: change it, or Reject)
//	Policy.For ────────────────┤──► Reject (deny)  ──► Accept (none, enrolled)
//	methods of the person ─────┤──► Reject (not enrolled, client cannot ask)
//	                           │    or Ask: enroll one (a topic of its own)
//	code appended? ────────────┤──► check ──► Accept or Reject
//	                           │
//	        ┌──────────► an errand: ask by the first method that works
//	        │                  │      ├──► Wait: a call, until she answers it or
//	        │                  │      │    the client's patience ends: then Ask
//	        │   a code is sent │      │    ("still calling"), or Reject
//	        │                  │      ├──► Accept (she approved)
//	        │                  │      └──► Reject (she refused; nothing is left)
//	        │                 Ask ◄───────────────────────┐
//	        │                  │ Resume(ticket, answer)   │ wrong, tries left
//	        │                  ▼                          │
//	        └── a choice ── open ticket, guard, rule ── check ──► Accept or Reject
//
// What reaches out to a person, a call or a message, is an errand: one of an
// account at a time, for all requests that are the same sign-in, so that it
// rings once whatever is sent again and to whichever node. Who asks, or how it
// ended a moment ago, is the claim: a record written before anything rings. An
// [Approver] answers later, and nothing runs for a [Wait] meanwhile; a
// [Prompter] sends a code and the question is put.
//
// A question may be about something else than a second factor: its ticket names
// the topic (topic.go), and with it who takes the answer once the rules were asked
// again. Enrolling is one (enroll.go).
//
// A password that was right and has expired is changed in the dialogue where the
// rule says so (change.go): between the second factor and the Accept stand two
// more questions, and the directory's yes to the new password.
//
// To ask a question almost nothing is written: the [Ticket] is a sealed envelope
// that any node opens, also after a restart. Two things are too long for it and
// wait in a record: what a [Granter] gives with a password, and the passwords of a
// change under way, which open with the ticket only. What must be remembered of an
// account (failures, stations it was used from, tickets answered) is one small
// record, changed by compare-and-swap. Attempts at one account take turns, so that
// what one of them guessed is counted before the next one tries. A factor's code
// is used up durably before the Accept that it earned.
//
// [DeclareEmergency] lets a proof of another kind stand for the second factor
// (emergency.go), for some people and a while.
//
// An error means "could not decide": it is not counted against a person (unless
// one of her factors said no while another could not tell), and a RADIUS server
// stays silent on it so that the client tries its next server. A [Reject] means
// "decided: no".
//
// The package does no I/O of its own and imports nothing of ours but
// login/text, and internal/crew and internal/deadline, which know nothing of it.
package login
