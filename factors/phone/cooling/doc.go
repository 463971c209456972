// Package cooling keeps a telephone number that has just been changed in the
// directory from being used.
//
//	directory's numbers ─► seen before? ─► used
//	                            │ no
//	                            └─► noted, the old numbers are told, and used
//	                                only when it has stood there long enough
//
// Who may write one attribute of a directory, of himself or of everybody, would
// else get the codes of its owner at once. What is remembered is one record of
// an account; the numbers found at its first sign-in count.
//
// The package judges neither whether a number may be used at all (package book)
// nor how often (package caps), and sends nothing itself.
package cooling
