package bolt

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
)

// The format of a bbolt file, version 2. Numbers are in the byte order of the
// machine.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHead   = 16 // id, flags, count, overflow
	elementLen = 16
	metaLen    = 64
	bucketHead = 16 // root, sequence

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	noFreelist = ^uint64(0)
	maxDepth   = 64
)

// verify walks a whole bbolt file: bbolt itself maps it into memory and
// trusts every offset in it, so that a truncated file or a page of garbage
// ends the process, not only the call. It reads; it needs no memory map.
func verify(r io.ReaderAt, size int64) error {
	m, err := bestMeta(r, size)
	if err != nil {
		return err
	}
	if m.high < 3 || m.high > uint64(size)/uint64(m.pageSize) { //nolint:gosec // both are positive
		return damaged("file has %d octets, its pages need %d: it is truncated", size, m.high*uint64(m.pageSize)) //nolint:gosec // positive
	}
	v := verifier{r: r, pageSize: m.pageSize, seen: make([]bool, m.high)}
	v.seen[0], v.seen[1] = true, true
	if err := v.tree(m.root, nil, nil, 0); err != nil {
		return err
	}
	if m.freelist == noFreelist {
		return nil
	}
	return v.freelist(m.freelist)
}

type meta struct {
	pageSize             int
	root, freelist, high uint64
	tx                   uint64
}

// bestMeta returns the newer of the two meta pages that are whole.
func bestMeta(r io.ReaderAt, size int64) (meta, error) {
	if size == 0 {
		return meta{}, damaged("file is empty")
	}
	first, ok := readMeta(r, 0)
	if ok {
		if second, ok := readMeta(r, int64(first.pageSize)); ok && second.pageSize == first.pageSize && second.tx > first.tx {
			return second, nil
		}
		return first, nil
	}
	for at := int64(1 << 10); at <= 16<<20 && at < size; at *= 2 {
		if second, ok := readMeta(r, at); ok && int64(second.pageSize) == at {
			return second, nil
		}
	}
	return meta{}, damaged("file is no bbolt database, or its first pages are lost")
}

func readMeta(r io.ReaderAt, at int64) (m meta, ok bool) {
	b := make([]byte, pageHead+metaLen)
	if _, err := r.ReadAt(b, at); err != nil {
		return meta{}, false
	}
	b = b[pageHead:]
	sum := fnv.New64a()
	_, _ = sum.Write(b[:56])
	ne := binary.NativeEndian
	size := ne.Uint32(b[8:])
	if ne.Uint32(b) != boltMagic || ne.Uint32(b[4:]) != boltVersion || ne.Uint64(b[56:]) != sum.Sum64() ||
		size < 1<<10 || size > 16<<20 || size&(size-1) != 0 {
		return meta{}, false
	}
	return meta{
		pageSize: int(size), root: ne.Uint64(b[16:]), freelist: ne.Uint64(b[32:]), high: ne.Uint64(b[40:]), tx: ne.Uint64(b[48:]),
	}, true
}

type verifier struct {
	r        io.ReaderAt
	pageSize int
	seen     []bool
}

type page struct {
	id    uint64
	flags uint16
	count int
	data  []byte // the page with its head
}

// claim marks pages as used; a page used twice is damage, and would make the
// walk endless.
func (v *verifier) claim(id, n uint64) error {
	if id >= uint64(len(v.seen)) || n > uint64(len(v.seen))-id {
		return damaged("page %d is outside of the file", id)
	}
	for i := id; i < id+n; i++ {
		if v.seen[i] {
			return damaged("page %d is used twice", i)
		}
		v.seen[i] = true
	}
	return nil
}

func (v *verifier) page(id uint64) (page, error) {
	if id < 2 || id >= uint64(len(v.seen)) {
		return page{}, damaged("page %d is outside of the file", id)
	}
	head := make([]byte, pageHead)
	at := int64(id) * int64(v.pageSize) //nolint:gosec // id is below the number of pages
	if _, err := v.r.ReadAt(head, at); err != nil {
		return page{}, damaged("page %d: %v", id, err)
	}
	ne := binary.NativeEndian
	pages := uint64(ne.Uint32(head[12:])) + 1
	if ne.Uint64(head) != id {
		return page{}, damaged("page %d says it is page %d", id, ne.Uint64(head))
	}
	if err := v.claim(id, pages); err != nil {
		return page{}, err
	}
	p := page{id: id, flags: ne.Uint16(head[8:]), count: int(ne.Uint16(head[10:]))}
	p.data = make([]byte, int(pages)*v.pageSize) //nolint:gosec // claim has bounded it by the file
	if _, err := v.r.ReadAt(p.data, at); err != nil && err != io.EOF {
		return page{}, damaged("page %d: %v", id, err)
	}
	return p, nil
}

// tree walks a page of a tree whose keys must lie in [low, high).
func (v *verifier) tree(id uint64, low, high []byte, depth int) error {
	if depth > maxDepth {
		return damaged("page %d: tree is too deep", id)
	}
	p, err := v.page(id)
	if err != nil {
		return err
	}
	switch p.flags {
	case leafPage:
		return v.leaf(p, low, high, depth)
	case branchPage:
		return v.branch(p, low, high, depth)
	}
	return damaged("page %d has flags %#x", id, p.flags)
}

func (v *verifier) branch(p page, low, high []byte, depth int) error {
	keys, children := make([][]byte, p.count), make([]uint64, p.count)
	ne := binary.NativeEndian
	for i := range p.count {
		e, ok := p.element(i)
		if !ok {
			return damaged("page %d: element %d is outside of the page", p.id, i)
		}
		children[i] = ne.Uint64(e[8:])
		if keys[i], ok = cut(e, ne.Uint32(e), ne.Uint32(e[4:])); !ok {
			return damaged("page %d: key %d is outside of the page", p.id, i)
		}
	}
	if p.count == 0 {
		return damaged("page %d: branch without children", p.id)
	}
	if err := ordered(p.id, keys, nil, high); err != nil {
		return err
	}
	for i := range keys {
		end := high
		if i+1 < len(keys) {
			end = keys[i+1]
		}
		start := keys[i]
		if i == 0 {
			start = low // bbolt keeps no exact key for the first child
		}
		if err := v.tree(children[i], start, end, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) leaf(p page, low, high []byte, depth int) error {
	keys := make([][]byte, p.count)
	ne := binary.NativeEndian
	for i := range p.count {
		e, ok := p.element(i)
		if !ok {
			return damaged("page %d: element %d is outside of the page", p.id, i)
		}
		at, nk, nv := ne.Uint32(e[4:]), ne.Uint32(e[8:]), ne.Uint32(e[12:])
		both, ok := cut(e, at, nk, nv)
		if !ok {
			return damaged("page %d: value %d is outside of the page", p.id, i)
		}
		keys[i] = both[:nk]
		if ne.Uint32(e)&1 == 0 {
			continue
		}
		if err := v.bucket(p.id, both[nk:], depth); err != nil {
			return err
		}
	}
	return ordered(p.id, keys, low, high)
}

// bucket walks a bucket from the value that has its head: its root page, or
// the whole small page behind the head.
func (v *verifier) bucket(id uint64, value []byte, depth int) error {
	ne := binary.NativeEndian
	if len(value) < bucketHead {
		return damaged("page %d: bucket without head", id)
	}
	if root := ne.Uint64(value); root != 0 {
		return v.tree(root, nil, nil, depth+1)
	}
	inline := value[bucketHead:]
	if len(inline) < pageHead || ne.Uint16(inline[8:]) != leafPage || depth > maxDepth {
		return damaged("page %d: broken small bucket", id)
	}
	return v.leaf(page{id: id, count: int(ne.Uint16(inline[10:])), data: inline}, nil, nil, depth+1)
}

func (v *verifier) freelist(id uint64) error {
	p, err := v.page(id)
	if err != nil {
		return err
	}
	if p.flags != freelistPage {
		return damaged("page %d: flags %#x of a free list", id, p.flags)
	}
	ne := binary.NativeEndian
	list, count := p.data[pageHead:], uint64(p.count) //nolint:gosec // from a uint16
	if count == 0xFFFF {
		count, list = ne.Uint64(list), list[8:]
	}
	if count > uint64(len(list)/8) {
		return damaged("page %d: free list is longer than its page", id)
	}
	for i := range int(count) { //nolint:gosec // bounded by the page
		if err := v.claim(ne.Uint64(list[8*i:]), 1); err != nil {
			return err
		}
	}
	return nil
}

// element returns the page from element i on: offsets count from there.
func (p page) element(i int) ([]byte, bool) {
	at := pageHead + i*elementLen
	if at+elementLen > len(p.data) {
		return nil, false
	}
	return p.data[at:], true
}

// cut returns the parts that lie one behind the other from offset at on.
func cut(b []byte, at uint32, lengths ...uint32) ([]byte, bool) {
	n := uint64(0)
	for _, l := range lengths {
		n += uint64(l)
	}
	if uint64(at)+n > uint64(len(b)) {
		return nil, false
	}
	return b[at : uint64(at)+n], true
}

func ordered(id uint64, keys [][]byte, low, high []byte) error {
	for i, key := range keys {
		if i > 0 && bytes.Compare(keys[i-1], key) >= 0 || i == 0 && bytes.Compare(key, low) < 0 ||
			high != nil && bytes.Compare(key, high) >= 0 {
			return damaged("page %d: key %d is out of order", id, i)
		}
	}
	return nil
}
