// Package setup sets what sipgo has for the whole program, once, whoever of the
// provider and the telephone for demonstrations comes first.
package setup
