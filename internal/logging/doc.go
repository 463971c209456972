// Package logging writes the daemon's log. Nobody who logs waits for whoever
// reads the log:
//
//	Log ─► a line, escaped ─► buffer ─► a moment later ─► standard error
//	                             └ full: lines are dropped, counted, and told
//
// It does not know what is logged: keys and events are those of package login.
package logging
