// Package slack lets the kernel be a moment late with the timers of a process.
//
// While a system call blocks, the Go runtime has a thread that wakes every 20 us
// to see whether it still does. A store that waits for the disk hundreds of times
// a second keeps that thread awake, which takes a tenth of the processor time of a
// busy server, and more of one that is not. Linux wakes a thread within its timer
// slack, 50 us where nobody says otherwise (prctl(2), PR_SET_TIMERSLACK): half a
// millisecond lets many of those looks fall together, and nothing in RADIUS is
// as short.
//
// It changes the whole process and is for main packages.
package slack
