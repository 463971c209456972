package peer_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/peer"
)

// login answers the question of an asking server by radclient, which carries
// the State by hand.
func login(t *testing.T, c peer.Radclient, password, code string) (first, second peer.RadclientReply) {
	t.Helper()
	request := func(typed string, more ...string) peer.RadclientReply {
		return c.Send(t, append([]string{`User-Name = "alice"`, fmt.Sprintf("User-Password = %q", typed)}, more...)...)
	}
	first = request(password)
	if state := first.Get("State"); len(state) == 1 {
		second = request(code, "State = "+state[0])
	}
	return first, second
}

func TestFreeRADIUSAsksForACode(t *testing.T) {
	t.Parallel()
	server := peer.FreeRADIUSAsking(t)
	client := peer.Radclient{Server: server.Addr, Secret: server.Secret}
	tests := []struct {
		name, password, code string
		want                 [2]string
	}{
		{"right and right", peer.FreeRADIUSPassword, peer.FreeRADIUSCode, [2]string{"Access-Challenge", "Access-Accept"}},
		{"right and wrong", peer.FreeRADIUSPassword, "000000", [2]string{"Access-Challenge", "Access-Reject"}},
		{"wrong", "no", "", [2]string{"Access-Reject", ""}},
	}
	for _, test := range tests {
		first, second := login(t, client, test.password, test.code)
		if got := [2]string{first.Code, second.Code}; got != test.want {
			t.Errorf("%s: got %q, want %q\n%s\n%s", test.name, got, test.want, first.Output, second.Output)
		}
	}
}

func TestFreeRADIUSProxyPassesAConversationOn(t *testing.T) {
	for _, unsigned := range []bool{false, true} {
		t.Run(fmt.Sprintf("unsigned=%v", unsigned), func(t *testing.T) {
			t.Parallel()
			server := peer.FreeRADIUSAsking(t)
			proxy := peer.FreeRADIUSProxy(t, peer.FreeRADIUSTarget{Addr: server.Addr, Secret: server.Secret, Unsigned: unsigned})
			client := peer.Radclient{Server: proxy.Addr, Secret: proxy.Secret}
			first, second := login(t, client, peer.FreeRADIUSPassword, peer.FreeRADIUSCode)
			if first.Code != "Access-Challenge" || second.Code != "Access-Accept" {
				t.Fatalf("got %q and %q, want a challenge and an accept", first.Code, second.Code)
			}
			if got := first.Get("Reply-Message"); len(got) != 1 || got[0] != peer.FreeRADIUSQuestion {
				t.Errorf("got question %q, want %q", got, peer.FreeRADIUSQuestion)
			}
			if got := second.Get("Filter-Id"); len(got) != 1 || got[0] != "staff" {
				t.Errorf("got Filter-Id %q, want staff", got)
			}
			if !strings.Contains(server.Log(), "Proxy-State = ") {
				t.Error("the server got no Proxy-State")
			}
			if got := strings.Contains(server.Log(), "Message-Authenticator = "); got == unsigned {
				t.Errorf("the server got a Message-Authenticator: %v, want %v", got, !unsigned)
			}
		})
	}
}

func TestFreeRADIUSAnswersStatusServer(t *testing.T) {
	t.Parallel()
	server := peer.FreeRADIUSAsking(t)
	reply := peer.Radclient{Server: server.Addr, Secret: server.Secret, Command: "status"}.
		Send(t, "Message-Authenticator = 0x00")
	if reply.Code != "Access-Accept" {
		t.Errorf("got %q, want Access-Accept\n%s", reply.Code, reply.Output)
	}
}

func TestRadclientBelievesNoReplyUnderAnotherSecret(t *testing.T) {
	t.Parallel()
	server := peer.FreeRADIUSAsking(t)
	reply := peer.Radclient{Server: server.Addr, Secret: "another secret", Timeout: 2e9}.
		Send(t, `User-Name = "alice"`, `User-Password = "x"`)
	if reply.Code != "" {
		t.Errorf("got %q, want no valid reply\n%s", reply.Code, reply.Output)
	}
}
