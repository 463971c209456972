package winbind

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
)

// helperFlag makes this test program a fake of ntlm_auth. It is a fake: that
// the real one speaks as it does is for the test against Samba to say.
const helperFlag = "--helper-protocol=ntlm-server-1"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && (os.Args[1] == helperFlag || os.Args[1] == changeProtocol) {
		fakeHelper(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// fakeHelper answers by the name asked for, and writes down what it was told.
func fakeHelper(journal string) {
	log, err := os.OpenFile(journal, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	fmt.Fprintln(log, "started")
	in := bufio.NewScanner(os.Stdin)
	name := ""
	for in.Scan() {
		line := in.Text()
		fmt.Fprintln(log, line)
		if encoded, ok := strings.CutPrefix(line, "Username:: "); ok {
			plain, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				panic(err)
			}
			name = string(plain)
		}
		if line != "." {
			continue
		}
		switch name {
		case "alice":
			fmt.Print("Authenticated: Yes\nUser-Session-Key: 41C00C584BD2D91C4017A2A12FA59F3F\n.\n")
		case "changed":
			fmt.Print("Password-Change: Yes\n.\n")
		case "unchanged":
			fmt.Print("Password-Change: No\nPassword-Change-Error: When trying to update a password, this status indicates that some password update rule has been violated. For example, the password might not meet the length criteria.\n.\n.\n")
		case "wrong":
			fmt.Print("Password-Change: No\nPassword-Change-Error: NT_STATUS_WRONG_PASSWORD\n.\n.\n")
		case "keyless":
			fmt.Print("Authenticated: Yes\n.\n")
		case "ends":
			return
		case "slow":
			_, _ = io.ReadAll(os.Stdin)
		case "garbage":
			fmt.Print("what?\n.\n")
		case "flood":
			fmt.Print(strings.Repeat("x", 1<<16))
		case "talks":
			fmt.Print("Authenticated: No\nAuthentication-Error: No such user\n.\nAuthenticated: Yes\nUser-Session-Key: 41C00C584BD2D91C4017A2A12FA59F3F\n.\n")
		case "dies":
			fmt.Print("Authenticated: No\nAuthentication-Error: No such user\n.\n.\n")
			return
		default:
			fmt.Printf("Authenticated: No\nAuthentication-Error: %s\n.\n.\n", strings.Trim(fmt.Sprintf("%q", name), `"`))
		}
	}
}

func fake(t *testing.T) (p *Pool, journal func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	p = New([]string{os.Args[0], helperFlag, path}, 5*time.Second)
	t.Cleanup(p.Close)
	return p, func() string {
		b, _ := os.ReadFile(path)
		return string(b)
	}
}

func outcome(err error) string {
	switch r := login.Refused(err); {
	case err == nil:
		return "yes"
	case r != "":
		return string(r)
	}
	return "undecided"
}

func TestAnswersOfHelpers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, want string }{
		{"alice", "yes"},
		{"When trying to update a password, this return status indicates that the value provided as the current password is not correct.", "bad_password"},
		{"The attempted logon is invalid. This is either due to a bad username or authentication information.", "bad_password"},
		{"The specified account does not exist.", "unknown_user"},
		{"The user account password has expired.", "password_expired"},
		{"The user password must be changed before logging on the first time.", "password_must_change"},
		{"The referenced account is currently disabled and cannot be logged on to.", "account_disabled"},
		{"The user account has expired.", "account_expired"},
		{"The user account has been automatically locked because too many invalid logon attempts or password change attempts have been requested.", "locked_by_directory"},
		{"NT_STATUS_INVALID_LOGON_HOURS", "outside_hours"},
		{"No logon servers are currently available to service the logon request.", "undecided"},
		{"Reading winbind reply failed! (0x01)", "undecided"},
		{"", "undecided"},
		{"keyless", "undecided"},
		{"ends", "undecided"},
		{"garbage", "undecided"},
		{"flood", "undecided"},
	} {
		p, _ := fake(t)
		key, err := p.Check(t.Context(), row.name, [8]byte{1}, [24]byte{2})
		if got := outcome(err); got != row.want {
			t.Errorf("%s: got %s (%v), want %s", row.name, got, err, row.want)
		}
		if want := (row.want == "yes"); (key != [16]byte{}) != want {
			t.Errorf("%s: key %x", row.name, key)
		}
		// Whatever it was, the next question has its own answer.
		if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); err != nil {
			t.Errorf("after %s: %v", row.name, err)
		}
		if _, err := p.Check(t.Context(), "No such user", [8]byte{}, [24]byte{}); outcome(err) != "unknown_user" {
			t.Errorf("after %s and a yes: %v", row.name, err)
		}
	}
}

// Names cannot become lines of the protocol or arguments of a program.
func TestS16NamesAreOneLine(t *testing.T) {
	t.Parallel()
	p, journal := fake(t)
	for _, name := range []string{"x\nUsername: alice\n.\n", "--username=alice", `DOM\alice`, "$(id)", "a.\n.", "\x00alice"} {
		if _, err := p.Check(t.Context(), name, [8]byte{}, [24]byte{}); err == nil {
			t.Errorf("%q: a yes", name)
		}
		if want := "Username:: " + base64.StdEncoding.EncodeToString([]byte(name)) + "\nLANMAN"; !strings.Contains(journal(), want) {
			t.Errorf("%q: not as one line in %s", name, journal())
		}
	}
	if got := strings.Count(journal(), "\n.\n"); got != 6 {
		t.Errorf("%d questions, want 6", got)
	}
}

func TestHelpersAreUsedAgainAndBounded(t *testing.T) {
	t.Parallel()
	p, journal := fake(t)
	for range 3 {
		if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Count(journal(), "started"); got != 1 {
		t.Errorf("%d helpers for three questions one after the other, want 1", got)
	}
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := strings.Count(journal(), "started"); got > maxHelpers {
		t.Errorf("%d helpers, want at most %d", got, maxHelpers)
	}
}

// A late answer must not become the next one's.
func TestALateHelperIsEnded(t *testing.T) {
	t.Parallel()
	p, journal := fake(t)
	if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Check(ctx, "slow", [8]byte{}, [24]byte{}); outcome(err) != "undecided" {
		t.Errorf("got %v", err)
	}
	if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); err != nil {
		t.Error(err)
	}
	if got := strings.Count(journal(), "started"); got != 2 {
		t.Errorf("%d helpers, want another one for the one that was late", got)
	}
}

// Nor is what a helper says unasked.
func TestAHelperThatTalksUnaskedIsEnded(t *testing.T) {
	t.Parallel()
	p, _ := fake(t)
	if _, err := p.Check(t.Context(), "talks", [8]byte{}, [24]byte{}); outcome(err) != "unknown_user" {
		t.Fatal(err)
	}
	if _, err := p.Check(t.Context(), "No such user", [8]byte{}, [24]byte{}); outcome(err) != "unknown_user" {
		t.Errorf("got the answer that nobody asked for: %v", err)
	}
}

// A helper that has ended meanwhile costs nobody a sign-in.
func TestAHelperThatEndedIsReplaced(t *testing.T) {
	t.Parallel()
	p, _ := fake(t)
	if _, err := p.Check(t.Context(), "dies", [8]byte{}, [24]byte{}); outcome(err) != "unknown_user" {
		t.Fatal(err)
	}
	if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeStartedDecidesNothing(t *testing.T) {
	t.Parallel()
	p := New([]string{filepath.Join(t.TempDir(), "none")}, time.Second)
	defer p.Close()
	if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); outcome(err) != "undecided" {
		t.Errorf("got %v", err)
	}
	if err := p.Try(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Try: got %v", err)
	}
}

func TestNothingIsAskedAfterClose(t *testing.T) {
	t.Parallel()
	p, _ := fake(t)
	if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); err != nil {
		t.Fatal(err)
	}
	p.Close()
	p.Close()
	if _, err := p.Check(t.Context(), "alice", [8]byte{}, [24]byte{}); !errors.Is(err, errClosed) {
		t.Errorf("got %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("Authenticated: Yes\nUser-Session-Key: 41C00C584BD2D91C4017A2A12FA59F3F\n.\n")
	f.Add(".\nAuthenticated: No\nAuthentication-Error: No such user\n.\n.\n")
	f.Add("Error: No username supplied!\n.\n")
	f.Add("Authenticated: Yes\nAuthenticated: No\n.\n")
	f.Add("Password-Change: Yes\n.\n")
	f.Add("Authenticated: Yes\nUser-Session-Key: 41\n.\n")
	f.Fuzz(func(t *testing.T, said string) {
		a, err := readAnswer(bufio.NewReaderSize(strings.NewReader(said), maxLine))
		if err != nil {
			return
		}
		if a.yes && !strings.Contains(said, "Authenticated: Yes") && !strings.Contains(said, "Password-Change: Yes") ||
			a.keyed && !strings.Contains(said, "User-Session-Key: ") {
			t.Errorf("a yes of %q", said)
		}
	})
}
