package radiusd

import (
	"encoding/binary"
	"time"
)

// replyPage is how many octets of replies are allocated at a time; it has room
// for the longest.
const replyPage = 16 << 10

// keptHead is what lies in front of a reply in its page: the hash of its
// source, the digest of its request, when it expires and when at the latest,
// how long it is, and whether it is dead.
const keptHead = 8 + 16 + 8 + 8 + 8 + 2 + 1

// A sentLog has the replies that were sent lately, one behind the other in
// pages without pointers: there are ten seconds' worth, and the collector would
// else look at each of them again and again. Sources are told apart by a hash
// of 64 bits under a secret seed; of two that had the same one, the earlier
// would lose its reply, as if it had never asked.
type sentLog struct {
	index map[uint64]uint64 // by source: where, counted from the first octet ever
	pages [][]byte
	first uint64 // where the first page begins, in the same count
	head  int    // the oldest record is here in the first page
	spare []byte // a page to be used again
	count int    // of live records
	// records are those in the pages from head on, live or dead.
	records int
}

// A sentReply is a record in a page.
type sentReply []byte

func (r sentReply) source() uint64 { return binary.LittleEndian.Uint64(r) }
func (r sentReply) digest() digest {
	return digest{[16]byte(r[8:]), binary.LittleEndian.Uint64(r[24:])}
}
func (r sentReply) expires() time.Duration { return readDuration(r[32:]) }
func (r sentReply) until() time.Duration   { return readDuration(r[40:]) }
func (r sentReply) size() int              { return keptHead + int(binary.LittleEndian.Uint16(r[48:])) }
func (r sentReply) dead() bool             { return r[50] != 0 }
func (r sentReply) packet() []byte         { return r[keptHead:r.size()] }

func (r sentReply) prolong(now time.Duration) { putDuration(r[32:], min(now+keepFor, r.until())) }

func readDuration(b []byte) time.Duration {
	return time.Duration(binary.LittleEndian.Uint64(b)) //nolint:gosec // as written by putDuration
}

func putDuration(b []byte, d time.Duration) {
	binary.LittleEndian.PutUint64(b, uint64(d)) //nolint:gosec // the bits, read back above
}

// find returns the record of a source, nil when there is none.
func (l *sentLog) find(source uint64) sentReply {
	at, ok := l.index[source]
	if !ok {
		return nil
	}
	at -= l.first
	return l.pages[at/replyPage][at%replyPage:]
}

// add keeps the reply of a source that has none.
func (l *sentLog) add(source uint64, d digest, expires, until time.Duration, packet []byte) {
	size := keptHead + len(packet)
	last := len(l.pages) - 1
	if last < 0 || len(l.pages[last])+size > replyPage {
		page := l.spare
		if l.spare = nil; page == nil {
			page = make([]byte, 0, replyPage)
		}
		l.pages = append(l.pages, page[:0])
		last++
	}
	at := len(l.pages[last])
	page := l.pages[last][:at+size]
	l.pages[last] = page
	r := page[at:]
	binary.LittleEndian.PutUint64(r, source)
	copy(r[8:], d.authenticator[:])
	binary.LittleEndian.PutUint64(r[24:], d.hash)
	putDuration(r[32:], expires)
	putDuration(r[40:], until)
	binary.LittleEndian.PutUint16(r[48:], uint16(len(packet))) //nolint:gosec // at most maxPacket
	r[50] = 0
	copy(r[keptHead:], packet)
	if l.index == nil {
		l.index = map[uint64]uint64{}
	}
	l.index[source] = l.first + uint64(last)*replyPage + uint64(at) //nolint:gosec // neither is negative
	l.count++
	l.records++
}

// remove takes the record of a source out.
func (l *sentLog) remove(source uint64, r sentReply) {
	r[50] = 1
	delete(l.index, source)
	l.count--
}

// maxDead is how many dead records there may be beside as many as are live.
const maxDead = 64

// crowded reports whether more is dead than alive: a client that asks much from
// few ports leaves a dead record each time.
func (l *sentLog) crowded() bool { return l.records > 2*l.count+maxDead }

// sweep looks at the n oldest records and removes those that have expired; one
// that was prolonged moves to the end, unless it lives only a moment longer,
// and so does any as long as most are dead: two looks for each record that is
// added keep the pages within twice of what lives. It returns how many were
// removed.
func (l *sentLog) sweep(now time.Duration, n int) (removed int) {
	const moment = time.Second
	for n > 0 && len(l.pages) > 0 {
		if l.head == len(l.pages[0]) {
			l.drop()
			continue
		}
		n--
		r := sentReply(l.pages[0][l.head:])
		size := r.size()
		switch {
		case r.dead():
		case now >= r.expires():
			l.remove(r.source(), r)
			removed++
		case !l.crowded() && (now < r.until()-keepAtMost+keepFor || r.expires()-now < moment):
			return removed
		default:
			l.remove(r.source(), r)
			l.add(r.source(), r.digest(), r.expires(), r.until(), r.packet())
		}
		l.head += size
		l.records--
	}
	return removed
}

// drop gives up the first page, in which nothing lives.
func (l *sentLog) drop() {
	l.spare = l.pages[0]
	l.pages[0] = nil
	l.pages = l.pages[1:]
	l.first += replyPage
	l.head = 0
}
