//go:build !linux

package slack

// Allow does nothing: only Linux has a slack that a process may choose.
func Allow() {}
