package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/portvakt/portvakt/login"
)

const (
	enrollPrefix = "enroll/"
	// maxDecoded bounds the decoded enrollments that are kept, about half a
	// kilooctet each.
	maxDecoded = 8 << 10
)

// Enrollments keeps what accounts have enrolled in a KV, which should be a
// [Sealed] one: the records hold seeds and telephone numbers. It is safe for
// use by many goroutines, and by several processes on one KV.
type Enrollments struct {
	kv        KV
	revisions Reviser          // kv, when it is one
	decoded   *lately[decoded] // by account id
}

// A decoded enrollment, with the key of its record. It is good for its Rev.
type decoded struct {
	key string
	login.Enrollment
}

var _ login.Enrollments = (*Enrollments)(nil)

// NewEnrollments keeps enrollments in kv.
func NewEnrollments(kv KV) *Enrollments {
	revisions, _ := kv.(Reviser)
	return &Enrollments{kv: kv, revisions: revisions, decoded: newLately[decoded](maxDecoded)}
}

// NewCredentialID returns a random id for a credential: 26 characters, 128
// bits or more.
func NewCredentialID() string { return rand.Text() }

// enrollKey names an account's record. Ids come from a directory: anything but
// letters, digits and a few signs is escaped, so that an id cannot name
// another account's record, nor one of another kind.
func enrollKey(id string) (string, error) {
	if id == "" {
		return "", fmt.Errorf("empty account id: %w", ErrLimit)
	}
	key := enrollPrefix + url.QueryEscape(id)
	if len(key) > MaxKey {
		return "", fmt.Errorf("account id of %d octets: %w", len(id), ErrLimit)
	}
	return key, nil
}

// Enrollment returns what the account has; the zero Enrollment when it has
// nothing. The result is shared and must not be changed.
func (s *Enrollments) Enrollment(ctx context.Context, id string) (login.Enrollment, error) {
	e, ok := s.decoded.get(id)
	if ok && s.revisions != nil {
		rev, err := s.revisions.Revision(ctx, e.key)
		if err != nil {
			return login.Enrollment{}, err
		}
		if rev == e.Rev {
			return e.Enrollment, nil
		}
	}
	key, err := enrollKey(id)
	if err != nil {
		return login.Enrollment{}, err
	}
	v, err := s.kv.Get(ctx, key)
	if errors.Is(err, login.ErrNotFound) {
		return login.Enrollment{}, nil
	}
	if err != nil {
		return login.Enrollment{}, err
	}
	if ok && e.Rev == v.Rev {
		return e.Enrollment, nil
	}
	r, err := decodeEnrollment(key, v)
	if err != nil {
		return login.Enrollment{}, err
	}
	s.decoded.keep(id, decoded{key, r.Enrollment})
	return r.Enrollment, nil
}

// Update changes what the account has by fn, which may run several times when
// others change it, too, and must not keep its argument. name is the login
// name, for listings; an empty one keeps what is there. A record that has nothing
// any more is removed. Many Updates at a time
// share commits: an import runs hundreds.
func (s *Enrollments) Update(ctx context.Context, id, name string, fn func(*login.Enrollment) error) error {
	key, err := enrollKey(id)
	if err != nil {
		return err
	}
	for range maxTries {
		var r enrollment
		v, err := s.kv.Get(ctx, key)
		if err == nil {
			r, err = decodeEnrollment(key, v)
		} else if errors.Is(err, login.ErrNotFound) {
			err = nil
		}
		if err != nil {
			return err
		}
		if name != "" {
			r.Name = name
		}
		if err := fn(&r.Enrollment); err != nil {
			return err
		}
		if len(r.Credentials) > maxCredentials {
			return fmt.Errorf("enrollment of %d credentials, at most %d", len(r.Credentials), maxCredentials)
		}
		data := encodeEnrollment(r)
		if len(r.Credentials) == 0 && r.Preferred == "" && r.Language == "" {
			// A record of nothing would be listed as somebody who has enrolled.
			if data = nil; v.Rev == 0 {
				return nil
			}
		}
		err = s.kv.Swap(ctx, key, v.Rev, data)
		if !errors.Is(err, login.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("enrollment %q: %w", key, login.ErrConflict)
}

// Add adds a credential durably to what the account has, when that still has
// the revision rev, 0 for nothing; else it returns [login.ErrConflict].
func (s *Enrollments) Add(ctx context.Context, a login.Account, rev uint64, c login.Credential) error {
	key, err := enrollKey(a.ID)
	if err != nil {
		return err
	}
	r := enrollment{}
	if v, err := s.kv.Get(ctx, key); err == nil {
		if r, err = decodeEnrollment(key, v); err != nil {
			return err
		}
	} else if !errors.Is(err, login.ErrNotFound) {
		return err
	}
	if r.Rev != rev {
		return fmt.Errorf("enrollment %q: %w", key, login.ErrConflict)
	}
	if len(r.Credentials) >= maxCredentials {
		return fmt.Errorf("enrollment of more than %d credentials", maxCredentials)
	}
	r.Name = a.Name
	r.Credentials = append(r.Credentials, c)
	return s.kv.Swap(ctx, key, rev, encodeEnrollment(r))
}

// Forget removes everything the account has, readable or not. It is not an error
// when there is nothing.
func (s *Enrollments) Forget(ctx context.Context, id string) error {
	key, err := enrollKey(id)
	if err != nil {
		return err
	}
	for range maxTries {
		v, err := s.kv.Get(ctx, key)
		if errors.Is(err, login.ErrNotFound) {
			return nil
		}
		if err != nil && v.Rev == 0 {
			return err
		}
		err = s.kv.Swap(ctx, key, v.Rev, nil)
		if !errors.Is(err, login.ErrConflict) {
			s.decoded.forget(id)
			return err
		}
	}
	return fmt.Errorf("enrollment %q: %w", key, login.ErrConflict)
}

// List calls fn for each account that has a record, until fn returns an error,
// which List returns. When some cannot be read, fn gets all others before List
// returns an [UnopenedError]. fn may call Update and Forget.
func (s *Enrollments) List(ctx context.Context, fn func(id, name string, e login.Enrollment) error) error {
	return s.kv.Scan(ctx, enrollPrefix, func(key string, v Value) error {
		id, err := url.QueryUnescape(strings.TrimPrefix(key, enrollPrefix))
		if err != nil {
			return fmt.Errorf("record %q names no account: %w", key, ErrUnreadable)
		}
		r, err := decodeEnrollment(key, v)
		if err != nil {
			return err
		}
		return fn(id, r.Name, r.Enrollment)
	})
}
