package ldapauth

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// slapdConfig is a configuration for a slapd of package peer, over LDAPS.
func slapdConfig(s *peer.Slapd) Config {
	c := DefaultConfig()
	c.Servers = []string{s.LDAPSURL}
	c.CA = s.CAFile
	c.BindDN, c.BindPassword = peer.SlapdBindDN, secret.New(peer.SlapdPassword)
	c.Base = peer.SlapdPeople
	c.GroupBase = peer.SlapdGroups
	return c
}

// open makes a Directory that ends with the test and logs to it.
func open(t testing.TB, c Config) *Directory {
	t.Helper()
	d, err := New(c, slog.New(slog.NewTextHandler(testLog{t}, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

type testLog struct{ testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.Logf("%s", strings.TrimSpace(string(p)))
	return len(p), nil
}

// lookup is a Lookup that must find somebody.
func lookup(t testing.TB, d *Directory, name string) login.Account {
	t.Helper()
	a, err := d.Lookup(t.Context(), name, 0)
	if err != nil {
		t.Fatalf("Lookup(%q): %v", name, err)
	}
	return a
}

// outcome says in one word how something ended: "yes", the reason of a
// refusal, or "undecided".
func outcome(err error) string {
	switch {
	case err == nil:
		return "yes"
	case login.Refused(err) != "":
		return string(login.Refused(err))
	}
	return "undecided"
}

// detail is the Detail of a refusal.
func detail(err error) string {
	if r, ok := errors.AsType[*login.Refusal](err); ok {
		return r.Detail
	}
	return ""
}

// eventually waits for a condition that another process brings about.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for late := time.Now().Add(within); !ok(); {
		if time.Now().After(late) {
			t.Fatalf("not within %v: %s", within, what)
		}
		<-time.After(20 * time.Millisecond)
	}
}
