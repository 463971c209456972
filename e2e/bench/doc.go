// Bench measures what a login costs a RADIUS server, and compares servers on
// the same work.
//
//	go run ./e2e/bench                         the whole comparison, as in docs/benchmarks.md
//	go run ./e2e/bench login -server ADDRESS   one kind of load against one server
//	go run ./e2e/bench floor                   a server to measure against
//
// Its parts: people.go knows the population, each with a password and a TOTP
// secret that follow from a number; wire.go builds and checks packets, with a
// codec of its own, so that a mistake in the server's cannot hide behind the
// same one here; lane.go is one source port with its identifiers and
// retransmissions; load.go runs lanes for a while and measures the processes
// behind the server (proc.go); flood.go sends what no server should answer.
//
// floor.go and flow.go are servers to measure against: the least a RADIUS
// server can do, a UDP echo, and Portvakt's own packages without a directory.
// slapd.go, freeradius.go and portvakt.go set up real servers in a temporary
// directory; compare.go takes turns between all of them and table.go prints
// medians and ratios.
//
// Everything stays on loopback and ends by itself. Absolute figures are those
// of a machine; the ratios are the result. Linux only, for /proc.
//
// It does not look for correctness beyond the replies it gets: scenarios are
// elsewhere in e2e.
package main
