// Package fault keeps a fault of this program, met by what somebody sent, from
// ending the server for everybody: a goroutine that reads what comes from
// outside does it in [Guard]. It mends nothing: whoever guards ends what was
// under way.
package fault
