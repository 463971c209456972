package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/factors/totp/tokens"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
)

// importWorkers look people up and enroll them at the same time: they share
// the directory's connections and the store's commits.
const importWorkers = 64

// maxImport bounds the rows of a file, which are in memory together.
const maxImport = 500_000

// An importer enrolls the rows of a file: all, or none.
type importer struct {
	lookup    func(ctx context.Context, user string) (login.Account, error)
	telephone func(raw, label string) (login.Credential, phone.Number, error)
	// method is the ID of a person's method of a name, empty when she has none.
	method      func(a login.Account, e login.Enrollment, name string) (id string)
	enrollments *store.Enrollments
	several     bool // people may have more than one row
}

// An importRow is a row and what becomes of it.
type importRow struct {
	tokens.Row
	account login.Account
	has     int                // credentials that the person has
	adds    []login.Credential // those that she has not
	// prefers is the ID of the method of the row, when she prefers none yet.
	prefers string
	// lacks is whether she has no such method.
	lacks   bool
	err     error
	written bool
}

// leftOut reports whether the row is not meant to come over.
func (r *importRow) leftOut() bool {
	_, left := errors.AsType[*tokens.LeftOut](r.err)
	return left
}

// changes reports whether anything is written for the row.
func (r *importRow) changes() bool { return len(r.adds) > 0 || r.prefers != "" }

// what says what is written.
func (r *importRow) what() string {
	var what []string
	for _, c := range r.adds {
		what = append(what, c.Kind)
	}
	if r.prefers != "" {
		what = append(what, "asked by "+r.Method+" first")
	}
	return strings.Join(what, ", ")
}

// remark says what cannot be written.
func (r *importRow) remark() string {
	if r.lacks {
		return fmt.Sprintf(" (has no %s to be asked by first)", r.Method)
	}
	return ""
}

// examine finds out what becomes of each row, and writes nothing. A row is not
// bad because the directory does not answer, or the store: that ends it all.
func (i importer) examine(ctx context.Context, rows []importRow) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	each := func(fn func(*importRow) error) {
		eachRow(rows, func(r *importRow) {
			if ctx.Err() != nil {
				return
			}
			if r.err = fn(r); exitCode(r.err) == exitUnavailable {
				stop(fmt.Errorf("line %d: %w", r.Line, r.err))
			}
		})
	}
	// Whoever is listed twice is known when everybody has been looked up.
	each(func(r *importRow) (err error) { r.account, err = i.owner(ctx, r.Row); return err })
	i.refuseTwice(rows)
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := i.refuseTaken(ctx, rows); err != nil {
		return err
	}
	each(func(r *importRow) error { return i.compare(ctx, r) })
	refuseTooMany(rows)
	return context.Cause(ctx)
}

// owner is whose row it is.
func (i importer) owner(ctx context.Context, r tokens.Row) (login.Account, error) {
	if r.User == "" {
		return login.Account{}, fmt.Errorf("nobody is named for token %s: name the owner by --users, or put the login names in front, below a line \"# version: 2\"", r.Serial)
	}
	return i.lookup(ctx, r.User)
}

// eachRow calls fn for the rows that are good so far, many at a time.
func eachRow(rows []importRow, fn func(*importRow)) {
	var wg sync.WaitGroup
	next := make(chan *importRow)
	for range importWorkers {
		wg.Go(func() {
			for r := range next {
				fn(r)
			}
		})
	}
	for i := range rows {
		if rows[i].err == nil {
			next <- &rows[i]
		}
	}
	close(next)
	wg.Wait()
}

// refuseTwice refuses rows of one person, of which one is a slip, and of one
// serial number or secret, which would let each sign in as the other.
func (i importer) refuseTwice(rows []importRow) {
	people, serials, secrets := map[string][]*importRow{}, map[string][]*importRow{}, map[string][]*importRow{}
	for i := range rows {
		r := &rows[i]
		if r.err != nil {
			continue
		}
		people[r.account.ID] = append(people[r.account.ID], r)
		if r.Serial != "" {
			serials[r.Serial] = append(serials[r.Serial], r)
		}
		if len(r.Token.Seed) > 0 {
			secrets[string(r.Token.Seed)] = append(secrets[string(r.Token.Seed)], r)
		}
	}
	refuse := func(same map[string][]*importRow, what string) {
		for _, rs := range same {
			for i, r := range rs {
				if len(rs) > 1 && r.err == nil {
					// The next of the others.
					r.err = fmt.Errorf(what, r.account.Name, rs[(i+1)%len(rs)].Line)
				}
			}
		}
	}
	if !i.several {
		refuse(people, "%s is also in line %d: leave one of the two, or say --several")
	}
	refuse(serials, "the serial number of the token of %s is also in line %d: leave one of the two")
	refuse(secrets, "the secret of %s is also in line %d: give one of the two another token")
}

// refuseTaken refuses secrets that somebody else has enrolled. A record that does
// not open may have any of them: then nothing is imported.
func (i importer) refuseTaken(ctx context.Context, rows []importRow) error {
	rowOf := map[[sha256.Size]byte]*importRow{}
	for i := range rows {
		if r := &rows[i]; r.err == nil && len(r.Token.Seed) > 0 {
			rowOf[sha256.Sum256(r.Token.Seed)] = r
		}
	}
	if len(rowOf) == 0 {
		return nil
	}
	return i.enrollments.List(ctx, func(id, name string, e login.Enrollment) error {
		for _, c := range e.Credentials {
			t, ok := tokenOf(c)
			if !ok {
				continue
			}
			if r := rowOf[sha256.Sum256(t.Seed)]; r != nil && r.account.ID != id {
				r.err = fmt.Errorf("the secret of %s is that of a token of %s: give one of the two another token", r.account.Name, name)
			}
		}
		return nil
	})
}

// tokenOf is the token of a credential, if it is one that can be read.
func tokenOf(c login.Credential) (totp.Token, bool) {
	if c.Kind != totp.KindTime && c.Kind != totp.KindCounter {
		return totp.Token{}, false
	}
	t, err := totp.TokenOf(c)
	return t, err == nil
}

// compare finds what the person of a row does not have yet.
func (i importer) compare(ctx context.Context, r *importRow) error {
	var creds []login.Credential
	if len(r.Token.Seed) > 0 {
		cred, err := totp.NewCredential(r.Label, r.Token)
		if err != nil {
			return err
		}
		creds = append(creds, cred)
	}
	for _, number := range r.Phones {
		cred, _, err := i.telephone(number, r.Label)
		if err != nil {
			return fmt.Errorf("%s: %w", r.account.Name, err)
		}
		if !has(creds, cred) { // the backup may be the same
			creds = append(creds, cred)
		}
	}
	e, err := i.enrollments.Enrollment(ctx, r.account.ID)
	if err != nil {
		return withCode(err, exitUnavailable)
	}
	r.has = len(e.Credentials)
	r.adds = slices.DeleteFunc(creds, func(c login.Credential) bool { return has(e.Credentials, c) })
	if r.Method != "" && e.Preferred == "" {
		e.Credentials = append(slices.Clone(e.Credentials), r.adds...)
		r.prefers = i.method(r.account, e, r.Method)
		r.lacks = r.prefers == ""
	}
	return nil
}

// has reports whether the same token or telephone is enrolled already. A token
// that counts has gone on since.
func has(all []login.Credential, cred login.Credential) bool {
	token, is := tokenOf(cred)
	return slices.ContainsFunc(all, func(c login.Credential) bool {
		if is {
			t, ok := tokenOf(c)
			return ok && t.Same(token)
		}
		return c.Kind == cred.Kind && bytes.Equal(c.Data, cred.Data)
	})
}

// refuseTooMany refuses rows of people who would have too many credentials.
func refuseTooMany(rows []importRow) {
	adds := map[string]int{}
	for i := range rows {
		if r := &rows[i]; r.err == nil {
			adds[r.account.ID] += len(r.adds)
		}
	}
	for i := range rows {
		r := &rows[i]
		if n := adds[r.account.ID]; r.err == nil && n > 0 && r.has+n > maxCredentials {
			r.err = fmt.Errorf("%s has %d credentials and would get %d more, and there is room for %d", r.account.Name, r.has, n, maxCredentials)
		}
	}
}

// write enrolls the rows that are good. When one fails, it takes back what it
// has written, so that nothing is half imported.
func (i importer) write(ctx context.Context, rows []importRow) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	eachRow(rows, func(r *importRow) {
		if !r.changes() || ctx.Err() != nil {
			return
		}
		err := i.enrollments.Update(ctx, r.account.ID, r.account.Name, func(e *login.Enrollment) error {
			if len(e.Credentials)+len(r.adds) > maxCredentials {
				return fmt.Errorf("%s has got other credentials meanwhile", r.account.Name)
			}
			e.Credentials = append(slices.Clone(e.Credentials), r.adds...)
			if e.Preferred == "" {
				e.Preferred = r.prefers
			}
			return nil
		})
		// One that failed may be written all the same: its answer was lost.
		if r.written = true; err != nil {
			stop(fmt.Errorf("line %d: %w", r.Line, err))
		}
	})
	if err := context.Cause(ctx); err != nil {
		return i.takeBack(context.WithoutCancel(ctx), rows, err)
	}
	return nil
}

// takeBack removes what was written before an error.
func (i importer) takeBack(ctx context.Context, rows []importRow, why error) error {
	var left atomic.Int64
	eachRow(rows, func(r *importRow) {
		if !r.written {
			return
		}
		if err := i.enrollments.Update(ctx, r.account.ID, "", func(e *login.Enrollment) error {
			e.Credentials = slices.DeleteFunc(slices.Clone(e.Credentials), func(c login.Credential) bool {
				return slices.ContainsFunc(r.adds, func(a login.Credential) bool { return a.ID == c.ID })
			})
			if r.prefers != "" && e.Preferred == r.prefers {
				e.Preferred = ""
			}
			return nil
		}); err != nil {
			left.Add(1)
		}
	})
	if n := left.Load(); n > 0 {
		return withHint(errors.Join(why, fmt.Errorf("%d rows may be enrolled, and could not be taken back", n)),
			"import the same file again when that is mended: what is enrolled already stays as it is")
	}
	return withHint(fmt.Errorf("%w; nothing was enrolled: what had been written is taken back", why), "import the file again when that is mended")
}
