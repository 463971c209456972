package totp

import (
	"encoding/json"
	"testing"
	"time"
)

func TestTokensAreReadWithoutJSON(t *testing.T) {
	t.Parallel()
	seed := NewSeed()
	for _, token := range []Token{
		NewToken(),
		{Kind: KindTime, Seed: seed, Algorithm: SHA256, Digits: 8, Period: time.Minute},
		{Kind: KindCounter, Seed: seed, Algorithm: SHA1, Digits: 6},
		{Kind: KindCounter, Seed: seed, Algorithm: SHA512, Digits: 8, Counter: maxCounter},
	} {
		c, err := NewCredential("", token)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := readWritten(c.Data); !ok || got != token.data() {
			t.Errorf("got %t, want the data of %+v", ok, token)
		}
	}
}

// Other programs may have written the same data in another way.
func TestTokensInOtherJSONAreRead(t *testing.T) {
	t.Parallel()
	token := NewToken()
	raw, _ := json.MarshalIndent(token.data(), "", " ")
	if _, ok := readWritten(raw); ok {
		t.Fatal("read as if it were ours")
	}
	c, _ := NewCredential("", token)
	c.Data = raw
	got, err := parse(c)
	if err != nil || string(got.Seed) != string(token.Seed) {
		t.Errorf("got %v %v", got, err)
	}
}

// Whatever is read at once is what JSON says it is.
func FuzzWritten(f *testing.F) {
	f.Add([]byte(`{"secret":"GEZDGNBVGY3TQOJQ","algorithm":"SHA1","digits":6,"period":30}`))
	f.Add([]byte(`{"secret":"GEZDGNBVGY3TQOJQ","digits":8,"counter":18446744073709551615}`))
	f.Add([]byte(`{"secret":"","digits":06}`))
	f.Add([]byte(`{"secret":"\u0041","digits":6}`))
	f.Add([]byte(`{"secret":"A","digits":99999999999999999999}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := readWritten(b)
		if !ok {
			return
		}
		var want data
		if err := json.Unmarshal(b, &want); err != nil || got != want {
			t.Errorf("%q: got %+v, want %+v %v", b, got, want, err)
		}
	})
}
