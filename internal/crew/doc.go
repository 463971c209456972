// Package crew does short tasks in goroutines that are used again. A new
// goroutine for each would grow its stack each time, which costs a task of some
// microseconds a good part more.
package crew
