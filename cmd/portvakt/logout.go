package main

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/portvakt/portvakt/login"
)

// loggedOut forgets the device of a session that its person has ended, where
// the rule that remembered it says so.
func (d *daemon) loggedOut(ctx context.Context, s login.Session) error {
	r := d.enter()
	defer r.leave()
	if !r.policy.ForgetsOnLogout() {
		return nil
	}
	via := login.Via{Client: s.Client, Group: s.Client, Station: s.Station}
	for _, c := range r.file.Clients {
		if c.Name == s.Client {
			via.Group = cmp.Or(c.Group, c.Name)
		}
	}
	forgotten, err := login.LoggedOut(ctx, r.kv, s.AccountID, via, s.Ended)
	if forgotten {
		d.log.LogAttrs(ctx, slog.LevelInfo, "remembered device forgotten", slog.String(login.KeyUser, s.User),
			slog.String(login.KeyAccount, s.AccountID), slog.String(login.KeyClient, s.Client), slog.String(login.KeyStation, s.Station))
	}
	return err
}
