package login

import (
	"context"
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
	err = changeDevices(ctx, r, accountID, func(ds []device) ([]device, error) {
		i := slices.IndexFunc(ds, func(d device) bool { return d.mark == mark && d.logout && d.proven <= ended.Add(logoutSlack).Unix() })
		if forgotten = i >= 0; !forgotten {
			return nil, errUnchanged
		}
		return slices.Delete(ds, i, i+1), nil
	})
	return forgotten && err == nil, err
}
