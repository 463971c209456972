// Package deadline has contexts with a deadline that many share: a timer and a
// context for each request cost more than all of its hashes.
package deadline
