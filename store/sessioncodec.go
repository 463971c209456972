package store

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	sessionVersion = 1
	// maxSession is the most a record may have (octets). Without Class and
	// Called no packet makes a longer one.
	maxSession = 16 << 10
	// lateStart is how soon after it was told of last a session's start is that
	// of the same session, sent again, and not of another with its id.
	lateStart = time.Minute
)

// A session is the record of a session.
type session struct {
	Version int `json:"v"`
	// Writes counts changes, so that of two the later one is known.
	Writes uint64 `json:"n"`
	// Inferred is whether no stop of its own has ended it.
	Inferred bool `json:"inferred,omitempty"`

	Client   string     `json:"client"`
	NAS      string     `json:"nas"`
	From     netip.Addr `json:"from,omitzero"`
	ID       string     `json:"id"`
	MultiID  string     `json:"multi,omitempty"`
	User     string     `json:"user,omitempty"`
	Account  string     `json:"account,omitempty"`
	Station  string     `json:"station,omitempty"`
	Called   string     `json:"called,omitempty"`
	Port     string     `json:"port,omitempty"`
	Address  netip.Addr `json:"address,omitzero"`
	Class    [][]byte   `json:"class,omitempty"`
	Identity []byte     `json:"identity,omitempty"`
	Started  int64      `json:"started"`
	Heard    int64      `json:"heard"`
	Ended    int64      `json:"ended,omitempty"`
	Cause    string     `json:"cause,omitempty"`
	Lasted   int64      `json:"lasted,omitempty"` // seconds
	In       uint64     `json:"in,omitempty"`
	Out      uint64     `json:"out,omitempty"`
}

func newSession(r *login.SessionReport) session {
	return session{Version: sessionVersion, Client: r.Client, NAS: r.NAS, ID: r.ID}
}

// replaces reports whether a report begins another session than the one that
// is kept, whose id its device uses again.
func (s *session) replaces(r *login.SessionReport) bool {
	if r.Status != login.SessionStart {
		return false
	}
	at := r.At.Unix()
	return s.Inferred && at > s.Ended || at > max(s.Heard, s.Ended)+int64(lateStart/time.Second)
}

// take adds what a report tells. Reports may come late, twice and in any
// order: a stop is final, counters only grow, and times are those of the
// report.
func (s *session) take(r *login.SessionReport) {
	at := r.At.Unix()
	s.Writes++
	for _, f := range []struct {
		to   *string
		from string
	}{
		{&s.MultiID, r.MultiID},
		{&s.User, r.User},
		{&s.Account, r.AccountID},
		{&s.Station, r.Station},
		{&s.Called, r.Called},
		{&s.Port, r.Port},
	} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	if r.Address.IsValid() {
		s.Address = r.Address
	}
	if r.From.IsValid() {
		s.From = r.From
	}
	if len(r.Class) > 0 {
		s.Class = r.Class
	}
	if len(r.Identity) >= len(s.Identity) {
		s.Identity = r.Identity
	}
	lasted := int64(r.Lasted / time.Second)
	s.Lasted, s.In, s.Out = max(s.Lasted, lasted), max(s.In, r.In), max(s.Out, r.Out)
	if began := at - lasted; s.Started == 0 || began < s.Started && r.Status == login.SessionStart {
		s.Started = began
	}
	s.Heard = max(s.Heard, at)
	switch {
	case r.Status == login.SessionStop:
		s.Ended, s.Cause, s.Inferred = at, r.Cause, false
	case s.Inferred && at > s.Ended:
		s.Ended, s.Cause, s.Inferred = 0, "", false
	}
}

// end ends a session that no stop came for.
func (s *session) end(at time.Time, cause string) {
	s.Writes++
	s.Ended, s.Cause, s.Inferred = at.Unix(), cause, true
}

func (s *session) encode() ([]byte, error) {
	b, err := json.Marshal(s)
	if err == nil && len(b) > maxSession {
		short := *s
		short.Class, short.Called = nil, ""
		return json.Marshal(&short)
	}
	return b, err
}

func decodeSession(key string, v Value) (session, error) {
	var s session
	if err := json.Unmarshal(v.Data, &s); err != nil {
		return s, fmt.Errorf("session %q: %w: %w", key, ErrUnreadable, err)
	}
	if s.Version != sessionVersion {
		return s, fmt.Errorf("session %q has version %d, this program knows %d; use the newer program: %w",
			key, s.Version, sessionVersion, ErrUnreadable)
	}
	return s, nil
}

// session returns what a record says.
func (s *session) session() login.Session {
	when := func(unix int64) (t time.Time) {
		if unix != 0 {
			t = time.Unix(unix, 0).UTC()
		}
		return t
	}
	return login.Session{
		Client: s.Client, NAS: s.NAS, From: s.From, ID: s.ID, MultiID: s.MultiID, User: s.User, AccountID: s.Account,
		Station: s.Station, Called: s.Called, Port: s.Port, Address: s.Address, Class: s.Class, Identity: s.Identity,
		Started: when(s.Started), Heard: when(s.Heard), Ended: when(s.Ended), Cause: s.Cause,
		Lasted: time.Duration(s.Lasted) * time.Second, In: s.In, Out: s.Out,
	}
}
