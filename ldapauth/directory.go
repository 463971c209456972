package ldapauth

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/ldapauth/winbind"
	"github.com/portvakt/portvakt/login"
)

// A Directory answers from one or more LDAP servers with the same content; what
// holds while they differ, node.go says. Its methods may be called at the same
// time.
type Directory struct {
	cfg      Config
	log      *slog.Logger
	servers  []*server
	names    *names
	schema   schema
	groups   *groupFinder
	controls []string
	nobody   string // a name that no entry has
	cache    *cache
	pace     pace
	domain   *winbind.Pool // nil unless ntlm_auth is set
	lockout  atomic.Pointer[LockoutPolicy]
	watch    sync.Once
	life     context.Context //nolint:containedctx // of what runs until Close
	stop     context.CancelFunc
	wg       sync.WaitGroup
}

var _ login.Directory = (*Directory)(nil)

// New makes a Directory of a configuration that Validate has nothing against.
// It does not wait for any server: a directory that is down when the program
// starts is used when it comes back.
func New(cfg Config, log *slog.Logger) (*Directory, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.resolved()
	roots, err := cfg.roots()
	if err != nil {
		return nil, fmt.Errorf("ldap.ca: %w", err)
	}
	d := &Directory{
		cfg: cfg, log: log, schema: newSchema(cfg.Attributes), controls: searchControls(cfg.Kind),
		nobody: "cn=" + rand.Text() + "," + cfg.Base, cache: newCache(),
	}
	if d.names, err = newNames(cfg); err != nil {
		return nil, fmt.Errorf("ldap.filter: %w", err)
	}
	if d.groups, err = newGroupFinder(cfg); err != nil {
		return nil, fmt.Errorf("ldap.group_filter: %w", err)
	}
	for _, url := range cfg.Servers {
		e, err := cfg.endpoint(url)
		if err != nil {
			return nil, fmt.Errorf("ldap.servers: %w", err)
		}
		config := &tls.Config{RootCAs: roots, ServerName: e.host, MinVersion: tls.VersionTLS12}
		s := newServer(cfg, e, config, log)
		s.index = uint8(len(d.servers)) //nolint:gosec // at most maxServers
		d.servers = append(d.servers, s)
	}
	if len(cfg.NTLMAuth) > 0 {
		d.domain = winbind.New(cfg.NTLMAuth, cfg.Timeout)
	}
	ctx, stop := context.WithCancel(context.Background())
	d.life, d.stop = ctx, stop
	d.wg.Go(func() { d.tend(ctx) })
	return d, nil
}

// Close ends all connections. Logins under way get an error.
func (d *Directory) Close() {
	d.stop()
	d.wg.Wait()
	for _, s := range d.servers {
		s.close()
	}
	if d.domain != nil {
		d.domain.Close()
	}
}

// tend probes servers that may be down and closes what nobody uses.
func (d *Directory) tend(ctx context.Context) {
	var probes sync.WaitGroup
	defer probes.Wait()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for ticks := 1; ; ticks++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		for _, s := range d.servers {
			s.searches.reap(now.Add(-idleFor))
			s.binds.reap(now.Add(-idleFor))
			if s.due(now) && s.probing.CompareAndSwap(false, true) {
				probes.Go(func() {
					defer s.probing.Store(false)
					s.note(s.probe(ctx))
				})
			}
		}
		if ticks%int(time.Minute/probeEvery) == 0 {
			d.cache.sweep()
		}
	}
}

// try asks the servers in order until one decides. Each gets its share of the
// time that is left, so that one that is silent does not use up all of it. op
// returns nil when it has a decision, of whatever kind.
func (d *Directory) try(ctx context.Context, op func(s *server, deadline time.Time) error) error {
	deadline := time.Now().Add(d.cfg.Timeout)
	if own, has := ctx.Deadline(); has && own.Before(deadline) {
		deadline = own
	}
	var errs []error
	for i, s := range d.servers {
		if !s.up() {
			continue
		}
		began := time.Now()
		share := deadline.Sub(began) / time.Duration(1+upAmong(d.servers[i+1:]))
		err := op(s, began.Add(share))
		if !callersFault(ctx, err, time.Since(began)) {
			s.note(err)
		}
		if err == nil {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", s.url, err))
		if ctx.Err() != nil || !time.Now().Before(deadline) {
			break
		}
	}
	if errs == nil {
		for _, s := range d.servers {
			errs = append(errs, fmt.Errorf("%s: %w: %w", s.url, errDown, s.reason()))
		}
	}
	return errors.Join(errs...)
}

// slow is how long a server must have been waited for before a caller whose
// own time ran out is a failure of the server.
const slow = time.Second

// callersFault reports whether an operation failed because the caller went
// away or gave it hardly any time, which says nothing about the server.
func callersFault(ctx context.Context, err error, took time.Duration) bool {
	if err == nil {
		return false
	}
	if _, has := ctx.Deadline(); has && took < slow {
		var timeout net.Error
		return ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout()
	}
	return errors.Is(ctx.Err(), context.Canceled)
}

// Up reports whether any server answers, as far as is known.
func (d *Directory) Up() bool { return upAmong(d.servers) > 0 }

func upAmong(servers []*server) (n int) {
	for _, s := range servers {
		if s.up() {
			n++
		}
	}
	return n
}

// Lookup finds the account that a name means; see [login.Directory].
func (d *Directory) Lookup(ctx context.Context, name string, maxAge time.Duration) (login.Account, error) {
	name, err := cleanName(name)
	if err != nil {
		return login.Account{}, err
	}
	var room [maxAlternatives]asked
	all := d.names.alternatives(room[:0], name)
	if len(all) == 0 {
		return login.Account{}, refuse(login.ReasonUnknownUser, "not a form of name that is taken here")
	}
	return d.cache.get(ctx, name, maxAge, func(ctx context.Context) (login.Account, error) { return d.find(ctx, all) })
}

// find searches for the one entry.
func (d *Directory) find(ctx context.Context, all []asked) (login.Account, error) {
	var account login.Account
	var refusal error
	err := d.try(ctx, func(s *server, deadline time.Time) error {
		c, err := s.searches.get(ctx, deadline)
		if err != nil {
			return err
		}
		defer s.searches.put(c)
		account, refusal, err = d.findOn(ctx, deadline, c, all)
		account.Server, refusal = s.index, d.saidBy(s, refusal)
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return login.Account{}, fmt.Errorf("look up: %w", err)
	}
	return account, nil
}

// ambiguousAt is how many matches are asked for: enough to see that there is
// more than one.
const ambiguousAt = 2

func (d *Directory) findOn(ctx context.Context, deadline time.Time, c *conn, all []asked) (a login.Account, refusal, err error) {
	var n int
	var bad error
	res, err := c.search(ctx, deadline, &query{
		base: d.cfg.Base, scope: scopeSubtree, sizeLimit: ambiguousAt, timeLimit: seconds(deadline),
		filter: all, attrs: d.schema.encoded, controls: d.controls,
	}, func(e entry) error {
		n++
		if n == 1 {
			a, bad = d.schema.account(e)
		}
		return nil
	})
	switch {
	case err != nil:
		return a, nil, exchangeError(err)
	case n >= ambiguousAt:
		return a, refuse(login.ReasonAmbiguousUser, "several entries match"), nil
	case res.code != ldap.LDAPResultSuccess:
		return a, nil, fmt.Errorf("search below %q: %w", d.cfg.Base, resultFailure(res))
	case n == 0:
		return a, refuse(login.ReasonUnknownUser, ""), nil
	case bad != nil:
		return a, nil, exchangeError(bad)
	case d.groups != nil:
		if err := d.groups.complete(ctx, deadline, c, &a); err != nil {
			return a, nil, fmt.Errorf("groups of %q: %w", a.DN, err)
		}
	}
	return a, nil, nil
}

// Verify checks a password by a bind, and the proof of one by what the
// configuration names for that; see [login.Directory].
func (d *Directory) Verify(ctx context.Context, a login.Account, password login.Secret) error {
	check, err := d.checker(password)
	if err != nil {
		return err
	}
	nobody := a.ID == "" && a.DN == ""
	switch {
	case nobody:
		a.DN, a.Name = d.nobody, nobodysName
	case a.ID == "" || a.DN == "":
		return errors.New("ldapauth: account without an identifier or a distinguished name")
	}
	began := time.Now()
	verdict, err := check(ctx, a)
	if err != nil {
		return fmt.Errorf("check password: %w", err)
	}
	if !nobody {
		d.pace.note(time.Since(began))
		return verdict
	}
	if verdict == nil {
		return errors.New("ldapauth: the directory accepts a name that it cannot have: no answer of it is believed")
	}
	d.pace.wait(ctx, began)
	return refuse(login.ReasonBadPassword, "no such user")
}

// byBind checks the password of an account.
func (d *Directory) byBind(text string) checker {
	return func(ctx context.Context, a login.Account) (verdict, err error) {
		err = d.try(ctx, func(s *server, deadline time.Time) error {
			res, err := s.bind(ctx, deadline, a.DN, text)
			if err != nil {
				return err
			}
			verdict = res.verdict()
			if verdict != nil && login.Refused(verdict) == "" {
				return verdict
			}
			verdict, err = d.confirm(ctx, deadline, s, a, verdict)
			return err
		})
		return verdict, err
	}
}

// maxPassword is the most octets of a password.
const maxPassword = 1024

// cleanPassword refuses, before any traffic, what no directory may be asked.
func cleanPassword(password login.Secret) (string, error) {
	text, ok := password.Reveal()
	switch {
	case !ok:
		return "", errors.New("ldapauth: a bind needs the password itself")
	// Password fields padded with NUL are empty ones, and a server written in
	// C would take them for such: an unauthenticated bind, which succeeds (RFC
	// 4513, section 5.1.2).
	case strings.Trim(text, "\x00") == "":
		return "", refuse(login.ReasonEmptyPassword, "")
	case len(text) > maxPassword:
		return "", refuse(login.ReasonBadRequest, "password longer than 1024 octets")
	case !utf8.ValidString(text):
		return "", refuse(login.ReasonBadEncoding, "the client sends another character set than UTF-8")
	case strings.IndexByte(text, 0) >= 0:
		return "", refuse(login.ReasonBadEncoding, "NUL in the password")
	}
	return text, nil
}
