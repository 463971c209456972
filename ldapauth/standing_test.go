package ldapauth

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

func TestTheStateOfAnAccountOfOpenLDAP(t *testing.T) {
	t.Parallel()
	s := peer.StartSlapd(t, peer.SlapdOptions{})
	d := open(t, slapdConfig(s))
	lockme := lookup(t, d, "lockme")
	for _, a := range []login.Account{lookup(t, d, "alice"), lockme, lookup(t, d, "expired"), lookup(t, d, "reset")} {
		if err := d.State(t.Context(), a); err != nil {
			t.Errorf("%s: %v", a.Name, err)
		}
	}
	for range peer.SlapdLocksAfter {
		_ = d.Verify(t.Context(), lockme, login.Cleartext("wrong"))
	}
	if got := outcome(d.State(t.Context(), lockme)); got != "locked_by_directory" {
		t.Errorf("locked meanwhile: got %s", got)
	}
	gone := login.Account{ID: "x", Name: "gone", DN: peer.UserDN("gone")}
	if got := outcome(d.State(t.Context(), gone)); got != "unknown_user" {
		t.Errorf("an entry that is gone: got %s", got)
	}
	s.Stop()
	if got := outcome(d.State(t.Context(), login.Account{ID: "x", Name: "alice", DN: peer.UserDN("alice")})); got != "undecided" {
		t.Errorf("a directory that is down: got %s", got)
	}
}

func TestWhatAnEntrySaysOfItself(t *testing.T) {
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ attribute, value, want string }{
		{"userAccountControl", "512", "yes"},
		{"userAccountControl", "514", "account_disabled"},
		{"userAccountControl", "528", "yes"}, // its flag of a lock is never set, and means nothing
		{"userAccountControl", "many", "undecided"},
		{"msDS-User-Account-Control-Computed", "0", "yes"},
		{"msDS-User-Account-Control-Computed", "16", "locked_by_directory"},
		{"msDS-User-Account-Control-Computed", "8388608", "yes"}, // the password
		{"accountExpires", "0", "yes"},
		{"accountExpires", "9223372036854775807", "yes"},
		{"accountExpires", "134432784000000000", "yes"}, // 2027-01-01 12:00
		{"accountExpires", "134431488000000000", "account_expired"},
		{"accountExpires", "soon", "undecided"},
		{"nsAccountLock", "TRUE", "account_disabled"},
		{"nsAccountLock", "FALSE", "yes"},
		{"accountUnlockTime", "20270101000001Z", "locked_by_directory"},
		{"accountUnlockTime", "20261231235959Z", "yes"},
		{"pwdAccountLockedTime", "20261231235959Z", "locked_by_directory"},
	} {
		s := accountState{now: now}
		err := s.noteBind(c.attribute, []byte(c.value))
		if err == nil {
			err = s.refusal
		}
		if got := outcome(err); got != c.want {
			t.Errorf("%s: %s: got %s, want %s", c.attribute, c.value, got, c.want)
		}
	}
	if at := filetime(134432352000000000); !at.Equal(now) {
		t.Errorf("a time of Windows: got %v", at.UTC())
	}
}
