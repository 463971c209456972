// Package store keeps what must be remembered: a small key-value contract with
// several backends (bolt, etcd, mem, socket), sealing of values, and on top of it
// enrollments and sessions, written once for all backends.
//
//	Enrollments  Sessions  login.Records
//	        \       |      /
//	         Sealed KV            values are AES-256-GCM, bound to their key name
//	             |
//	bolt | etcd | socket | mem    a KV each; storetest has the suite they all pass
//
// Values are sealed wherever they lie, but for some thousand that were opened
// lately: those are kept in memory until they change or others take their
// place ([Reviser]).
//
// [Ring] is the key ring: it seals the values of a KV here and, for another
// purpose, the tickets of package login. [CheckKey] refuses a database that
// was sealed under other keys, [Rewrap] moves all values to the active key.
//
// Keys are not secret: they appear in files, logs and errors in the clear.
// The package does not know what its users keep: names of records other than
// "enroll/", "session/" and "sealed/" belong to those who write them.
package store
