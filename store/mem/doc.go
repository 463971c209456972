// Package mem keeps values in memory: a [store.KV] for tests and for the demo.
// It passes the same conformance suite as the durable backends and is lost
// when the process ends, so a daemon never uses it.
package mem
