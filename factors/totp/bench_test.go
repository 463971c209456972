package totp

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/pquerna/otp/hotp"

	"github.com/portvakt/portvakt/login"
)

// A blank store is as fast as a store can be, and forgets.
type blank struct{}

func (blank) Get(context.Context, string) (login.Value, error) {
	return login.Value{}, login.ErrNotFound
}
func (blank) Swap(context.Context, string, uint64, []byte) error { return nil }

func BenchmarkCheck(b *testing.B) {
	token := rfcToken
	raw, _ := json.Marshal(token.data())
	c := login.Credential{ID: "c", Kind: KindTime, Data: raw}
	u := login.User{Enrollment: login.Enrollment{Credentials: []login.Credential{c}}}
	f := New(DefaultConfig(), blank{})
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		var code login.Secret
		for i := 0; b.Loop(); i++ {
			if i%100_000 == 0 { // well before the code gets too old
				code = login.Cleartext(token.At(time.Now()))
			}
			if err := f.Check(b.Context(), u, login.Method{ID: "totp/c"}, nil, code); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("other form", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = f.Check(b.Context(), u, login.Method{ID: "totp/c"}, nil, login.Cleartext("hunter2"))
		}
	})
}

// BenchmarkWindow compares three codes of ours with three of pquerna/otp.
func BenchmarkWindow(b *testing.B) {
	secret := rfcToken.Seed.Base32()
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			g := rfcToken.generator()
			for c := range uint64(3) {
				g.code(c)
			}
		}
	})
	b.Run("pquerna", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for c := range uint64(3) {
				_, _ = hotp.GenerateCodeCustom(secret, c, hotp.ValidateOpts{Digits: 6})
			}
		}
	})
}
