package e2e_test

import (
	"fmt"
	"testing"

	"github.com/portvakt/portvakt/e2e/mschaptest"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
)

const remembers = "\n[[rule]]\nname = \"remembered\"\nremember = \"12h\"\n"

// A visitor signs in by MS-CHAPv2 from a device.
type visitor struct {
	*server.Daemon

	user string
	seed server.Seed
}

// proves sends the proof of a password, and answers when a code is asked for and
// there is one. It returns what has become of her, and checks the keys she gets.
func (v *visitor) proves(t *testing.T, password, station, code string) string {
	t.Helper()
	p := mschaptest.New(v.user, password)
	from := fmt.Sprintf("Calling-Station-Id = %q", station)
	done := ""
	got := v.Radclient().Send(t, microsoft(p, from)...)
	if state := got.Get("State"); got.Code == "Access-Challenge" && len(state) == 1 {
		if done = "asked"; code == "" {
			return done
		}
		done += ", "
		got = v.Radclient().Send(t, microsoft(mschaptest.New(v.user, code), from, "State = "+state[0])...)
	}
	if got.Code != "Access-Accept" {
		return done + got.Code
	}
	admitted(t, "let in", p, got)
	return done + "let in"
}

// Where stored hashes decide: a device that connects again by MS-CHAPv2 is not
// asked, until the hash is that of another password.
func TestADeviceIsRememberedWhereStoredHashesDecide(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{Config: hashSchema, Data: hashed("carol", "secret", "[U]")})
	site := server.New(t, server.Config{
		LDAP: server.LDAP(slapd) + "nt_hash = \"sambaNTPassword\"\n", Client: `methods = ["mschapv2"]`, More: remembers,
	})
	v := &visitor{user: "carol", seed: server.NewSeed()}
	site.Enroll(t, "carol", v.seed)
	v.Daemon = site.Start(t)
	first, second := v.seed.Code(t), v.seed.Next(t)
	for _, turn := range []struct {
		what, password, station, code, want string
		change                              string // of the password, before
	}{
		{"the first time", "secret", "198.51.100.7", first, "asked, let in", ""},
		{"when it connects again", "secret", "198.51.100.7", "", "let in", ""},
		{"another device", "secret", "198.51.100.8", "", "asked", ""},
		{"a password that is wrong", "guess", "198.51.100.7", "", "Access-Reject", ""},
		{"the old password, once there is a new one", "secret", "198.51.100.7", "", "Access-Reject", "changed"},
		{"the new password", "changed", "198.51.100.7", second, "asked, let in", ""},
		{"the new password again", "changed", "198.51.100.7", "", "let in", ""},
	} {
		if turn.change != "" {
			slapd.Modify(t, fmt.Sprintf("dn: uid=carol,%s\nchangetype: modify\nreplace: sambaNTPassword\nsambaNTPassword: %X\n",
				peer.SlapdPeople, mschaptest.NTHash(turn.change)))
			v.Stop(t)
			v.Daemon = v.Start(t) // what is remembered is on the disk
		}
		if got := v.proves(t, turn.password, turn.station, turn.code); got != turn.want {
			t.Errorf("%s: %s, want %s", turn.what, got, turn.want)
		}
	}
}

// Where a domain decides the same holds, and more: Active Directory lets the old
// password in for an hour after it was changed. It ends what was remembered all
// the same, since pwdLastSet is another.
func TestADeviceIsRememberedWhereADomainDecides(t *testing.T) {
	t.Parallel()
	samba, ntlmAuth := peer.StartWinbind(t)
	site := server.New(t, server.Config{
		LDAP:   server.AD(samba) + fmt.Sprintf("cache = \"0s\"\nntlm_auth = [%q, %q, %q]\n", ntlmAuth[0], ntlmAuth[1], ntlmAuth[2]),
		Client: `methods = ["mschapv2"]`, More: remembers,
	})
	v := &visitor{user: "alice", seed: server.NewSeed()}
	site.Enroll(t, "alice", v.seed)
	v.Daemon = site.Start(t)
	const station, fresh = "198.51.100.7", "changed34"
	first, second := v.seed.Code(t), v.seed.Next(t)
	for _, turn := range []struct {
		what, password, code, want string
		set                        bool // before
	}{
		{"the first time", peer.SambaUserPassword, first, "asked, let in", false},
		{"when it connects again", peer.SambaUserPassword, "", "let in", false},
		{"the old password, which the domain still takes", peer.SambaUserPassword, "", "asked", true},
		{"the new password", fresh, second, "asked, let in", false},
		{"the new password again", fresh, "", "let in", false},
		{"the same password, set once more", fresh, "", "asked", true},
	} {
		if turn.set {
			samba.SetPassword(t, "alice", fresh)
		}
		if got := v.proves(t, turn.password, station, turn.code); got != turn.want {
			t.Errorf("%s: %s, want %s", turn.what, got, turn.want)
		}
	}
}
