// Package spelling finds what somebody meant who misspelled a name, for hints in
// errors. It compares octets: names of configuration have no other letters than
// ASCII has. It never decides anything.
package spelling
