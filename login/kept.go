package login

import "encoding/binary"

// What a dialogue must carry from round to round and has no room for in its
// ticket lies in a record of the account: a list of what is kept of each
// dialogue, under an id only its ticket leads to.
//
//	version | number | of each: id | time | length (2 octets) | data

const keptVersion = 1

// encodeKept writes a list, and none as nil, which deletes the record. parts
// are those of one entry, its id always of the same size.
func encodeKept[T any](all []T, parts func(*T) (id []byte, at int64, data []byte)) []byte {
	if len(all) == 0 {
		return nil
	}
	b := []byte{keptVersion, byte(len(all))} //nolint:gosec // as many as the reader's bound
	for i := range all {
		id, at, data := parts(&all[i])
		b = append(b, id...)
		b = appendTime(b, at)
		b = binary.BigEndian.AppendUint16(b, uint16(len(data))) //nolint:gosec // at most the reader's bound
		b = append(b, data...)
	}
	return b
}

// decodeKept calls add for each entry of a list: at most most of them, with ids
// of idSize and data of at most maxData octets. It reports false when it cannot
// read the list; what was added then is to be thrown away.
func decodeKept(b []byte, most, idSize, maxData int, add func(id []byte, at int64, data []byte)) bool {
	if len(b) < 2 || b[0] != keptVersion || b[1] == 0 || int(b[1]) > most {
		return false
	}
	fixed := idSize + 8 + 2
	rest := b[2:]
	for range b[1] {
		if len(rest) < fixed {
			return false
		}
		head := rest[:fixed]
		rest = rest[fixed:]
		n := int(binary.BigEndian.Uint16(head[idSize+8:]))
		if n > maxData || n > len(rest) {
			return false
		}
		add(head[:idSize], readTime(head[idSize:]), rest[:n:n])
		rest = rest[n:]
	}
	return len(rest) == 0
}
