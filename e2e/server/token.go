package server

import (
	"crypto/rand"
	"encoding/base32"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
)

// A Seed is the secret of a TOTP token in base 32.
type Seed string

// NewSeed makes one of 160 bit.
func NewSeed() Seed {
	b := make([]byte, 20)
	_, _ = rand.Read(b) // never fails
	return Seed(base32.StdEncoding.EncodeToString(b))
}

// Code is what the token shows now, by oathtool.
func (s Seed) Code(t testing.TB) string { t.Helper(); return s.at(t, time.Now()) }

// Next is what the token shows next: a second code that is good already.
func (s Seed) Next(t testing.TB) string { t.Helper(); return s.at(t, time.Now().Add(period)) }

const period = 30 * time.Second

func (s Seed) at(t testing.TB, at time.Time) string {
	t.Helper()
	peer.Need(t, "oathtool")
	out, err := exec.CommandContext(t.Context(), "oathtool", "--totp", "--base32",
		"--now", at.UTC().Format("2006-01-02 15:04:05 UTC"), string(s)).CombinedOutput()
	if err != nil {
		t.Fatalf("oathtool: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// Wrong is a code that the token does not show about now.
func (s Seed) Wrong(t testing.TB) string {
	t.Helper()
	near := []string{s.at(t, time.Now().Add(-period)), s.Code(t), s.Next(t), s.at(t, time.Now().Add(2*period))}
	for _, code := range []string{"000000", "111111", "222222", "333333", "444444"} {
		if !strings.Contains(strings.Join(near, " "), code) {
			return code
		}
	}
	return "" // four codes cannot be five
}
