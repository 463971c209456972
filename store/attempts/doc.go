// Package attempts keeps what became of logins, for the service desk: one view
// of each attempt, found by its reference or its person, and a list of whom a
// rule that only reports would have asked or refused.
//
//	login.Event ──► Recorder.Record ──► queue ──► Recorder.Run, one goroutine
//	               (never waits: full is           │            │
//	                dropped, and counted)          ▼            ▼
//	                                      attempts/HOUR/…   report/RULE/ACCOUNT
//	                                      pages of events   one small record each
//
// Events are collected in pages, each one record of the store, so that an event
// costs no commit of its own. The page being filled is written again every
// [flushEvery]; a crash loses no more than that. Pages are deleted when they
// are older than [Config.Keep], and the oldest when all are larger than
// [Config.MaxMiB].
//
// [Find] reads pages back, newest first, from any process that has the store.
// Events hold no password, code, seed, State or full telephone number to begin
// with; the store that is passed in seals what is written.
//
// It is a help for people, no audit log: under a flood events are dropped
// rather than logins delayed. The log has them all.
package attempts
