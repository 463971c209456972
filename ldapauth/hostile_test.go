package ldapauth

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
)

// proof is a secret of which only a proof was sent, as with CHAP.
type proof struct{}

func (proof) Reveal() (string, bool) { return "", false }
func (proof) Is(string) bool         { return false }

var fakeAccount = login.Account{ID: "id-of-alice", DN: fakeAlice}

// Requirement S-17: what must not be asked is not even connected for.
func TestS17RefusedWithoutTraffic(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(_ byte, id int32, _ reader) []byte { return reply(id, opBindResponse, 0, "") })
	d := open(t, fakeConfig(f))
	for _, row := range []struct {
		name    string
		account login.Account
		secret  login.Secret
		want    string
	}{
		{"an empty password", fakeAccount, login.Cleartext(""), "empty_password"},
		{"an empty password for nobody", login.Account{}, login.Cleartext(""), "empty_password"},
		{"16 NULs", fakeAccount, login.Cleartext(strings.Repeat("\x00", 16)), "empty_password"},
		{"another character set", fakeAccount, login.Cleartext("\xe4"), "password_not_utf8"},
		{"only a proof", fakeAccount, proof{}, "method_not_allowed"},
		{"an empty distinguished name", login.Account{ID: "x"}, login.Cleartext("x"), "undecided"},
		{"an account without identifier", login.Account{DN: fakeAlice}, login.Cleartext("x"), "undecided"},
	} {
		if got := outcome(d.Verify(t.Context(), row.account, row.secret)); got != row.want {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
	for _, name := range []string{"", "a\x00", "a\n", "\xff", strings.Repeat("a", 254)} {
		if got := outcome(ignore(d.Lookup(t.Context(), name, 0))); got != "bad_request" {
			t.Errorf("Lookup(%q): got %s", name, got)
		}
	}
	if n := f.conns.Load(); n != 0 {
		t.Errorf("%d connections were made, want none", n)
	}
}

// The second of the two places: whatever comes to a connection.
func TestS17NoConnectionBindsWithoutNameOrPassword(t *testing.T) {
	t.Parallel()
	ours, theirs := net.Pipe() // a write would wait for a reader
	defer theirs.Close()
	c := newConn(ours)
	for _, row := range [][2]string{{"", "x"}, {fakeAlice, ""}, {"", ""}} {
		if _, err := c.bind(t.Context(), time.Now().Add(time.Second), row[0], row[1]); !errors.Is(err, errEmptyBind) {
			t.Errorf("bind(%q, %q): got %v", row[0], row[1], err)
		}
	}
}

// Requirement R-4: what a directory may answer to a search
// without having decided anything.
func TestSearchAnswersThatDecideNothing(t *testing.T) {
	t.Parallel()
	entry := func(id int32, attrs ...string) []byte {
		return append(entryOf(id, fakeAlice, attrs...), reply(id, opSearchDone, 0, "")...)
	}
	for _, row := range []struct {
		name string
		send func(id int32) []byte
		want string
	}{
		{"a referral", func(id int32) []byte { return reply(id, opSearchDone, 10, "") }, "undecided"},
		{"a reference beside the entry", func(id int32) []byte {
			return append(reference(id, "ldap://attacker.test"), entry(id, "entryUUID", "x")...)
		}, "undecided"},
		{"busy", func(id int32) []byte { return reply(id, opSearchDone, 51, "") }, "undecided"},
		{"unavailable", func(id int32) []byte { return reply(id, opSearchDone, 52, "") }, "undecided"},
		{"operations error", func(id int32) []byte { return reply(id, opSearchDone, 1, "") }, "undecided"},
		{"time limit", func(id int32) []byte { return reply(id, opSearchDone, 3, "") }, "undecided"},
		{"size limit", func(id int32) []byte { return reply(id, opSearchDone, 4, "") }, "undecided"},
		{"administrative limit", func(id int32) []byte { return reply(id, opSearchDone, 11, "") }, "undecided"},
		{"a base that is not there", func(id int32) []byte { return reply(id, opSearchDone, 32, "") }, "undecided"},
		{"rights that are missing", func(id int32) []byte { return reply(id, opSearchDone, 50, "") }, "undecided"},
		{"an entry without a name", func(id int32) []byte {
			return append(entryOf(id, "", "entryUUID", "x"), reply(id, opSearchDone, 0, "")...)
		}, "undecided"},
		{"an entry without identifier", func(id int32) []byte { return entry(id, "uid", "alice") }, "undecided"},
		{"an entry with two", func(id int32) []byte { return entry(id, "entryUUID", "x", "entryUUID", "y") }, "undecided"},
		{"an identifier that is no text", func(id int32) []byte { return entry(id, "entryUUID", "x\x00") }, "undecided"},
		{"an answer to another question", func(id int32) []byte { return reply(id+1, opSearchDone, 0, "") }, "undecided"},
		{"an answer of another kind", func(id int32) []byte { return reply(id, opBindResponse, 0, "") }, "undecided"},
		{"a notice of disconnection", func(int32) []byte { return reply(0, opExtendedResponse, 52, "") }, "undecided"},
		{"no BER", func(int32) []byte { return []byte("HTTP/1.1 400 Bad Request\r\n\r\n") }, "undecided"},
		{"a message of 2 GiB", func(int32) []byte { return []byte{0x30, 0x84, 0x7f, 0xff, 0xff, 0xff} }, "undecided"},
		{"more entries than asked for", func(id int32) []byte {
			return slices.Concat(entryOf(id, "a", "entryUUID", "x"), entryOf(id, "b"), entryOf(id, "c"), reply(id, opSearchDone, 0, ""))
		}, "undecided"},
		{"two entries and size limit are two people", func(id int32) []byte {
			return slices.Concat(entryOf(id, "a", "entryUUID", "x"), entryOf(id, "b"), reply(id, opSearchDone, 4, ""))
		}, "ambiguous_user"},
		{"nothing is nobody", func(id int32) []byte { return reply(id, opSearchDone, 0, "") }, "unknown_user"},
		{"one is somebody", func(id int32) []byte { return entry(id, "entryUUID", "x") }, "yes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := startFake(t, func(op byte, id int32, body reader) []byte {
				if op == opSearchRequest {
					return row.send(id)
				}
				return sane(op, id, body)
			})
			err := ignore(open(t, fakeConfig(f)).Lookup(t.Context(), "alice", 0))
			if got := outcome(err); got != row.want {
				t.Errorf("got %s (%v), want %s", got, err, row.want)
			}
		})
	}
}

// Requirement R-4 for binds.
func TestBindAnswersThatDecideNothing(t *testing.T) {
	t.Parallel()
	for _, code := range []int32{1, 2, 7, 8, 10, 13, 19, 34, 51, 52, 53, 80} {
		f := startFake(t, func(_ byte, id int32, _ reader) []byte { return reply(id, opBindResponse, code, "for a reason") })
		d := open(t, fakeConfig(f))
		for _, a := range []login.Account{fakeAccount, {}} {
			if got := outcome(d.Verify(t.Context(), a, login.Cleartext("x"))); got != "undecided" {
				t.Errorf("result %d for %q: got %s, want undecided", code, a.DN, got)
			}
		}
	}
}

func TestDirectoryThatAcceptsNobodyIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(_ byte, id int32, _ reader) []byte { return reply(id, opBindResponse, 0, "") })
	if got := outcome(open(t, fakeConfig(f)).Verify(t.Context(), login.Account{}, login.Cleartext("x"))); got != "undecided" {
		t.Errorf("got %s, want undecided", got)
	}
}

// Requirement S-10: an unknown name costs the directory what a known one does.
func TestS10UnknownNameTakesTheSameOperations(t *testing.T) {
	t.Parallel()
	f := startFake(t, sane)
	d := open(t, fakeConfig(f))
	lookup(t, d, "alice") // the service account's bind is behind us
	f.took()
	a, _ := d.Lookup(t.Context(), "alice", 0)
	_ = d.Verify(t.Context(), a, login.Cleartext("wrong"))
	known := f.took()
	b, _ := d.Lookup(t.Context(), "nobody", 0)
	_ = d.Verify(t.Context(), b, login.Cleartext("wrong"))
	if unknown := f.took(); !slices.Equal(known, unknown) || len(known) != 2 {
		t.Errorf("known %x, unknown %x: want the same two", known, unknown)
	}
}

// A message that says it is longer than any is given up at its head: nothing is
// waited for, and no room is made.
func TestTooLongMessagesAreGivenUpByTheirHead(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(op byte, _ int32, _ reader) []byte {
		if op != opBindRequest {
			return nil
		}
		return []byte{tagSequence, 0x84, 0x00, 0x20, 0x00, 0x00, tagInteger, 1}
	})
	c := fakeConfig(f)
	c.Timeout = time.Minute
	d := open(t, c)
	if err := d.Verify(t.Context(), fakeAccount, login.Cleartext("secret")); !errors.Is(err, errTooLong) {
		t.Errorf("got %v, want %v", err, errTooLong)
	}
}
