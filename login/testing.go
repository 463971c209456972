package login

import "testing"

// TestAccept builds a valid [Accept] for the tests of transports, which cannot
// have one without a Flow. It panics in every program that is not a test: the
// daemon has no way past the one function that has seen both factors.
func TestAccept(a Account, rule, notice string) Accept {
	if !testing.Testing() {
		panic("login: TestAccept outside of a test")
	}
	return Accept{account: a, rule: rule, reason: ReasonOK, notice: notice, valid: true}
}
