package login

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login/text"
)

// Config is what a Flow is made of. Every field is required but Audit and Telephones.
type Config struct {
	Directory   Directory
	Policy      *Policy
	Factors     []Factor // in the order methods are offered when a rule names none
	Enrollments Enrollments
	Records     Records
	Tickets     Sealer
	Texts       *text.Texts
	// Audit gets one event for each decision. It must not block.
	Audit func(Event)
	// AccountAge is how old a cached account may be at the password; at the
	// answer to a question it may be as old as the question.
	AccountAge time.Duration
	// HashUnknown keeps names that nobody has out of the log: they may be
	// passwords typed into the wrong field.
	HashUnknown bool
	// Match is whether calls ask for digits shown at the prompt where a rule
	// does not say what they ask for.
	Match bool
	// RefuseRepeats answers a password that was refused a moment ago from
	// memory, when the same device at the same client sends it again.
	RefuseRepeats bool
	// Telephones says which numbers of the directory may be used; nil for all.
	Telephones Telephones
	// FraudLock is how long nobody may try the password of somebody who has
	// reported a sign-in that was not hers.
	FraudLock time.Duration
	// Emergency says whom emergency mode may let in with a password alone.
	Emergency EmergencyConfig
}

// A Flow decides logins. It owns every transition; see the drawing in the
// package's documentation. It is safe for concurrent use.
type Flow struct {
	Config
	guards  guards
	answers *answering
	sources *sources
	turns   *turns
	errands *errands
	storms  *storms
	names   *unverified
	copies  *unverified     // wrong passwords of copies, see rehearsePassword
	asking  *sync.WaitGroup // errands begun under this configuration
	veil    *[32]byte       // the key of veiled
	// reminders has a place for each that is on its way.
	reminders chan struct{}
}

// NewFlow makes a Flow.
func NewFlow(c Config) *Flow {
	f := &Flow{
		Config: c, guards: guards{c.Records}, answers: &answering{}, sources: newSources(), turns: &turns{},
		errands: newErrands(), storms: newStorms(), names: newUnverified(), copies: newUnverified(), asking: &sync.WaitGroup{}, veil: new([32]byte),
		reminders: make(chan struct{}, maxReminders),
	}
	rand.Read(f.veil[:])
	return f
}

// With returns a Flow of another configuration that goes on with the
// conversations and counters of this one, for a reload.
func (f *Flow) With(c Config) *Flow {
	return &Flow{
		Config: c, guards: guards{c.Records}, answers: f.answers, sources: f.sources, turns: f.turns,
		errands: f.errands, storms: f.storms, names: f.names, copies: f.copies, asking: &sync.WaitGroup{}, veil: f.veil,
		reminders: f.reminders,
	}
}

// Settle waits until nothing that was begun under this configuration is being
// asked elsewhere any more. Nothing new may begin meanwhile: it is for one that
// [Flow.With] has replaced.
func (f *Flow) Settle() { f.asking.Wait() }

// Close ends what is being asked elsewhere and waits for it. Who still waits
// for an answer gets an error: a transport that has drained has nobody waiting.
func (f *Flow) Close() error {
	f.errands.close()
	return nil
}

// accountAgeAsked is how old an account may be when a question about it is
// answered, so that a directory that has stopped delays no answer.
const accountAgeAsked = questionFor + time.Minute

// An attempt carries one call of Begin or Resume along.
type attempt struct {
	Attempt
	ctx     context.Context //nolint:containedctx // lives as long as the call
	began   time.Time
	storm   *stormKey // once the secret is forgotten
	station uint64
	event   finding
	of      *turns
	turns   [maxTurns]*turn // to leave
	notice  string          // for the person who gets in
	kept    []byte          // for the transport that lets her in
	grant   []byte          // too, by the directory
	id      [5]byte
	filed   bool // the grant is in its record
	typed   bool // the secret is a password, not the answer to a question
	done    bool // audited
	// expired is the refusal of a password that was right and has expired,
	// where it may be changed.
	expired *Refusal
}

// A finding is what an attempt has found out for its Event, without what the
// attempt has anyway: many thousands may be waiting.
type finding struct {
	Outcome              string
	Reason               Reason
	Detail               string
	User, AccountID      string
	Rule, Method         string
	Directory, Elsewhere time.Duration
	Foresight            *Foresight
	Alarm                bool
	Emergency            *Emergency
}

func (f *Flow) start(ctx context.Context, a Attempt) *attempt {
	t := &attempt{Attempt: a, ctx: ctx, began: time.Now(), station: stationID(a.Via)}
	rand.Read(t.id[:])
	t.event.User = a.User
	return t
}

// finish audits a step or the error that kept the Flow from deciding, once. A
// Wait is not ours any more: it is answered, and audited, by its errand.
func (f *Flow) finish(t *attempt, s Step, err error) (Step, error) {
	if _, waiting := s.(Wait); waiting || t.done {
		return s, err
	}
	t.done = true
	if t.typed && f.RefuseRepeats {
		f.storms.remember(t, s)
	}
	e := &t.event
	switch s := s.(type) {
	case Accept:
		e.Outcome, e.Reason, e.Rule = "accept", s.reason, s.rule
		e.Alarm = s.reason == ReasonEmergency
	case Reject:
		e.Outcome, e.Reason = "reject", s.Reason
		e.Alarm = s.Reason == ReasonFraud || s.Reason == ReasonInProgress
	case Ask:
		e.Outcome = "ask"
		e.Reason = cmp.Or(e.Reason, ReasonOK)
	case nil, Wait:
		e.Outcome, e.Reason = "error", ReasonUnavailable
		if err != nil {
			e.Detail = err.Error()
		}
	}
	f.tell(t)
	return s, err
}

// tell tells the audit of an attempt's end.
func (f *Flow) tell(t *attempt) {
	if f.Audit == nil {
		return
	}
	e := &t.event
	if e.AccountID == "" && f.HashUnknown {
		e.User = veiled(f.veil, e.User)
	}
	f.Audit(t.told(*e))
}

// told is the event of what an attempt has found out.
func (t *attempt) told(e finding) Event {
	emergency := ""
	if e.Emergency != nil {
		emergency = e.Emergency.Where()
	}
	copies, gone := 0, false
	if s := t.Via.Sending; s != nil {
		at := s.Gone.Load()
		copies, gone = int(s.Copies.Load()), at > 0 && time.Now().UnixNano() > at
	}
	return Event{
		Time: t.began, Attempt: reference(t.id), Client: t.Via.Client, Station: t.Via.Station, Took: time.Since(t.began),
		Outcome: e.Outcome, Reason: e.Reason, Detail: e.Detail, User: e.User, AccountID: e.AccountID, Rule: e.Rule, Method: e.Method,
		Directory: e.Directory, Elsewhere: e.Elsewhere, Foresight: e.Foresight, Alarm: e.Alarm,
		Emergency: emergency, Copies: copies, Gone: gone,
	}
}

// reject refuses. Every refusal says the same in the same language, so that it
// tells nothing of whether an account exists or what state it is in; the
// reference leads the service desk to the reason.
func (f *Flow) reject(t *attempt, r Reason) (Step, error) {
	return Reject{Reason: r, Text: f.Texts.Text(f.Texts.Default(), "rejected") + " [" + reference(t.id) + "]"}, nil
}

// refuse rejects when err is a decision and passes it on when it is not.
func (f *Flow) refuse(t *attempt, err error) (Step, error) {
	var r *Refusal
	if !errors.As(err, &r) {
		return nil, err
	}
	t.event.Detail = r.Detail
	return f.reject(t, r.Reason)
}

// A passwordProof says that the password of an account was right, now or in
// the round that sealed the ticket; or that it was, and has expired.
type passwordProof struct {
	account string
	expired bool
}

// A factorProof says that a second factor of an account was proven just now
// and that its single use is durable; or earlier, on the same device; or that
// an administrator has waived it for a while.
type factorProof struct {
	account, method string
	// earlier is whether it was proven before, on a device that is remembered.
	earlier bool
	// waived is whether emergency mode stands in its place.
	waived bool
}

// fresh reports whether a code or an approval was given just now.
func (p *factorProof) fresh() bool { return p != nil && !p.earlier && !p.waived }

// admit is the one function that builds a valid Accept. It needs the proof of
// the password, and the proof of a second factor unless the decision names a
// rule that asks for none.
func admit(a Account, d Decision, p passwordProof, second *factorProof, notice string) (Accept, error) {
	switch {
	case p.account == "" || p.account != a.ID:
		return Accept{}, errors.New("login: no proof of this account's password")
	case p.expired:
		return Accept{}, errors.New("login: the password has expired")
	case d.Second == SecondDeny:
		return Accept{}, errors.New("login: the rule denies")
	case second != nil && second.account == a.ID && second.waived:
		return Accept{account: a, rule: d.Rule, reason: ReasonEmergency, notice: notice, valid: true}, nil
	case second != nil && second.account == a.ID && second.earlier:
		return Accept{account: a, rule: d.Rule, reason: ReasonRemembered, notice: notice, valid: true}, nil
	case second != nil && second.account == a.ID:
		return Accept{account: a, rule: d.Rule, reason: ReasonOK, notice: notice, valid: true}, nil
	case second == nil && d.Second == SecondNone:
		return Accept{account: a, rule: d.Rule, reason: d.Reason, notice: notice, valid: true}, nil
	case second == nil && (d.Second == SecondEnrolled || d.Unenrolled == UnenrolledAllow) && d.Reason == ReasonUnenrolledPass:
		return Accept{account: a, rule: d.Rule, reason: d.Reason, notice: notice, valid: true}, nil
	}
	return Accept{}, errors.New("login: no proof of a second factor")
}

// answering holds the tickets being answered at this moment, so that of many
// copies of one answer only one is checked.
type answering struct {
	mu  sync.Mutex
	now map[[8]byte]struct{}
}

func (s *answering) begin(nonce [8]byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, busy := s.now[nonce]; busy {
		return false
	}
	if s.now == nil {
		s.now = map[[8]byte]struct{}{}
	}
	s.now[nonce] = struct{}{}
	return true
}

func (s *answering) end(nonce [8]byte) {
	s.mu.Lock()
	delete(s.now, nonce)
	s.mu.Unlock()
}

// veiled shortens a name that nobody has to what still helps: its first two
// characters and a hash by which equal ones are recognised until the next
// start. Without a key, whoever reads the log could try passwords until one has
// the hash.
func veiled(key *[32]byte, name string) string {
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(name))
	sum := mac.Sum(nil)
	short := []rune(name)
	if len(short) > 2 {
		short = short[:2]
	}
	return string(short) + "…" + base32.StdEncoding.EncodeToString(sum[:5])
}
