package radiusd

import (
	"context"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/login"
)

const (
	logEvery       = time.Second // a line a kind; a flood must not fill the disk
	logSourceEvery = time.Minute // a line an unknown source
	maxLogSources  = 1024        // sources remembered; beyond them only counted
)

// A limiter lets one line a second through and counts the others.
type limiter struct {
	last    atomic.Int64 // ns since the start, +1 so that 0 means never
	waiting atomic.Uint64
}

// note counts one event. When a line is due it returns how many events it
// stands for.
func (l *limiter) note(now time.Duration) (count uint64, due bool) {
	l.waiting.Add(1)
	return l.due(now, logEvery)
}

// due reports whether events wait for a line and one may be written.
func (l *limiter) due(now, every time.Duration) (count uint64, due bool) {
	last := l.last.Load()
	if !l.open(now, every) || l.waiting.Load() == 0 || !l.last.CompareAndSwap(last, int64(now)+1) {
		return 0, false
	}
	return l.waiting.Swap(0), true
}

// open reports whether the last line is long enough ago.
func (l *limiter) open(now, every time.Duration) bool {
	last := l.last.Load()
	return last == 0 || int64(now) >= last-1+int64(every)
}

// A lineKind says how a tally is logged.
type lineKind struct {
	shown bool
	level slog.Level
	hint  string
}

// lines has the tallies an operator wants to hear of.
var lines = [numTallies]lineKind{
	dropShort:             {true, slog.LevelInfo, ""},
	dropLength:            {true, slog.LevelInfo, ""},
	dropCode:              {true, slog.LevelInfo, "accounting and CoA have ports of their own"},
	dropUnknownClient:     {true, slog.LevelWarn, "no [[client]] has this address in its networks"},
	dropCertificate:       {true, slog.LevelWarn, "the configuration or the time has ended what the connection began with: portvakt check"},
	dropMalformed:         {true, slog.LevelWarn, ""},
	dropAttributes:        {true, slog.LevelWarn, ""},
	dropUnsigned:          {true, slog.LevelWarn, `make the client send Message-Authenticator; if it cannot, set require_message_authenticator = "no" for it`},
	dropBadSignature:      {true, slog.LevelWarn, "shared secret probably wrong"},
	dropAuthenticator:     {true, slog.LevelWarn, "shared secret probably wrong"},
	dropForbidden:         {true, slog.LevelWarn, "RFC 2866, section 4.1 forbids User-Password, CHAP-Password, Reply-Message and State in accounting"},
	dropIncomplete:        {true, slog.LevelWarn, "RFC 2866, sections 5.1 and 5.5 ask for Acct-Status-Type and Acct-Session-Id"},
	dropProxyState:        {true, slog.LevelWarn, `make the client send Message-Authenticator; if it cannot, set limit_proxy_state = "no" for it`},
	dropStatusRate:        {true, slog.LevelInfo, "raise status_server_rate if this is wanted"},
	dropRepliesFull:       {true, slog.LevelError, "raise max_replies if this is no attack"},
	dropBusy:              {true, slog.LevelError, "raise max_requests if the dependencies are healthy"},
	dropClientBusy:        {true, slog.LevelError, "raise the client's max_requests if this is no attack"},
	dropHeldFull:          {true, slog.LevelError, "raise max_held if this is no attack"},
	dropClientHeldFull:    {true, slog.LevelError, "raise the client's max_held if this is no attack"},
	dropUndecided:         {true, slog.LevelError, ""},
	dropUnrecorded:        {true, slog.LevelError, "the client sends again; check the store"},
	dropPanic:             {true, slog.LevelError, "please report this"},
	dropTooLong:           {true, slog.LevelError, "fewer reply attributes"},
	dropSendQueue:         {true, slog.LevelError, ""},
	refusedTwice:          {true, slog.LevelWarn, ""},
	refusedBothPasswords:  {true, slog.LevelWarn, ""},
	refusedMethod:         {true, slog.LevelWarn, "set the product to PAP"},
	refusedNothingToCheck: {true, slog.LevelWarn, "the client's dictionary may lack the attribute of the password; for MS-CHAPv2 it needs Microsoft's"},
	refusedName:           {true, slog.LevelWarn, ""},
	refusedPasswordForm:   {true, slog.LevelWarn, ""},
	refusedGarbled:        {true, slog.LevelWarn, "shared secret probably wrong"},
	noteOldSecret:         {true, slog.LevelInfo, "give it the new secret, then remove old_secret"},
	noteNoNAS:             {true, slog.LevelInfo, "RFC 2865, section 4.1 asks for NAS-Identifier or NAS-IP-Address"},
	noteSignsAfterAll:     {true, slog.LevelInfo, `set require_message_authenticator = "yes" when all of its devices do`},
	noteAcctStatus:        {true, slog.LevelInfo, "answered, not recorded"},
	noteReadError:         {true, slog.LevelError, ""},
	noteSendError:         {true, slog.LevelError, ""},
	noteHandshake:         {true, slog.LevelWarn, "both ends need a certificate that the other's ca file is good for: see docs/radsec.md"},
	noteCertificate:       {true, slog.LevelWarn, "write it into the certificates of a [[client]], if it is a device of yours"},
	noteConnections:       {true, slog.LevelWarn, "raise server.radsec.max_connections if this is no attack; a quarter of it is for one address"},
	noteStalled:           {true, slog.LevelInfo, "the connection was closed: its peer stopped in the middle of a packet, or took no replies"},
}

// journal writes the limited lines of the server.
type journal struct {
	log      *slog.Logger
	limiters [numTallies]limiter

	mu      sync.Mutex
	sources map[netip.Addr]time.Duration
	seen    []stranger // the latest last
}

// note logs a tally if a line is due. What else is known goes into attrs, which
// is only called then.
func (j *journal) note(t tally, now time.Duration, attrs func() []slog.Attr) {
	kind := &lines[t]
	if !kind.shown {
		return
	}
	if count, due := j.limiters[t].note(now); due {
		j.line(t, kind, count, attrs())
	}
}

// unknown logs a source nobody has configured, at most once a minute.
func (j *journal) unknown(from netip.Addr, now time.Duration) {
	l := &j.limiters[dropUnknownClient]
	if !l.open(now, logEvery) || !j.remember(from, now) {
		l.waiting.Add(1)
		return
	}
	if count, due := l.note(now); due {
		j.line(dropUnknownClient, &lines[dropUnknownClient], count, []slog.Attr{slog.String(login.KeyAddress, from.String())})
	}
}

// remember reports whether a source may have a line.
func (j *journal) remember(from netip.Addr, now time.Duration) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if last, seen := j.sources[from]; seen && now < last+logSourceEvery {
		return false
	}
	if j.sources == nil {
		j.sources = map[netip.Addr]time.Duration{}
	}
	if len(j.sources) >= maxLogSources {
		return false
	}
	j.sources[from] = now
	j.meet(from, now)
	return true
}

// flush writes the lines of events that no later one has written.
func (j *journal) flush(now time.Duration) {
	j.mu.Lock()
	for from, last := range j.sources {
		if now >= last+logSourceEvery {
			delete(j.sources, from)
		}
	}
	j.mu.Unlock()
	for i := range lines {
		t, every := tally(i), logEvery
		if t == dropUnknownClient {
			every = logSourceEvery
		}
		if count, due := j.limiters[t].due(now, every); due {
			j.line(t, &lines[t], count, nil)
		}
	}
}

func (j *journal) line(t tally, kind *lineKind, count uint64, attrs []slog.Attr) {
	all := []slog.Attr{slog.String(login.KeyKind, t.String()), slog.Uint64(login.KeyCount, count)}
	all = append(all, attrs...)
	if kind.hint != "" {
		all = append(all, slog.String(login.KeyHint, kind.hint))
	}
	ctx := context.Background() // what is dropped belongs to no request
	switch {
	case t > lastRefused:
		j.log.LogAttrs(ctx, kind.level, "noticed", all...)
	case t > lastOutcome:
		j.log.LogAttrs(ctx, kind.level, "requests refused", all...)
	default:
		j.log.LogAttrs(ctx, kind.level, "requests dropped", all...)
	}
}
