// Package factortest has the rules that every [login.Prompter] keeps, as a
// suite that the tests of a factor run.
//
// A test describes how its factor is made and what a person with the right
// device would type ([Setup]); [Run] then checks each rule with a fresh setup
// over records that fail on demand. The rules are functions that return what
// is wrong, so that this package can test them against factors that break them.
//
// It knows no provider: whether a message is sent once, and to whom, is tested
// by the factor itself.
package factortest
