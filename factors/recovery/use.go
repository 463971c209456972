package recovery

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/login"
)

// maxConflicts bounds how often an answer is judged again because another one
// was faster. Each conflict is a use, and uses are few.
const maxConflicts = 32

var errDamaged = errors.New("record is damaged or of a newer version")

// credential returns the credential of a method.
func credential(u login.User, m login.Method, kind string) (login.Credential, error) {
	id, _ := strings.CutPrefix(m.ID, kind+"/")
	for _, c := range u.Enrollment.Credentials {
		if c.ID == id && c.Kind == kind {
			return c, nil
		}
	}
	return login.Credential{}, &login.Refusal{Reason: login.ReasonNotEnrolled, Detail: "the codes were removed"}
}

// methods returns a quiet and standing method a credential.
func methods(u login.User, kind string, good func(login.Credential) bool) []login.Method {
	var of []login.Method
	for _, c := range u.Enrollment.Credentials {
		if c.Kind == kind && good(c) {
			of = append(of, login.Method{ID: kind + "/" + c.ID, Factor: kind, Quiet: true, Standing: true})
		}
	}
	return of
}

// get returns the record of a credential; its Data is nil when there is none.
func get(ctx context.Context, records login.Records, key string) (login.Value, error) {
	v, err := records.Get(ctx, key)
	switch {
	case errors.Is(err, login.ErrNotFound):
		return login.Value{}, nil
	case err != nil:
		return login.Value{}, fmt.Errorf("record %q: %w", key, err)
	case len(v.Data) == 0:
		return login.Value{}, fmt.Errorf("record %q: %w", key, errDamaged)
	}
	return v, nil
}

// use makes a use durable: spend returns the record after it, or a refusal. It
// is called again when somebody else was faster.
func use(ctx context.Context, records login.Records, key string, spend func(record []byte) ([]byte, error)) error {
	for range maxConflicts {
		v, err := get(ctx, records, key)
		if err != nil {
			return err
		}
		next, err := spend(v.Data)
		if login.Refused(err) != "" {
			return err
		}
		if err != nil {
			return fmt.Errorf("record %q: %w", key, err)
		}
		err = records.Swap(ctx, key, v.Rev, next)
		if err == nil {
			return nil
		}
		if !errors.Is(err, login.ErrConflict) {
			return fmt.Errorf("record %q: %w", key, err)
		}
	}
	return fmt.Errorf("record %q: still changing after %d tries", key, maxConflicts)
}
