package logintest

import (
	"context"
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

	Lookups, Binds atomic.Int64

	mu       sync.RWMutex
	accounts map[string]person
	seen     map[string]time.Time
}

type person struct {
	account  login.Account
	password string
	refusal  login.Reason
}

var _ login.Directory = (*Directory)(nil)

// Add adds an account with a password.
func (d *Directory) Add(a login.Account, password string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.accounts == nil {
		d.accounts, d.seen = map[string]person{}, map[string]time.Time{}
	}
	d.accounts[strings.ToLower(a.Name)] = person{account: a, password: password}
}

// State refuses as Refuse has said.
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
	return d.Down
}
