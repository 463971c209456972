// Package socket reaches a KV in another process over a unix socket: the
// admin commands work on the database while the daemon has it open.
//
// [Listen] makes the socket with mode 0600, [Serve] answers root and the
// daemon's own user with the daemon's KV, [Dial] returns one more [store.KV].
// A backend that can copy itself ([Backuper]) does so through [KV.Backup], and
// [KV.Status] returns what the daemon says of itself.
//
// A request is one frame, an answer one or, for scans, backups and the status,
// several; a frame is its length in four octets and a body of at most
// [maxBody]. A connection has one request at a time; a client opens more when
// it needs them. There is no version: daemon and commands are one binary. After an
// update, commands are told so when the daemon answers what they do not
// know.
//
// The service desk has a socket of its own ([ListenFor], [ServeDesk]): the
// members of a group may use it, for one kind of request that the daemon
// carries out itself. There is no way from it to the store.
//
// Values pass as the served KV has them. A daemon that serves a sealed KV
// relies on the kernel alone: the socket's mode and the peer's user.
package socket
