// Package logintest has what the tests of factors, transports and of the Flow
// have in common.
//
// [Directory], [Enrollments], [Factor], [Records] and [Sealer] are what package
// login consumes, in memory: they do what their interfaces promise, count what
// they are asked, and fail or are slow when a test says so. [NewWorld] puts them
// together to a Flow with two people in it, and [Accept] gets a valid
// login.Accept in the only way there is: by logging in. [Log] keeps what is logged.
//
// It checks nothing itself: the rules that every factor and every store obeys
// are in factors/factortest and store/storetest.
package logintest
