// Package peer starts the real programs that tests talk to: FreeRADIUS as a
// server and as a proxy, radsecproxy, radclient, PAM and sshd as a person at a terminal meets
// them, and directories. A file is one peer; what it needs is in
// scripts/peers.txt. Each has its own folder and port, and ends with the test.
//
// PAM reads services from one directory of the machine only, and sshd lets in
// accounts of the machine only: what tests make there has names of its own and
// is removed with the test.
//
// A peer that needs of the kernel what the machine's own may lack, as pppd needs
// PPP, runs in a guest: User-Mode Linux, a kernel that is a program.
//
// The package's own tests run peers against each other, so that a scenario that
// fails with Portvakt in the middle says something about Portvakt.
package peer
