package bolt

const (
	slabEntries = 32
	slabOctets  = 4 << 10
)

// A slab makes entries and copies of their data, many in one piece of memory:
// they come together and, but for those of a fold in between, go together. It
// is guarded by the lock of its KV.
type slab struct {
	entries []entry
	octets  []byte
}

func (s *slab) entry() *entry {
	if len(s.entries) == 0 {
		s.entries = make([]entry, slabEntries)
	}
	e := &s.entries[0]
	s.entries = s.entries[1:]
	return e
}

// copy returns a copy that nobody writes to.
func (s *slab) copy(b []byte) []byte {
	if len(b) > slabOctets/8 {
		return append(make([]byte, 0, len(b)), b...)
	}
	if cap(s.octets)-len(s.octets) < len(b) {
		s.octets = make([]byte, 0, slabOctets)
	}
	from := len(s.octets)
	s.octets = append(s.octets, b...)
	return s.octets[from:len(s.octets):len(s.octets)]
}
