package login

import (
	"encoding/binary"
	"errors"
	"slices"
)

// The record of a guard:
//
//	version | consecutive (2) | number known | number spent | voidUpTo | blockedUntil |
//	strangers | of each known: id (8) | last | track | of each spent: nonce (8) | issued
//
// Times have 8 octets.
const (
	guardVersion = 2
	guardHead    = 1 + 2 + 1 + 1 + 8 + 8
	trackSize    = 2 + 2 + 8 + 8 + 1 + 8
	// asksAt is where a track has its asks, at most maxAsks; with provenMark
	// there, a station is proven. Records that were written before do not have it.
	asksAt     = 2 + 2 + 8 + 8
	provenMark = 0x80
)

var errGuard = errors.New("login: guard record cannot be read: restore the database from a backup, or `portvakt user unlock` the account")

func (g *guard) encode() []byte {
	b := make([]byte, 0, guardHead+trackSize+len(g.known)*(16+trackSize)+len(g.spent)*16)
	b = append(b, guardVersion)
	b = binary.BigEndian.AppendUint16(b, uint16(g.consecutive)) //nolint:gosec // bounded at 1<<15
	b = append(b, byte(len(g.known)), byte(len(g.spent)))       //nolint:gosec // at most maxKnown and maxSpent
	b = appendTime(b, g.voidUpTo)
	b = appendTime(b, g.blockedUntil)
	b = g.strangers.append(b)
	for _, s := range g.known {
		b = binary.BigEndian.AppendUint64(b, s.id)
		b = appendTime(b, s.last)
		b = s.append(b)
		if s.proven {
			b[len(b)-trackSize+asksAt] |= provenMark
		}
	}
	for _, s := range g.spent {
		b = append(b, s.nonce[:]...)
		b = appendTime(b, s.issued)
	}
	return b
}

func (t *track) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, uint16(t.passwords)) //nolint:gosec // bounded at 1<<15
	b = binary.BigEndian.AppendUint16(b, uint16(t.codes))     //nolint:gosec // bounded at 1<<15
	b = appendTime(b, t.passwordsLast)
	b = appendTime(b, t.codesLast)
	b = append(b, byte(t.asks)) //nolint:gosec // at most maxAsks
	return appendTime(b, t.asksLast)
}

func appendTime(b []byte, unix int64) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(unix)) //nolint:gosec // the bits, read back by readTime
}

func readTime(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) } //nolint:gosec // see appendTime

func readTrack(b []byte) track {
	return track{
		passwords: int(binary.BigEndian.Uint16(b)), codes: int(binary.BigEndian.Uint16(b[2:])),
		passwordsLast: readTime(b[4:]), codesLast: readTime(b[12:]),
		asks: int(b[asksAt]), asksLast: readTime(b[21:]),
	}
}

// roomyGuard has room for as many, and in one piece of memory for as many as
// most people have: those who answer questions, or only approve.
func roomyGuard(known, spent int) *guard {
	var g *guard
	if spent == 0 {
		d := &struct {
			guard
			known [1]station
		}{}
		g = &d.guard
		g.known = d.known[:0]
	} else {
		d := &struct {
			guard
			known [2]station
			spent [12]spentTicket
		}{}
		g = &d.guard
		g.known, g.spent = d.known[:0], d.spent[:0]
	}
	g.known, g.spent = slices.Grow(g.known, known), slices.Grow(g.spent, spent)
	return g
}

// decodeGuard refuses what it cannot read: taking it as empty would forgive an
// attacker.
func decodeGuard(b []byte) (*guard, error) {
	if len(b) < guardHead+trackSize || b[0] != guardVersion {
		return nil, errGuard
	}
	known, spent := int(b[3]), int(b[4])
	if known > maxKnown || spent > maxSpent || len(b) != guardHead+trackSize+known*(16+trackSize)+spent*16 {
		return nil, errGuard
	}
	g := roomyGuard(known, spent)
	g.consecutive, g.strangers = int(binary.BigEndian.Uint16(b[1:])), readTrack(b[guardHead:])
	g.voidUpTo, g.blockedUntil = readTime(b[5:]), readTime(b[13:])
	g.known, g.spent = g.known[:known], g.spent[:spent]
	b = b[guardHead+trackSize:]
	for i := range g.known {
		s := &g.known[i]
		*s = station{id: binary.BigEndian.Uint64(b), last: readTime(b[8:]), track: readTrack(b[16:])}
		s.proven, s.asks = s.asks&provenMark != 0, s.asks&^provenMark
		b = b[16+trackSize:]
	}
	for i := range g.spent {
		copy(g.spent[i].nonce[:], b)
		g.spent[i].issued = readTime(b[8:])
		b = b[16:]
	}
	return g, nil
}
