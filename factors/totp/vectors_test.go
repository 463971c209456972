package totp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

const digits20 = "12345678901234567890" // the secret of RFC 4226, appendix D

// rfcSeed is the seed of RFC 6238, appendix B, which is as long as the output
// of the hash (erratum 2866).
func rfcSeed(octets int) Seed { return Seed(strings.Repeat(digits20, 4)[:octets]) }

func TestRFC4226AppendixD(t *testing.T) {
	token := Token{Kind: KindCounter, Seed: rfcSeed(20), Algorithm: SHA1, Digits: 6}
	for counter, want := range []string{
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got := token.Count(uint64(counter)); got != want {
			t.Errorf("counter %d: got %s, want %s", counter, got, want)
		}
	}
}

func TestRFC6238AppendixB(t *testing.T) {
	for _, tt := range []struct {
		unix                 int64
		sha1, sha256, sha512 string
	}{
		{59, "94287082", "46119246", "90693936"},
		{1111111109, "07081804", "68084774", "25091201"},
		{1111111111, "14050471", "67062674", "99943326"},
		{1234567890, "89005924", "91819424", "93441116"},
		{2000000000, "69279037", "90698825", "38618901"},
		{20000000000, "65353130", "77737706", "47863826"},
	} {
		for _, v := range []struct {
			algorithm Algorithm
			octets    int
			want      string
		}{{SHA1, 20, tt.sha1}, {SHA256, 32, tt.sha256}, {SHA512, 64, tt.sha512}} {
			token := Token{Kind: KindTime, Seed: rfcSeed(v.octets), Algorithm: v.algorithm, Digits: 8, Period: 30 * time.Second}
			if got := token.At(time.Unix(tt.unix, 0)); got != v.want {
				t.Errorf("%s at %d: got %s, want %s", v.algorithm, tt.unix, got, v.want)
			}
		}
	}
}

func TestCodesAreThoseOfPquerna(t *testing.T) {
	for _, algorithm := range []Algorithm{SHA1, SHA256, SHA512} {
		for _, digits := range []int{6, 8} {
			t.Run(fmt.Sprint(algorithm, digits), func(t *testing.T) {
				token := Token{Kind: KindCounter, Seed: NewSeed(), Algorithm: algorithm, Digits: digits}
				g := token.generator()
				for counter := range uint64(300) {
					counter *= 0x0001_0001_0001_0001
					want, err := hotp.GenerateCodeCustom(token.Seed.Base32(), counter,
						hotp.ValidateOpts{Digits: otp.Digits(digits), Algorithm: algorithm})
					if err != nil {
						t.Fatal(err)
					}
					if got := g.code(counter); got != want {
						t.Fatalf("counter %d: got %s, want %s", counter, got, want)
					}
				}
			})
		}
	}
}
