package login_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// ntProof is what a system sends of a password; with an old one it is a change.
type ntProof struct{ logintest.Proof }

func (ntProof) NTResponse() (challenge [8]byte, response [24]byte) { return challenge, response }
func (p ntProof) Matches(hash [16]byte) bool                       { return hash == shortHash(string(p.Proof)) }
func (ntProof) Proven([16]byte)                                    {}

type ntChange struct {
	ntProof
	old string
}

func (ntChange) NTBlobs() (password [516]byte, hash [16]byte) { return password, hash }

func shortHash(password string) (hash [16]byte) {
	copy(hash[:], password)
	return hash
}

// changeWorld is one in which alice's password has expired, and her system may
// change it.
func changeWorld(t *testing.T, calls ...logintest.Answer) (*logintest.World, *logintest.Approver) {
	w := expiredWorld(t, login.RuleConfig{ExpiredPassword: "change"})
	w.Directory.NTHash = shortHash
	w.Directory.NTChange = func(old string, c login.NTChange) (string, error) {
		change, ok := c.(ntChange)
		if !ok || change.old != old {
			return "", &login.Refusal{Reason: login.ReasonBadPassword}
		}
		return string(change.Proof), nil
	}
	return w, withCalls(w, calls...)
}

var rras = login.Via{Client: "rras", Station: "10.0.0.7", Patience: 25 * time.Second}

func begin(t *testing.T, w *logintest.World, via login.Via, s login.Secret) string {
	t.Helper()
	step, err := w.Begin(t.Context(), login.Attempt{User: "alice", Secret: s, Via: via})
	switch s := step.(type) {
	case login.Accept:
		return "accept"
	case login.Reject:
		return "reject " + string(s.Reason)
	default:
		return errors.Join(errors.New("error"), err).Error()
	}
}

func prove(password string) login.Secret { return ntProof{logintest.Proof(password)} }

func change(old, fresh string) login.Secret { return ntChange{ntProof{logintest.Proof(fresh)}, old} }

func TestASystemChangesAnExpiredPasswordInARequestOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, calls := changeWorld(t, yes)
		for _, row := range []struct {
			name string
			s    login.Secret
			want string
		}{
			{"nothing is changed before the second factor", change("secret", "new secret"), "reject question_expired"},
			{"who has approved is told that it has expired", prove("secret"), "reject password_expired"},
			{"too short: she may try another", change("secret", "short"), "reject new_password_too_short"},
			{"then she is in, and is not called again", change("secret", "new secret"), "accept"},
			{"once", change("new secret", "other secret"), "reject question_expired"},
			{"the old one is wrong", prove("secret"), "reject bad_password"},
		} {
			if got := begin(t, w, rras, row.s); got != row.want {
				t.Errorf("%s: got %s, want %s", row.name, got, row.want)
			}
		}
		if n := len(calls.Rung()); n != 1 {
			t.Errorf("rang %d times, want once", n)
		}
		var told int
		for _, e := range w.Events() {
			if e.Outcome == "changed" && e.Reason == login.ReasonPasswordChanged && e.Method == "call" {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the log tells of %d changes, want one", told)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoMayNotUseAPermit(t *testing.T) {
	elsewhere := rras
	elsewhere.Station = "10.0.0.8"
	for _, c := range []struct {
		name string
		via  login.Via
		wait time.Duration
		s    login.Secret
		want string
	}{
		{"another device", elsewhere, 0, change("secret", "new secret"), "reject question_expired"},
		{"who comes too late", rras, 6 * time.Minute, change("secret", "new secret"), "reject question_expired"},
		{"who does not know the old password", rras, 0, change("guess", "new secret"), "reject bad_password"},
		{"somebody in time", rras, 4 * time.Minute, change("secret", "new secret"), "accept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, _ := changeWorld(t, yes)
				if got := begin(t, w, rras, prove("secret")); got != "reject password_expired" {
					t.Fatalf("got %s", got)
				}
				time.Sleep(c.wait)
				if got := begin(t, w, c.via, c.s); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A permit is good for some passwords that the directory does not take, and for
// none once the old one was wrong.
func TestAPermitIsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := changeWorld(t, yes, yes)
		begin(t, w, rras, prove("secret"))
		var got []string
		for range 6 {
			got = append(got, strings.TrimPrefix(begin(t, w, rras, change("secret", "short")), "reject "))
		}
		const short = "new_password_too_short"
		if want := strings.Repeat(short+" ", 5) + "question_expired"; strings.Join(got, " ") != want {
			t.Errorf("got %s, want %s", got, want)
		}
		time.Sleep(time.Minute)
		begin(t, w, rras, prove("secret"))
		begin(t, w, rras, change("guess", "new secret"))
		if got := begin(t, w, rras, change("secret", "new secret")); got != "reject question_expired" {
			t.Errorf("behind a wrong old password: got %s", got)
		}
		if lock, err := login.Standing(t.Context(), w.Records, "id-alice", login.Lockout{}, time.Now()); err != nil || w.Directory.Changes.Load() != 6 {
			t.Errorf("%d changes were tried; %+v %v", w.Directory.Changes.Load(), lock, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A wrong old password in a change is a wrong password: they are counted
// together, so that a permit is no way to guess.
func TestAWrongOldPasswordCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := changeWorld(t, yes, yes, yes)
		for range 3 {
			begin(t, w, rras, prove("secret"))
			if got := begin(t, w, rras, change("guess", "new secret")); got != "reject bad_password" {
				t.Errorf("got %s", got)
			}
			time.Sleep(4 * time.Second)
		}
		begin(t, w, rras, prove("guess"))
		if got := begin(t, w, rras, prove("secret")); got != "reject locked" {
			t.Errorf("behind four wrong passwords: got %s", got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Who refuses the call has proven nothing, and is not told that the password
// was right.
func TestNobodyIsToldOfAnExpiredPasswordBeforeTheSecondFactor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := changeWorld(t, hangUp)
		if got := begin(t, w, rras, prove("secret")); got != "reject denied_by_person" {
			t.Errorf("got %s", got)
		}
		if got := begin(t, w, rras, change("secret", "new secret")); got != "reject question_expired" {
			t.Errorf("the change: got %s", got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestARuleThatSaysNoChangesNothingByProofsEither(t *testing.T) {
	w, _ := changeWorld(t)
	policy, err := login.NewPolicy([]login.RuleConfig{{}})
	if err != nil {
		t.Fatal(err)
	}
	w.Policy = policy
	w.Flow = w.NewFlow(w.Config)
	for _, s := range []login.Secret{prove("secret"), change("secret", "new secret")} {
		if got := begin(t, w, rras, s); got != "reject password_expired" {
			t.Errorf("got %s", got)
		}
	}
}
