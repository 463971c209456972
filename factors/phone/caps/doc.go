// Package caps counts what costs money, messages and calls, and stops it.
//
//	Take ─► one account ─► one number ─► its country ─► the day
//	            all four are asked, then all four are counted
//
// Thieves earn by messages and calls (toll fraud): they rent numbers that pay
// for each one received and have a stranger's server send to them. What is
// counted is kept in records that all nodes share, durably: a use is counted
// before it happens, so that a crash costs one unit of a cap and never a use
// more, and a restart forgets none.
//
// Messages and calls count together for an account and a number, which the caps
// protect: whoever has a password gets no second budget by asking for the other.
// Each service has caps of its own for that sum. They count apart for a country
// and the day, which bound a bill: a call costs ten times a message.
//
// Beside the caps there is a watch: a code that is entered or a call that is
// answered by a key is [Caps.Answered]. A country, or a range of ten thousand
// numbers, of which hardly any are, is stopped for an hour, for both services,
// and an operator is told at once. Each is judged by its own uses.
//
// A count is kept by slots of time, one more than its window has, so that
// never more than the cap fall into any span of the window's length. [Sweep]
// removes counts that are over.
//
// The package does not know who sends or rings, and does not choose numbers:
// that is package book. [Often] keeps one remark from filling the log; it is
// here because caps are reached by crowds.
package caps
