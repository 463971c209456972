// Package text holds every sentence a person may be shown, in each language,
// and chooses the language. The sentences are files that an operator can
// replace one by one; each has a limit that is checked when it is loaded, not
// when a person waits for it.
//
// It knows nothing of logins: the keys are the contract.
package text
