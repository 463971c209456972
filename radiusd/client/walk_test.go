package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"

	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// password decodes what was typed with another codec than ours.
func password(t testing.TB, request []byte) (user, password, state string) {
	t.Helper()
	p, err := radius.Parse(request, []byte(shared.Reveal()))
	if err != nil {
		t.Errorf("the request cannot be parsed: %v", err)
		return "", "", ""
	}
	return rfc2865.UserName_GetString(p), rfc2865.UserPassword_GetString(p), rfc2865.State_GetString(p)
}

func TestWalkGoesFromPasswordToDecision(t *testing.T) {
	t.Parallel()
	server := func(t *testing.T) *responder {
		return respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte {
			user, typed, state := password(t, request)
			switch {
			case user == "forever":
				return one(reply(request, AccessChallenge, avp(typeState, "again")...))
			case state == "" && typed == "open":
				return one(reply(request, AccessAccept, avp(typeReplyMessage, "Welcome")...))
			case state == "" && typed == "secret":
				return one(reply(request, AccessChallenge, slices.Concat(avp(typeReplyMessage, "Code:"), avp(typeState, "one"))...))
			case state == "one" && typed == "123456":
				return one(reply(request, AccessChallenge, slices.Concat(avp(typeState, "two"), avp(typePrompt, "\x00\x00\x00\x01"), avp(typeReplyMessage, "Your name:"))...))
			case state == "two" && typed == "Alice":
				return one(reply(request, AccessAccept))
			default:
				return one(reply(request, AccessReject, avp(typeReplyMessage, "No")...))
			}
		})
	}
	for _, row := range []struct {
		dialogue       string
		user, password string
		answers        []string
		want           string
	}{
		{"a password alone is enough", "alice", "open", nil, "Welcome, accepted after 0"},
		{"a wrong password is refused", "alice", "wrong", nil, "No, refused after 0"},
		{"questions are put until the decision", "alice", "secret", []string{"123456", "Alice"}, `"Code:" echo false; "Your name:" echo true; , accepted after 2`},
		{"a wrong answer is refused", "alice", "secret", []string{"000000"}, `"Code:" echo false; No, refused after 1`},
	} {
		asked := ""
		got, err := server(t).client().Walk(t.Context(), row.user, row.password, func(_ context.Context, prompt string, echo bool) (string, error) {
			asked += fmt.Sprintf("%q echo %v; ", prompt, echo)
			a := row.answers[0]
			row.answers = row.answers[1:]
			return a, nil
		})
		if err != nil {
			t.Errorf("%s: %v", row.dialogue, err)
			continue
		}
		word := map[bool]string{true: "accepted", false: "refused"}[got.Accepted]
		if s := fmt.Sprintf("%s%s, %s after %d", asked, got.Reply.Message(), word, got.Rounds); s != row.want {
			t.Errorf("%s: got %s, want %s", row.dialogue, s, row.want)
		}
	}

	_, err := server(t).client().Walk(t.Context(), "forever", "x", func(context.Context, string, bool) (string, error) { return "x", nil })
	if !errors.Is(err, ErrTooManyRounds) {
		t.Errorf("a server that asks for ever: got %v", err)
	}
	gone := errors.New("the person has gone")
	_, err = server(t).client().Walk(t.Context(), "alice", "secret", func(context.Context, string, bool) (string, error) { return "", gone })
	if !errors.Is(err, gone) {
		t.Errorf("nobody answers: got %v", err)
	}
}

func TestEveryRequestIsNew(t *testing.T) {
	t.Parallel()
	r := respond(t, "127.0.0.1", func(n int, request []byte) [][]byte {
		if n == 11 {
			return one(reply(request, AccessAccept))
		}
		return one(reply(request, AccessChallenge, avp(typeState, "s")...))
	})
	c := r.client()
	c.Station, c.NASIdentifier = "00-11-22-33-44-55", "vpn"
	if _, err := c.Walk(t.Context(), "alice", "x", func(context.Context, string, bool) (string, error) { return "x", nil }); err != nil {
		t.Fatal(err)
	}
	identifiers, authenticators := map[byte]bool{}, map[string]bool{}
	for _, request := range r.requests() {
		identifiers[request[1]], authenticators[string(request[4:20])] = true, true
		if request[20] != typeMessageAuthenticator {
			t.Errorf("the first attribute is %d, want Message-Authenticator", request[20])
		}
		zeroed := slices.Clone(request)
		clear(zeroed[22:38])
		if string(sign(zeroed, shared.Reveal())) != string(request[22:38]) {
			t.Error("Message-Authenticator is wrong")
		}
		p, _ := radius.Parse(request, nil)
		if rfc2865.CallingStationID_GetString(p) != "00-11-22-33-44-55" || rfc2865.NASIdentifier_GetString(p) != "vpn" {
			t.Error("the station or the NAS identifier is missing")
		}
	}
	if len(identifiers) != 11 || len(authenticators) != 11 {
		t.Errorf("%d identifiers and %d authenticators in 11 requests", len(identifiers), len(authenticators))
	}
}

func TestPasswordsOfAllLengthsArrive(t *testing.T) {
	t.Parallel()
	r := respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte {
		_, typed, _ := password(t, request)
		return one(reply(request, AccessAccept, avp(typeState, strconv.Itoa(len(typed)))...))
	})
	for _, n := range []int{0, 1, 15, 16, 17, 32, 127, 128} {
		got, err := r.client().Do(t.Context(), Request{User: "alice", Password: strings.Repeat("p", n)})
		if err != nil || string(got.State()) != strconv.Itoa(n) {
			t.Errorf("%d octets arrived as %s (%v)", n, got.State(), err)
		}
	}
	for what, request := range map[string]Request{
		"a password of 129 octets": {User: "alice", Password: strings.Repeat("p", 129)},
		"a name of 254 octets":     {User: strings.Repeat("u", 254)},
		"a State of 254 octets":    {User: "alice", State: make([]byte, 254)},
		"attributes of 4096":       {User: "alice", Attributes: make([]byte, 4096)},
	} {
		if _, err := r.client().Do(t.Context(), request); err == nil || strings.Contains(err.Error(), "pppp") {
			t.Errorf("%s: got %v, want an error that does not repeat it", what, err)
		}
	}
}

func TestMessagesThatWereSplitAreOneLine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 251) + "é"
	for _, row := range []struct {
		parts []string
		want  string
	}{
		{nil, ""},
		{[]string{"Code:"}, "Code:"},
		{[]string{"Calling.", "Or type a code:"}, "Calling.\nOr type a code:"},
		{[]string{long[:251], long[251:] + "!"}, long + "!"},
		{[]string{"\x1b[2Jclean\xff\r"}, "\ufffd[2Jclean\ufffd\ufffd"},
	} {
		var attributes []byte
		for _, part := range row.parts {
			attributes = append(attributes, avp(typeReplyMessage, part)...)
		}
		if got := (Reply{Attributes: attributes}).Message(); got != row.want {
			t.Errorf("%q: got %q, want %q", row.parts, got, row.want)
		}
	}
}

func TestLinesHoldNoSecrets(t *testing.T) {
	t.Parallel()
	d, err := dictionary.Load()
	if err != nil {
		t.Fatal(err)
	}
	r := Reply{Attributes: slices.Concat(avp(typeState, "opaque"), avp(26, "\x00\x00\x01\x37\x10\x08opaque"), avp(25, "admins"), avp(250, "opaque"))}
	got := strings.Join(r.Lines(d), "; ")
	want := `State = (secret, 6 octets); MS-MPPE-Send-Key = (secret, 6 octets); Class = "admins"; Attribute-250 = (6 octets)`
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
