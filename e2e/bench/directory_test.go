package main

import (
	"testing"

	"github.com/portvakt/portvakt/login"
)

func TestTheDirectoryKnowsThePopulation(t *testing.T) {
	t.Parallel()
	d := directory{users: 3, held: 2}
	for _, row := range []struct {
		name, password string
		want           login.Reason // empty: let in
		phones         int
	}{
		{nameOf(2), passwordOf(2), "", 0},
		{"hold000001", passwordOf(1), "", 1},
		{nameOf(2), passwordOf(1), login.ReasonBadPassword, 0},
		{nameOf(3), passwordOf(3), login.ReasonUnknownUser, 0},
		{"hold000002", passwordOf(2), login.ReasonUnknownUser, 0},
		{"2", passwordOf(2), login.ReasonUnknownUser, 0},
		{"user-00001", passwordOf(1), login.ReasonUnknownUser, 0},
	} {
		a, err := d.Lookup(t.Context(), row.name, 0)
		if err == nil {
			err = d.Verify(t.Context(), a, login.Cleartext(row.password))
		}
		if got := login.Refused(err); got != row.want || len(a.Phones) != row.phones {
			t.Errorf("%s with %s: got %q %v, want %q", row.name, row.password, got, a, row.want)
		}
	}
	if err := d.Verify(t.Context(), login.Account{}, login.Cleartext(passwordOf(0))); login.Refused(err) == "" {
		t.Errorf("nobody was let in: %v", err)
	}
}
