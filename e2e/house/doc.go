// Package house has the rules of this repository that no linter knows, as tests
// over the whole tree: what the documents say is what the code does, and the
// shape of the source stays as CONTRIBUTING.md describes it.
//
// Each rule is a function of a text, tried on a text that breaks it, and then
// applied to the tree.
package house
