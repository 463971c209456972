// Package open puts a store together from its configuration: the backend, the
// key ring and the sealing. It is apart from package store because backends
// import that.
//
// It knows backends and nothing of what is kept in them.
package open
