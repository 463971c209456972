// Package server runs the portvakt program for tests: as an administrator
// writes its configuration, as a service manager starts and stops it, and as
// its clients see it.
//
//	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
//	site.Enroll(t, "alice", seed)      // portvakt user enroll …
//	d := site.Start(t)                 // portvakt serve
//	d.Walk(t, "alice", "secret", code) // a login over UDP
//
// A daemon ends with its test, by SIGTERM, and the test fails when it does not
// end with exit code 0, has printed what is no JSON, or speaks of a panic or a
// data race. Under the race detector the program is built with it too.
package server
