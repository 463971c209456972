// Package manifest is the file that says how the clips of a language were made
// and from which texts, so that no text changes without its sound.
package manifest
