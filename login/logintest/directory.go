package logintest

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/login"
)

// Directory is a [login.Directory] of accounts in memory. Names are matched in
// any case. It counts what it is asked.
type Directory struct {
	// Down is returned by every call that a cached account does not answer.
	Down error
	// Delay is how long every call takes.
	Delay time.Duration
	// NTHash, when set, makes hashes of passwords for proofs of MS-CHAPv2.
	NTHash func(password string) [16]byte

	// Rules are for new passwords; RulesErr keeps them from being read.
	Rules    login.PasswordRules
	RulesErr error
	// NTChange, when set, finds the new password in a change by MS-CHAPv2, given
	// the old one.
	NTChange func(old string, c login.NTChange) (fresh string, err error)
	// ChangeErr is what a change of a password ends with, when set.
	ChangeErr error

	Lookups, Binds, Changes atomic.Int64

	mu       sync.RWMutex
	accounts map[string]person
	seen     map[string]time.Time
}

type person struct {
	account  login.Account
	password string
	refusal  login.Reason
}

var (
	_ login.Directory = (*Directory)(nil)
	_ login.Changer   = (*Directory)(nil)
	_ login.NTChanger = (*Directory)(nil)
)

// Add adds an account with a password.
func (d *Directory) Add(a login.Account, password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.accounts == nil {
		d.accounts, d.seen = map[string]person{}, map[string]time.Time{}
	}
	d.accounts[strings.ToLower(a.Name)] = person{account: a, password: password}
}

// State refuses as Refuse has said, but for what is said of the password: that
// nobody has shown.
func (d *Directory) State(ctx context.Context, a login.Account) error {
	if err := d.ask(ctx); err != nil {
		return err
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	p, ok := d.accounts[strings.ToLower(a.Name)]
	switch {
	case !ok:
		return &login.Refusal{Reason: login.ReasonUnknownUser}
	case p.refusal == login.ReasonPasswordExpired, p.refusal == login.ReasonMustChange:
	case p.refusal != "":
		return &login.Refusal{Reason: p.refusal}
	}
	return nil
}

// Remove takes an account out of the directory.
func (d *Directory) Remove(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.accounts, strings.ToLower(name))
}

// Refuse makes the directory refuse an account's right password for a reason.
func (d *Directory) Refuse(name string, r login.Reason) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.accounts[strings.ToLower(name)]
	p.refusal = r
	d.accounts[strings.ToLower(name)] = p
}

// Lookup finds an account by name.
func (d *Directory) Lookup(ctx context.Context, name string, maxAge time.Duration) (login.Account, error) {
	key := strings.ToLower(name)
	d.mu.RLock()
	p, known := d.accounts[key]
	seen, cached := d.seen[key]
	d.mu.RUnlock()
	if cached && time.Since(seen) < maxAge {
		return p.account, nil
	}
	d.Lookups.Add(1)
	if err := d.ask(ctx); err != nil {
		return login.Account{}, err
	}
	if !known {
		return login.Account{}, &login.Refusal{Reason: login.ReasonUnknownUser}
	}
	d.mu.Lock()
	d.seen[key] = time.Now()
	d.mu.Unlock()
	return p.account, nil
}

// Verify compares the password.
func (d *Directory) Verify(ctx context.Context, a login.Account, password login.Secret) error {
	d.Binds.Add(1)
	if err := d.ask(ctx); err != nil {
		return err
	}
	d.mu.RLock()
	p, ok := d.accounts[strings.ToLower(a.Name)]
	d.mu.RUnlock()
	right := ok && password.Is(p.password)
	if nt, proof := password.(login.NTProof); proof && ok && d.NTHash != nil {
		right = nt.Matches(d.NTHash(p.password))
	}
	switch {
	case !right:
		return &login.Refusal{Reason: login.ReasonBadPassword}
	case p.refusal != "":
		return &login.Refusal{Reason: p.refusal}
	}
	return nil
}

func (d *Directory) ask(ctx context.Context) error {
	if d.Delay > 0 {
		timer := time.NewTimer(d.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.Down
}

// Stop sets Down while calls are under way.
func (d *Directory) Stop(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Down = err
}

// PasswordRules are the directory's.
func (d *Directory) PasswordRules(ctx context.Context, _ login.Account) (login.PasswordRules, error) {
	if err := d.ask(ctx); err != nil {
		return login.PasswordRules{}, err
	}
	return d.Rules, d.RulesErr
}

// ChangePassword changes it when the old one is right and the new one is long
// enough. An account that was refused for an expired password is not any more.
func (d *Directory) ChangePassword(ctx context.Context, a login.Account, old, fresh login.Cleartext) error {
	d.Changes.Add(1)
	if err := d.ask(ctx); err != nil {
		return err
	}
	if d.ChangeErr != nil {
		return d.ChangeErr
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := strings.ToLower(a.Name)
	p, ok := d.accounts[key]
	if !ok || !old.Is(p.password) {
		return &login.Refusal{Reason: login.ReasonBadPassword}
	}
	return d.set(key, p, string(fresh))
}

// ChangesNTPasswords reports whether NTChange is set.
func (d *Directory) ChangesNTPasswords() bool { return d.NTChange != nil }

// ChangeNTPassword is ChangePassword by what NTChange finds.
func (d *Directory) ChangeNTPassword(ctx context.Context, a login.Account, c login.NTChange) error {
	d.Changes.Add(1)
	if err := d.ask(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	key := strings.ToLower(a.Name)
	p := d.accounts[key]
	fresh, err := d.NTChange(p.password, c)
	if err != nil {
		return err
	}
	return d.set(key, p, fresh)
}

func (d *Directory) set(key string, p person, fresh string) error {
	if len(fresh) < d.Rules.MinLength {
		return &login.Refusal{Reason: login.ReasonNewTooShort}
	}
	p.password = fresh
	p.account.PasswordSet = "change " + strconv.FormatInt(d.Changes.Load(), 10)
	if p.refusal == login.ReasonPasswordExpired || p.refusal == login.ReasonMustChange {
		p.refusal = ""
	}
	d.accounts[key] = p
	return nil
}
