package peer_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
)

// dialogues are those of a person at a prompt of PAM, whatever shows it.
var dialogues = []struct {
	name  string
	turns []peer.PAMTurn
	want  bool
}{
	{"right and right", []peer.PAMTurn{
		{Prompt: "Password: ?$", Answer: peer.FreeRADIUSPassword},
		{Prompt: peer.FreeRADIUSQuestion, Answer: peer.FreeRADIUSCode},
	}, true},
	{"right and wrong", []peer.PAMTurn{
		{Prompt: "Password: ?$", Answer: peer.FreeRADIUSPassword},
		{Prompt: peer.FreeRADIUSQuestion, Answer: "000000"},
	}, false},
	{"wrong", []peer.PAMTurn{{Prompt: "Password: ?$", Answer: "no"}}, false},
}

func TestPAMShowsTheQuestion(t *testing.T) {
	t.Parallel()
	server := peer.FreeRADIUSAsking(t)
	service := peer.PAM(t, server.Addr, server.Secret)
	for _, d := range dialogues {
		got := service.Login(t, "alice", d.turns...)
		if got.Accepted != d.want {
			t.Errorf("%s: accepted %v, want %v; the screen:\n%s", d.name, got.Accepted, d.want, got.Screen)
		}
		if asked := strings.Contains(got.Screen, peer.FreeRADIUSQuestion); asked != (len(d.turns) == 2) {
			t.Errorf("%s: asked for the code %v; the screen:\n%s", d.name, asked, got.Screen)
		}
	}
}

func TestPAMLeavesNoServiceBehind(t *testing.T) {
	t.Parallel()
	var file string
	t.Run("use", func(t *testing.T) {
		file = filepath.Join("/etc/pam.d", peer.PAM(t, "127.0.0.1:1", "secret").Name)
		if _, err := os.Stat(file); err != nil {
			t.Fatal(err)
		}
	})
	if file == "" {
		t.Skip("no service was made")
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", file, err)
	}
}

func TestSSHShowsTheQuestion(t *testing.T) {
	t.Parallel()
	// Tests of another checkout may run at the same time.
	name := fmt.Sprintf("pvp%d", os.Getpid())
	server := peer.FreeRADIUSAsking(t)
	sshd := peer.SSH(t, server.Addr, server.Secret, name)
	for _, d := range dialogues {
		got := sshd.Login(t, d.turns...)
		if got.Accepted != d.want {
			t.Errorf("%s: accepted %v, want %v; the screen:\n%s", d.name, got.Accepted, d.want, got.Screen)
		}
		if in := strings.Contains(got.Screen, "\n"+name+"\r"); in != d.want {
			t.Errorf("%s: ran a command %v, want %v; the screen:\n%s", d.name, in, d.want, got.Screen)
		}
	}
}
