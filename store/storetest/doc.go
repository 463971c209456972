// Package storetest has the conformance suite of [store.KV]: [Run] for the
// contract, [RunDurable] for backends that outlive their process. A backend
// that passes both can be put under anything in this program.
//
// It does not test what differs between backends: locks, files, speed.
package storetest
