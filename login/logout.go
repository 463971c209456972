package login

import (
	"context"
	"errors"
	"slices"
	"time"
)

// logoutSlack is how far a client's clock may be behind ours: a device is rather
// forgotten once too often.
const logoutSlack = time.Minute

// LoggedOut forgets the device on which an account has ended a session, if it
// was to be remembered no longer than that, and reports whether it was. Of v it
// takes what names the device: client, group and station. What was proven after
// the session ended stays: reports may come late.
func LoggedOut(ctx context.Context, r Records, accountID string, v Via, ended time.Time) (forgotten bool, err error) {
	if accountID == "" || v.Station == "" {
		return false, nil
	}
	mark := fingerprint(accountID, v)
	for range maxConflicts {
		ds, rev, err := devicesOf(ctx, r, accountID)
		if err != nil {
			return false, err
		}
		i := slices.IndexFunc(ds, func(d device) bool { return d.mark == mark && d.logout && d.proven <= ended.Add(logoutSlack).Unix() })
		if i < 0 {
			return false, nil
		}
		var left []byte
		if len(ds) > 1 {
			left = encodeDevices(slices.Delete(ds, i, i+1))
		}
		if err := r.Swap(ctx, RememberKey(accountID), rev, left); !errors.Is(err, ErrConflict) {
			return err == nil, err
		}
	}
	return false, ErrConflict
}
