package login_test

import (
	"fmt"
	"testing"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// BenchmarkLogin is the Flow's own part of a whole login: password, question,
// code, with everything it consumes in memory.
func BenchmarkLogin(b *testing.B) {
	w := logintest.NewWorld(b)
	w.Audit = nil
	w.Factors = []login.Factor{w.SMS}
	w.SMS.For = nil
	w.Flow = w.NewFlow(w.Config)
	const people = 50000
	for i := range people {
		w.Directory.Add(login.Account{ID: fmt.Sprintf("5a1f1c0e-0001-4000-8000-%012d", i), Name: fmt.Sprint("user", i)}, "secret")
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		user := fmt.Sprint("user", i%people)
		i++
		w.SMS.Sent = w.SMS.Sent[:0]
		s, err := w.Begin(b.Context(), login.Attempt{User: user, Secret: login.Cleartext("secret"), Via: vpn})
		if err != nil {
			b.Fatal(err)
		}
		code := fmt.Sprintf("%06d", 500000+i)
		s, err = w.Resume(b.Context(), login.Attempt{User: user, Secret: login.Cleartext(code), Via: vpn}, s.(login.Ask).Ticket)
		if err != nil {
			b.Fatal(err)
		}
		if a, ok := s.(login.Accept); !ok || !a.Valid() {
			b.Fatalf("got %#v", s)
		}
	}
}
