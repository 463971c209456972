package totp

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

// S-01: whoever has seen a code typed has nothing, for as long as the code
// could be good: at another client, on another node, after a restart, whichever
// other codes were used since.
func TestS01ASeenCodeIsWorthless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		token := NewToken()
		u, m := with(t, token)
		records := &logintest.Records{} // what nodes share and restarts keep
		check := func(client, code string) error {
			u := u
			u.Client = client
			return New(DefaultConfig(), records).Check(t.Context(), u, m, nil, login.Cleartext(code))
		}
		seen := token.At(time.Now())
		earlier := token.At(time.Now().Add(-token.Period)) // seen, and not used in time
		if err := check("vpn", seen); err != nil {
			t.Fatal(err)
		}
		for range 4 * int(token.Period/time.Second) {
			for _, code := range []string{seen, earlier} {
				if err := check("wifi", code); err == nil {
					t.Fatal("a code was good twice")
				}
			}
			time.Sleep(time.Second)
			if now := token.At(time.Now()); now != seen && time.Now().Unix()%30 == 15 {
				if err := check("vpn", now); err != nil {
					t.Fatalf("her own next code: %v", err)
				}
			}
		}
	})
}
