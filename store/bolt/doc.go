// Package bolt keeps values in one file: a [store.KV] over bbolt with a
// write-ahead journal, for the daemon of a single node.
//
// A bbolt transaction for each login costs several writes and an fsync of its
// own. Here many swaps share one:
//
//	Swap ── checks the revision, joins the batch ──┐
//	Swap ──────────────────────────────────────────┤  committer, one goroutine:
//	Swap ──────────────────────────────────────────┘  at once when idle, else
//	                                                  every 2 ms
//	  pending ──► journal: one frame, one fdatasync ──► overlay ──► all waiters go on
//	                                                       │ every 10 s or 8 MiB
//	                                     bbolt ◄── fold: sorted, in parts
//
// Get looks into a [cache] of durable values, of a bounded size, which each change
// updates when it is durable; what is not there is in the overlay (durable, not
// folded yet, see [changes]) or in bbolt, by a read transaction that is kept (see
// [readers]). It never shows what is only pending. A swap of a key
// that has a pending change waits for that change to be settled.
//
// # Journal files
//
// Two files beside the database take turns. Each holds one generation: a
// header that names the database and the generation, and frames, one a batch,
// each with its length, generation, sequence number and CRC. While generation
// g is folded, g+1 takes the new batches. The transaction that folds the last part
// of g also records "g is folded", so a crash before it replays g, which writes
// the same values once more, and a crash after it ignores g; nothing is lost.
//
// A batch is written only after the batch before it is durable. So at replay a
// bad frame is either the torn end of a batch that nobody was told about, and
// is dropped, or there are good frames of later batches behind it, and then
// acknowledged data is damaged: Open refuses.
//
// # When the disk fails
//
// Every swap of the failed batch gets the error, its change is forgotten, the
// journal is cut back to its durable length, and the next batch tries again.
//
// The package does not seal values, and does not share its file: one process
// at a time, the daemon; others use its admin socket (package store/socket).
package bolt
