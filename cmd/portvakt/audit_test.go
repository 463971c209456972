package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/internal/logging"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// decisions are the events of sign-ins that have the text wherever a stranger,
// a device or a directory can put one.
func decisions(t *testing.T, text string) []login.Event {
	t.Helper()
	w := logintest.NewWorld(t)
	w.Directory.Add(login.Account{ID: "id-" + text, Name: text}, "secret")
	w.SMS.PromptErr = fmt.Errorf("the gateway says %s", text)
	for _, a := range []login.Attempt{
		{User: text, Secret: login.Cleartext("secret")},
		{User: "nobody" + text, Secret: login.Cleartext("secret")},
		{User: "alice", Secret: login.Cleartext("wrong")},
	} {
		a.Via = login.Via{Client: "vpn", Station: text, CanAsk: true}
		if _, err := w.Begin(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	return append(w.Events(), login.Event{
		Attempt: text, Outcome: "reject", Reason: login.Reason(text), Detail: text, User: text,
		AccountID: text, Client: text, Station: text, Rule: text, Method: text,
	})
}

// S-31: whatever is typed, sent by a device or answered by a directory, a
// decision is one line with the attributes it has, and shows what is written.
func TestS31ADecisionIsOneLine(t *testing.T) {
	for _, format := range []string{conf.LogJSON, conf.LogText} {
		for _, text := range logintest.Hostile {
			for _, e := range decisions(t, text) {
				var out bytes.Buffer
				log := logging.New(conf.Log{Level: "info", Format: format}, &out)
				audit(t.Context(), log.Logger, e)
				log.Close()
				line, ended := strings.CutSuffix(out.String(), "\n")
				if !ended || strings.Contains(line, "\n") {
					t.Fatalf("%s, %q: not one line: %q", format, text, out.String())
				}
				if i := strings.IndexFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
					t.Errorf("%s, %q: not to be shown as it is at %d: %q", format, text, i, line)
				}
				if format == conf.LogJSON {
					var got map[string]any
					if err := json.Unmarshal([]byte(line), &got); err != nil || got["msg"] != "login" || got[login.KeyOutcome] != e.Outcome ||
						got[login.KeyStation] != string([]rune(e.Station)) {
						t.Errorf("%q: %v in %q", text, err, line)
					}
				} else if n := strings.Count(unquoted(line), " outcome="); n != 1 {
					t.Errorf("%q: %d outcomes in %q", text, n, line)
				}
			}
		}
	}
}

// unquoted is a line without what is in quotes.
func unquoted(line string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(line); i++ {
		switch {
		case quoted && line[i] == '\\':
			i++
		case line[i] == '"':
			quoted = !quoted
		case !quoted:
			b.WriteByte(line[i])
		}
	}
	return b.String()
}

func BenchmarkLogin(b *testing.B) {
	for _, format := range []string{conf.LogJSON, conf.LogText} {
		b.Run(format, func(b *testing.B) {
			log := logging.New(conf.Log{Format: format}, io.Discard)
			defer log.Close()
			b.ReportAllocs()
			for b.Loop() {
				audit(b.Context(), log.Logger, login.Event{
					Attempt: "7GQ2-MX4D", Outcome: "reject", Reason: login.ReasonWrongCode, User: "alice",
					AccountID: "0b8e7c6a-5a1c-4c6e-9d0e-3f2a1b0c9d8e", Client: "vpn", Station: "203.0.113.7",
					Rule: "staff on the VPN", Method: "totp", Took: 1020 * time.Millisecond,
				})
			}
		})
	}
}
