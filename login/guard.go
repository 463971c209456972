package login

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"
)

// Limits of guessing. They bound an attacker; a person at her usual place has
// a budget of her own.
const (
	// maxPasswordFailures is what one source costs the directory's own counter
	// before passwordWindow has passed without one: below the threshold that
	// directories commonly have, and as long as they commonly count, so that
	// nobody locks accounts there through us. A [Locker] may make it less.
	maxPasswordFailures = 4
	passwordWindow      = 15 * time.Minute
	// freeCodeFailures are not delayed; then each costs twice the wait of the
	// one before, from codeDelay on, and after maxCodeFailures an hour.
	freeCodeFailures = 5
	codeDelay        = 30 * time.Second
	maxCodeFailures  = 10
	codeLock         = time.Hour
	// codesForgotten without a wrong code begins the count anew. A guesser gains
	// nothing: waiting for the hours costs him less than waiting for this.
	codesForgotten = 24 * time.Hour
	// maxConsecutive wrong codes lock the account until an administrator
	// unlocks it (SP 800-63B, section 3.2.2: no more than 100).
	maxConsecutive = 100

	// maxAsks is how often somebody is called or asked in her app before she
	// has signed in, or asksForgotten has passed since the last time.
	maxAsks       = 3
	asksForgotten = time.Hour

	maxKnown = 16 // stations remembered of an account
	maxSpent = 32 // open dialogues remembered of an account
	// knownFor is how long a station counts as known after its last success.
	knownFor = 90 * 24 * time.Hour
	// knownRefresh spares a write at each login of a known station.
	knownRefresh = 24 * time.Hour
)

// A guard is what must be remembered of an account between logins: failures,
// stations it was used from, tickets already answered. Its rules are pure
// functions of it and the time.
type guard struct {
	consecutive int   // wrong codes since the last success, from everywhere
	strangers   track // failures from stations not known
	known       []station
	spent       []spentTicket
	voidUpTo    int64 // tickets issued in this second or before are void
	// blockedUntil, in Unix seconds, keeps everybody from trying the password:
	// the person has reported a sign-in that was not hers.
	blockedUntil int64
}

// A track counts the failures of one source.
type track struct {
	passwords, codes         int
	passwordsLast, codesLast int64 // Unix seconds
	asks                     int   // approvals asked for since the last success
	asksLast                 int64 // Unix seconds
}

// A station is a place the account was used from successfully, with a budget of
// its own: an attacker elsewhere cannot lock it out.
type station struct {
	id   uint64
	last int64 // Unix seconds of the last success
	// proven is whether a second factor was given there: whoever has only the
	// password makes places known too, by rules that ask for no more.
	proven bool
	track
}

// fresh reports whether the account was used from it lately.
func (s *station) fresh(now time.Time) bool { return now.Unix()-s.last < int64(knownFor/time.Second) }

type spentTicket struct {
	nonce  [8]byte
	issued int64 // Unix seconds
}

// stationID names the place a login comes from: the client, and the
// Calling-Station-Id when there is one.
func stationID(v Via) uint64 {
	var room [512]byte
	h := sha256.Sum256(append(append(append(room[:0], v.Client...), 0), v.Station...))
	return binary.BigEndian.Uint64(h[:8])
}

// at returns the track that a login from this station is counted in.
func (g *guard) at(id uint64, now time.Time) *track {
	for i := range g.known {
		if s := &g.known[i]; s.id == id && s.fresh(now) {
			return &s.track
		}
	}
	return &g.strangers
}

// knows reports whether the account was used from this station lately.
func (g *guard) knows(id uint64, now time.Time) bool { return g.at(id, now) != &g.strangers }

// proves reports whether a second factor was given at this station, and the
// account used from it lately.
func (g *guard) proves(id uint64, now time.Time) bool {
	return slices.ContainsFunc(g.known, func(s station) bool { return s.id == id && s.proven && s.fresh(now) })
}

// locked says whether the account may not even try a password from this
// station.
func (g *guard) locked(id uint64, now time.Time, b budget) bool {
	return g.codesLocked(id, now) || g.passwordsLocked(id, now, b)
}

// codesLocked says whether it may not try a code either. Wrong passwords do not
// count here: whoever answers a question had the right one.
func (g *guard) codesLocked(id uint64, now time.Time) bool {
	return g.consecutive >= maxConsecutive || g.at(id, now).codesLocked(now)
}

// blocked reports whether a fraud report stops every sign-in.
func (g *guard) blocked(now time.Time) bool { return now.Unix() < g.blockedUntil }

// ask counts that the person is called or asked elsewhere, and reports whether
// she may be.
func (g *guard) ask(id uint64, now time.Time) bool {
	t := g.at(id, now)
	if t.askedEnough(now) {
		return false
	}
	if !within(t.asksLast, asksForgotten, now) {
		t.asks = 0
	}
	t.asks++
	t.asksLast = now.Unix()
	return true
}

// unask takes back what ask has counted, when nothing reached the person.
func (g *guard) unask(id uint64, now time.Time) {
	if t := g.at(id, now); t.asks > 0 {
		t.asks--
	}
}

func (t *track) askedEnough(now time.Time) bool {
	return t.asks >= maxAsks && within(t.asksLast, asksForgotten, now)
}

func (t *track) codesLocked(now time.Time) bool {
	return t.codes >= freeCodeFailures && within(t.codesLast, t.codeWait(), now)
}

// codeWait is how long a wrong code keeps others from being tried.
func (t *track) codeWait() time.Duration {
	if t.codes < maxCodeFailures {
		return codeDelay << (t.codes - freeCodeFailures)
	}
	return codeLock
}

// until is when a track that keeps strangers out ends to do so.
func (t *track) until(now time.Time, b budget) time.Time {
	var end time.Time
	if t.wrong(now, b) >= b.strangers {
		end = time.Unix(t.passwordsLast, 0).Add(b.window)
	}
	if t.codesLocked(now) {
		if codes := time.Unix(t.codesLast, 0).Add(t.codeWait()); codes.After(end) {
			end = codes
		}
	}
	return end
}

// within reports whether less than d has passed since the time. A time in the
// future, after a clock was set back, counts as just now.
func within(since int64, d time.Duration, now time.Time) bool {
	return now.Unix()-since < int64(d/time.Second)
}

func (g *guard) wrongPassword(id uint64, now time.Time, b budget) {
	g.at(id, now).wrongPassword(now, b)
}

func (t *track) wrongPassword(now time.Time, b budget) {
	t.passwords = min(t.wrong(now, b)+1, 1<<15)
	t.passwordsLast = now.Unix()
}

func (g *guard) wrongCode(id uint64, now time.Time) {
	t := g.at(id, now)
	if !within(t.codesLast, codesForgotten, now) {
		t.codes = 0
	}
	t.codes = min(t.codes+1, 1<<15)
	t.codesLast = now.Unix()
	g.consecutive = min(g.consecutive+1, 1<<15)
}

// settled reports whether a success from this station leaves nothing to write.
func (g *guard) settled(id uint64, now time.Time, code bool) bool {
	if code && g.consecutive != 0 {
		return false
	}
	for _, s := range g.known {
		if s.id == id {
			return s.track == s.forgiven(code) && within(s.last, knownRefresh, now) && (s.proven || !code)
		}
	}
	return false
}

// forgiven is the track after a success. One without a code forgives no wrong
// codes: whoever guesses them has the password.
func (t track) forgiven(code bool) track {
	if code {
		return track{}
	}
	return track{codes: t.codes, codesLast: t.codesLast, asks: t.asks, asksLast: t.asksLast}
}

// success makes the station known and forgives its failures, not those of
// others. code is whether a second factor was proven.
func (g *guard) success(id uint64, now time.Time, code bool) {
	if code {
		g.consecutive = 0
	}
	i := slices.IndexFunc(g.known, func(s station) bool { return s.id == id })
	if i < 0 {
		if len(g.known) == maxKnown {
			oldest := slices.MinFunc(g.known, station.compare)
			g.known = slices.DeleteFunc(g.known, func(s station) bool { return s.id == oldest.id })
		}
		g.known = append(g.known, station{id: id})
		i = len(g.known) - 1
	}
	s := &g.known[i]
	*s = station{id: id, last: now.Unix(), proven: code || s.proven && s.fresh(now), track: s.forgiven(code)}
}

// compare orders stations by which is forgotten first: without a second factor
// anybody who has the password could have all others forgotten.
func (s station) compare(other station) int {
	if s.proven != other.proven {
		return cmp.Compare(flag(s.proven), flag(other.proven))
	}
	return cmp.Compare(s.last, other.last)
}

// spend records that a ticket was answered from a station; false when it was
// before. Tickets that have expired anyway are forgotten. When the record is
// full the oldest is forgotten too, and with it every ticket as old becomes
// void: forgetting one never makes it usable again. Strangers find a full
// record closed instead: somebody who has the password could go on answering
// questions of his own to make those of the person void. What he can do is fill
// it, and keep all strangers out, the person at a new place among them, until
// his tickets expire, seven minutes at most after the last of them. That is no
// more than his wrong codes do, which lock all strangers out for an hour; a room
// for each place would be filled from as many places.
func (g *guard) spend(nonce [8]byte, issued time.Time, id uint64, now time.Time) bool {
	// Two minutes more than a question lives, for clocks that differ.
	oldest := now.Add(-questionFor - 2*time.Minute).Unix()
	g.spent = slices.DeleteFunc(g.spent, func(s spentTicket) bool { return s.issued < oldest })
	if issued.Unix() <= g.voidUpTo || g.spentBefore(nonce) {
		return false
	}
	if len(g.spent) == maxSpent {
		if !g.knows(id, now) {
			return false
		}
		i := 0
		for j, s := range g.spent {
			if s.issued < g.spent[i].issued {
				i = j
			}
		}
		g.voidUpTo = max(g.voidUpTo, g.spent[i].issued)
		g.spent = slices.Delete(g.spent, i, i+1)
	}
	g.spent = append(g.spent, spentTicket{nonce: nonce, issued: issued.Unix()})
	return true
}

// spentBefore reports whether a ticket was answered.
func (g *guard) spentBefore(nonce [8]byte) bool {
	return slices.ContainsFunc(g.spent, func(s spentTicket) bool { return s.nonce == nonce })
}
