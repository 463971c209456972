// Package book finds the telephone numbers of a person that a service may use.
//
//	enrolled credentials ─┐
//	                      ├─► parse ─► country, prefix, kind of line ─► numbers
//	directory's numbers ──┘
//
// Messages go to mobile numbers only, calls to all numbers, with extensions.
// Enrolled numbers come first, and only those that were proven or vouched for:
// who enrolls a number could be somebody who only has the password.
//
// [Telephones] are those numbers as the methods of a factor, and enroll the
// directory's once the person has typed a code that was brought to one.
//
// The package does not count how often a number is used (package caps) and
// does not read a number (package phone).
package book
