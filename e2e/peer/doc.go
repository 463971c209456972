// Package peer runs the real servers and clients that Portvakt is tested with:
// each in its own directory, on a port of its own, ended with the test, its log
// printed when the test failed. No configuration under /etc is used, but for
// PAM, which has no other place for a service.
//
// A file is one peer. What it needs is in scripts/peers.txt and is asked for by
// [Need]: a missing program is a failure in CI, and elsewhere a skip that says
// what to install.
//
// The package's own tests run the peers against each other, so that a scenario
// that fails with Portvakt in the middle says something about Portvakt.
package peer
