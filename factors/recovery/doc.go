// Package recovery proves that a person has a code that was made for when
// nothing else works: a recovery code from the set she printed ([Factor],
// "recovery"), or a bypass code that the service desk gave her ([Bypass],
// "bypass").
//
// Both are kept as HMACs under a key that is not in the store, so that a copy
// of the store is no set of codes. The codes are random and long enough for
// that; no slow hash is needed. Which codes are used up is a small record
// beside the enrollment; it is swapped in, durably, before a code counts.
//
//	             recovery                      bypass
//	form         10 Crockford base32           9 digits
//	shown as     XXXXX-XXXXX                   123-456-789
//	good for     one use each, no end          some uses, some hours
//	record       recovery/<credential id>      bypass/<credential id>
//	             bits of used codes            number of uses
//
// The forms differ from each other and from codes of 6 or 8 digits, so an
// ordinary code is told apart before anything is computed or looked up. Since
// only digests are kept, both need the text that was typed: over CHAP and
// MS-CHAPv2 they refuse with [login.ReasonMethodNotAllowed].
//
// It does not count failures: that is the Flow's, for all factors together.
package recovery
