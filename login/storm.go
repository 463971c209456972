package login

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A device with a saved password tries again by itself, all night, after a "no"
// that will be the same: each try would cost a bind, which the directory
// counts, or ring somebody's telephone. Such tries are answered from memory for
// a while that grows with each refusal that was decided anew.
const (
	// wrongPause follows the first refusal of what was typed itself: a password
	// that was wrong stays wrong until somebody changes it to that.
	wrongPause = 30 * time.Second
	wrongMost  = time.Hour
	// otherPause follows the second of any other refusal in a row: a person who
	// has missed a call may ask for it again at once, a device that goes on may
	// not. It ends soon, as somebody may have helped her meanwhile.
	otherPause = 15 * time.Second
	otherMost  = 10 * time.Minute
	// stormForgotten without a try begins the count anew.
	stormForgotten = 2 * time.Hour
	// sameMoment is within what refusals are one: all who wait for one call are
	// told at once.
	sameMoment = time.Second
	maxStorms  = 65536
)

// storms remembers what was refused, by keyed digests of name, client, station
// and password, in memory only. Another password, another device or another
// client is another matter.
type storms struct {
	key  [32]byte
	some atomic.Int64 // entries, so that nothing is hashed while there are none
	mu   sync.Mutex
	all  map[stormKey]*storm
}

type stormKey [16]byte

type storm struct {
	reason        Reason
	account, name string // who it was, for the log
	refusals      int    // decided anew
	until, last   time.Time
}

func newStorms() *storms {
	s := &storms{all: map[stormKey]*storm{}}
	rand.Read(s.key[:])
	return s
}

// keyOf is the entry of an attempt; ok is false for a password of which only a
// proof was sent, which is another one each time.
func (s *storms) keyOf(t *attempt) (k stormKey, ok bool) {
	if t.storm != nil {
		return *t.storm, true
	}
	text, ok := t.Secret.Reveal()
	if !ok {
		return k, false
	}
	b := make([]byte, 0, 256)
	b = append(b, s.key[:]...)
	for _, part := range [...]string{strings.ToLower(t.User), t.Via.Client, t.Via.Station, text} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) //nolint:gosec // of a packet
		b = append(b, part...)
	}
	sum := sha256.Sum256(b)
	clear(b)
	copy(k[:], sum[:])
	return k, true
}

// forget drops what was typed before a wait that may take a minute, and keeps
// by what it is told again.
func (f *Flow) forget(t *attempt) {
	if t.typed && f.RefuseRepeats {
		k, ok := f.storms.keyOf(t)
		if t.typed = ok; ok {
			t.storm = &k
		}
	}
	t.Secret = nil
}

// pause is how long the answer stays the same after so many refusals; 0 when
// the next try is decided anew.
func pause(r Reason, refusals int) time.Duration {
	first, most := otherPause, otherMost
	switch r {
	case ReasonBadPassword, ReasonUnknownUser, ReasonAmbiguousUser, ReasonWrongCode, ReasonUsedCode:
		first, most = wrongPause, wrongMost
	case ReasonPasswordExpired, ReasonMustChange, ReasonDisabled, ReasonAccountExpired, ReasonLockedDirectory,
		ReasonHours, ReasonWorkstation, ReasonPolicyDeny, ReasonNotEnrolled, ReasonCannotAsk, ReasonMethodNotAllowed,
		ReasonNoMethodWorks, ReasonDenied, ReasonFraud, ReasonNoAnswer, ReasonTooManyCalls, ReasonEnrollElsewhere, ReasonDormant:
		if refusals--; refusals == 0 {
			return 0
		}
	default:
		// The others cost neither a bind nor a call, end by themselves, or must
		// be decided: an approval that comes late is taken by the next try.
		return 0
	}
	for ; refusals > 1 && first < most; refusals-- {
		first *= 2
	}
	return min(first, most)
}

// repeated answers an attempt from memory; nil when it must be decided. The
// answer says and takes what any refusal does (attack: finding out by it what a
// guess was refused for).
func (f *Flow) repeated(t *attempt) (Step, error) {
	if !f.RefuseRepeats || f.storms.some.Load() == 0 {
		return nil, nil
	}
	k, ok := f.storms.keyOf(t)
	if !ok {
		return nil, nil
	}
	f.storms.mu.Lock()
	had := f.storms.all[k]
	if had == nil || !t.began.Before(had.until) {
		f.storms.mu.Unlock()
		return nil, nil
	}
	had.last = t.began
	e := *had
	f.storms.mu.Unlock()
	t.event.AccountID, t.event.Detail = e.account, fmt.Sprintf("%s, decided %d times, the next in %s", e.reason, e.refusals, e.until.Sub(t.began).Round(time.Second))
	if e.name != "" {
		t.event.User = e.name
	}
	return f.reject(t, ReasonRepeated)
}

// remember notes how an attempt with a password ended.
func (s *storms) remember(t *attempt, step Step) {
	r, refused := step.(Reject)
	switch {
	case step == nil: // could not decide
		return
	case refused && pause(r.Reason, 2) == 0, !refused && s.some.Load() == 0:
		return
	}
	k, ok := s.keyOf(t)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.some.Store(int64(len(s.all))) }()
	if !refused {
		delete(s.all, k)
		return
	}
	now := time.Now() // a call may have taken a minute
	had := s.all[k]
	if had == nil || now.Sub(had.last) >= stormForgotten {
		if had == nil && len(s.all) >= maxStorms {
			s.makeRoom(now)
		}
		had = &storm{}
		s.all[k] = had
	}
	switch {
	case had.reason != r.Reason:
		had.refusals = 1
	case now.Sub(had.last) >= sameMoment:
		had.refusals++
	}
	had.reason, had.last = r.Reason, now
	had.until = now.Add(pause(r.Reason, had.refusals))
	if had.account = t.event.AccountID; had.account != "" {
		had.name = t.event.User
	}
}

// makeRoom forgets what has run out and, when that is too little, some of the
// others: what is forgotten is only decided anew, within the limits of guards.
func (s *storms) makeRoom(now time.Time) {
	for k, e := range s.all {
		if now.Sub(e.last) >= stormForgotten {
			delete(s.all, k)
		}
	}
	for k := range s.all {
		if len(s.all) < maxStorms*15/16 {
			return
		}
		delete(s.all, k)
	}
}
