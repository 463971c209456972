// Package etcd keeps values in an etcd cluster: a [store.KV] that several nodes
// share, in the place of a file that belongs to one.
//
//	node A ──┐      ┌── member 1     each request goes to one member, in turn;
//	         ├──────┼── member 2     a member that does not answer is left alone
//	node B ──┘      └── member 3     until it does
//
// A revision is etcd's ModRevision: the number of the change, in the whole
// cluster, that wrote the value. Swap is a transaction: the value is written if
// it still has its revision, and etcd answers when a majority of its members has
// that on disk. Get and Scan are linearizable: they show what was acknowledged
// before they began, also at another node, since a code that looks unused
// because the answer is old would be used twice.
//
// # When the cluster does not answer
//
// Every request ends after [store.Cluster.Timeout]. An error of Swap says that
// the change was not acknowledged; it may have been made, when the answer was
// lost, or be made a moment later. So it is an error and never a conflict, and
// it is not tried again here: whoever wants to know reads the record. A request
// that meets an election waits for its end, as long as it may.
//
// Nothing is kept in memory: another node may change anything at any time. The
// package is no [store.Reviser], for the same reason.
//
// The package does not seal values; see [store.Sealed]. It compacts nothing and
// makes no backups: that is for whoever runs the cluster.
package etcd
