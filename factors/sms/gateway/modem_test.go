package gateway_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/factors/sms/gateway"
)

func spooled(s *peer.Spool, format string) gateway.Config {
	c := gateway.Config{
		Name: "modem", Kind: "modem", Timeout: 8 * time.Second,
		Modem: gateway.Modem{Format: format, Spool: s.Outgoing, Checked: s.Checked, Sent: s.Sent, Failed: s.Failed},
	}
	if format == "gammu" {
		c.Modem.Checked = ""
	}
	return c
}

func TestSmstools(t *testing.T) {
	t.Parallel()
	m := peer.StartFakeModem(t, false)
	s := peer.StartSmstools(t, m)
	c := chained(t, spooled(s, ""))
	if st := c.Check(t.Context())[0]; st.Err != nil || st.Target != s.Outgoing {
		t.Errorf("check: %+v", st)
	}
	texts := map[string]string{
		"123456 æøåÆØÅäöü @£$_ €[]{}|~^\\": "gsm",
		"123456 – код для входу":           "ucs2",
		"123456 😀":                         "ucs2",
		// Lines that look like headers.
		"123456\nTo: 4799999999\n\nAlphabet: UCS": "gsm",
	}
	var sending sync.WaitGroup
	for text := range texts {
		sending.Go(func() {
			if err := c.Send(t.Context(), mobile(t), text); err != nil {
				t.Errorf("%q: %v", text, err)
			}
		})
	}
	sending.Wait()
	for range len(texts) {
		got := m.Next(t)
		if want := (peer.ModemMessage{To: "+4741234567", Coding: texts[got.Text], Text: got.Text}); got != want || want.Coding == "" {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if left := s.Messages(t, s.Outgoing); len(left) != 0 {
		t.Errorf("%q are left in the spool", left)
	}
	sent := s.Messages(t, s.Sent)
	if len(sent) != len(texts) {
		t.Fatalf("%d are in sent, want %d", len(sent), len(texts))
	}
	for _, path := range sent {
		if name := filepath.Base(path); strings.Contains(name, "41234567") {
			t.Errorf("the name %q holds the number", name)
		}
	}
}

func TestSmstoolsOutcomes(t *testing.T) {
	t.Parallel()
	refusing := peer.StartSmstools(t, peer.StartFakeModem(t, true))
	if got := says(chained(t, spooled(refusing, "smstools")).Send(t.Context(), mobile(t), "123456")); got != "not sent" {
		t.Errorf("the network refuses: %s, want not sent", got)
	}
	if n := len(refusing.Messages(t, refusing.Failed)); n != 1 {
		t.Errorf("%d are in failed, want 1", n)
	}
	refusing.Pause()
	cfg := spooled(refusing, "smstools")
	cfg.Timeout = 200 * time.Millisecond
	if got := says(chained(t, cfg).Send(t.Context(), mobile(t), "123456")); got != "not sent" {
		t.Errorf("smsd stands still: %s, want not sent", got)
	}
	if left, err := os.ReadDir(refusing.Outgoing); err != nil || len(left) != 0 {
		t.Errorf("%v are left in the spool, and would be sent later (%v)", left, err)
	}
}

func TestGammu(t *testing.T) {
	t.Parallel()
	s := peer.StartGammu(t)
	c := chained(t, spooled(s, "gammu"))
	for _, row := range []struct{ rule, text, coding string }{
		{"Nordic letters and the euro sign", "123456 æøåÆØÅ @ €", "7 bit"},
		{"Cyrillic", "123456 – код для входу", "Unicode"},
	} {
		if err := c.Send(t.Context(), mobile(t), row.text); err != nil {
			t.Fatalf("%s: %v", row.rule, err)
		}
		logged := s.Log(t)
		for _, want := range []string{`"+4741234567" with text "` + row.text + `"`, row.coding + " SMS"} {
			if !strings.Contains(logged, want) {
				t.Errorf("%s: %q is not in the log:\n%s", row.rule, want, logged)
			}
		}
	}
	if n := len(s.Messages(t, s.Sent)); n != 2 {
		t.Errorf("%d are in sent, want 2", n)
	}
	s.Pause()
	cfg := spooled(s, "gammu")
	cfg.Timeout = 200 * time.Millisecond
	if got := says(chained(t, cfg).Send(t.Context(), mobile(t), "123456")); got != "unknown" {
		t.Errorf("gammu-smsd stands still: %s, want unknown", got)
	}
	if n := len(s.Messages(t, s.Outgoing)); n != 1 {
		t.Errorf("%d are in the spool, want 1", n)
	}
}
