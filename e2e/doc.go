// Package e2e has the tests of the whole program against real clients, servers
// and failures: package server runs it, package peer runs what it talks to,
// and package relay is a bad network between. What a sign-in looks like, step
// by step, is in testdata/script; attacks and failures are in the Go files,
// one kind each.
package e2e
