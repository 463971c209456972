package ldapauth

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/login"
)

const (
	// lockoutEvery is how often the directory's policy is read again, and
	// lockoutRetry how soon after it could not be.
	lockoutEvery = time.Hour
	lockoutRetry = time.Minute
	// maxPolicies bounds how many policies there may be.
	maxPolicies = 1000
	// forEver stands for wrong passwords that are counted until a right one.
	forEver = 100 * 365 * 24 * time.Hour
)

// A LockoutPolicy is what is known of how the directory locks accounts.
type LockoutPolicy struct {
	login.Lockout
	// From are the entries that it was read from; empty when none could be
	// read, or when the configuration says it.
	From []string
	// Configured is whether the configuration says it.
	Configured bool
}

var _ login.Locker = (*Directory)(nil)

// Lockout is what was read last, or what the configuration says; the zero value
// while neither is there.
func (d *Directory) Lockout() login.Lockout {
	if d.cfg.LockoutThreshold > 0 {
		return login.Lockout{After: d.cfg.LockoutThreshold, Window: d.cfg.LockoutWindow}
	}
	if p := d.lockout.Load(); p != nil {
		return p.Lockout
	}
	return login.Lockout{}
}

// WatchLockout begins to read the policy now and each hour, until Close. What was
// read stays in force while the directory is down. Only the first call counts.
func (d *Directory) WatchLockout() {
	if d.cfg.LockoutThreshold > 0 {
		return
	}
	d.watch.Do(func() { d.wg.Go(func() { d.watchLockout(d.life) }) })
}

func (d *Directory) watchLockout(ctx context.Context) {
	for {
		before := d.lockout.Load()
		p, err := d.ReadLockout(ctx)
		next := lockoutEvery
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			next = lockoutRetry // the servers' own lines say what is wrong
		case before == nil || before.Lockout != p.Lockout:
			d.log.LogAttrs(ctx, slog.LevelInfo, "lockout policy of the directory", slog.Int(login.KeyCount, p.After),
				slog.String(login.KeyDetail, p.String()))
		}
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// String says what it means for sign-ins.
func (p LockoutPolicy) String() string {
	if p.After == 0 && len(p.From) > 0 {
		return "locks nobody for wrong passwords"
	}
	if p.After == 0 {
		return "no policy can be read"
	}
	counts := p.Window.String()
	if p.Window >= forEver {
		counts = "any time"
	}
	return fmt.Sprintf("locks an account after %d wrong passwords within %s", p.After, counts)
}

// ReadLockout reads after how many wrong passwords the directory locks accounts.
// Where policies differ from person to person the strictest counts for all.
// That none can be read is no error: LockoutPolicy.From is empty.
func (d *Directory) ReadLockout(ctx context.Context) (LockoutPolicy, error) {
	if d.cfg.LockoutThreshold > 0 {
		return LockoutPolicy{Lockout: d.Lockout(), Configured: true}, nil
	}
	var p LockoutPolicy
	err := d.try(ctx, func(s *server, deadline time.Time) error {
		c, err := s.searches.get(ctx, deadline)
		if err != nil {
			return err
		}
		defer s.searches.put(c)
		p = LockoutPolicy{}
		for _, q := range d.policyQueries(deadline) {
			if err := p.read(ctx, deadline, c, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("read lockout policy: %w", err)
	}
	d.lockout.Store(&p)
	return p, nil
}

// Attributes of policies: of a domain of Active Directory and of its Password
// Settings Objects, and of the password policies that OpenLDAP's overlay has from
// draft-behera-ldap-password-policy-10.
var (
	policyAttributes = selection(
		"lockoutThreshold", "lockOutObservationWindow", "msDS-LockoutThreshold", "msDS-LockoutObservationWindow",
		"pwdLockout", "pwdMaxFailure", "pwdFailureCountInterval",
	)
	psoFilter    = template{tag: filterEqual, sub: assertion("objectClass", "msDS-PasswordSettings")}
	policyFilter = template{tag: filterEqual, sub: assertion("objectClass", "pwdPolicy")}
)

func assertion(attribute, value string) []template {
	return []template{{tag: tagOctets, plain: []byte(attribute)}, {tag: tagOctets, plain: []byte(value)}}
}

// policyQueries are where a kind of directory keeps its policies.
func (d *Directory) policyQueries(deadline time.Time) []*query {
	domain := domainOf(d.cfg.Base)
	if domain == "" {
		domain = d.cfg.Base
	}
	q := query{base: domain, timeLimit: seconds(deadline), attrs: policyAttributes, controls: d.controls}
	switch d.cfg.Kind {
	case KindAD:
		own, special := q, q
		own.scope, own.sizeLimit, own.filter = scopeBase, 1, []asked{{filter: &anyEntry}}
		special.base = "CN=Password Settings Container,CN=System," + domain
		special.scope, special.sizeLimit, special.filter = scopeSubtree, maxPolicies, []asked{{filter: &psoFilter}}
		return []*query{&own, &special}
	case KindOpenLDAP:
		q.scope, q.sizeLimit, q.filter = scopeSubtree, maxPolicies, []asked{{filter: &policyFilter}}
		return []*query{&q}
	}
	return nil
}

// read adds what a search finds. Nothing, or no right to see it, is no error.
func (p *LockoutPolicy) read(ctx context.Context, deadline time.Time, c *conn, q *query) error {
	res, err := c.search(ctx, deadline, q, func(e entry) error {
		l, found, err := lockoutOf(e)
		if err != nil || !found {
			return err
		}
		p.From = append(p.From, string(e.dn))
		p.add(l)
		return nil
	})
	switch {
	case err != nil:
		return exchangeError(err)
	case res.code == ldap.LDAPResultSuccess, res.code == ldap.LDAPResultNoSuchObject, res.code == ldap.LDAPResultInsufficientAccessRights:
		return nil
	}
	return resultFailure(res)
}

// add makes the policy as strict as another one.
func (p *LockoutPolicy) add(l login.Lockout) {
	if l.After == 0 {
		return
	}
	if p.After == 0 || l.After < p.After {
		p.After = l.After
	}
	p.Window = max(p.Window, l.Window)
}

// lockoutOf reads one policy; found is whether the entry is one that can be
// seen.
func lockoutOf(e entry) (l login.Lockout, found bool, err error) {
	off := false
	err = e.each(func(name, value []byte) error {
		attribute, text := strings.ToLower(string(name)), string(value)
		switch attribute {
		case "lockoutthreshold", "msds-lockoutthreshold", "pwdmaxfailure":
			n, err := strconv.ParseUint(text, 10, 31)
			if err != nil {
				return &entryError{fmt.Errorf("%s is no number", attribute)}
			}
			l.After, found = int(n), true
		case "lockoutobservationwindow", "msds-lockoutobservationwindow":
			// Negative, in units of 100 ns; the least number is for ever.
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil || n > 0 {
				return &entryError{fmt.Errorf("%s is no time", attribute)}
			}
			l.Window = forEver
			if n > -int64(forEver/100) {
				l.Window = time.Duration(-n) * 100
			}
		case "pwdfailurecountinterval":
			n, err := strconv.ParseUint(text, 10, 31)
			if err != nil {
				return &entryError{fmt.Errorf("%s is no number", attribute)}
			}
			l.Window = time.Duration(n) * time.Second
			if n == 0 {
				l.Window = forEver
			}
		case "pwdlockout":
			off = !strings.EqualFold(text, "TRUE")
			found = true
		}
		return nil
	})
	if err == nil && l.Window == 0 {
		l.Window = forEver // until a right one, where the policy says no other
	}
	if off {
		l = login.Lockout{}
	}
	return l, found, err
}

// validateLockout is about what stands for the policy of the directory.
func (c Config) validateLockout(say func(key, format string, args ...any)) {
	switch {
	case c.LockoutThreshold < 0 || c.LockoutThreshold > 999: // the most that Windows takes
		say("lockout_threshold", "%d is not between 0 and 999", c.LockoutThreshold)
	case c.LockoutThreshold == 0 && c.LockoutWindow != 0:
		say("lockout_window", "has no meaning without lockout_threshold: add it, or remove both to have them read from the directory")
	case c.LockoutWindow < 0:
		say("lockout_window", "%v is negative", c.LockoutWindow)
	}
}
