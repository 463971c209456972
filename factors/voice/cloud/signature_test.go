package cloud_test

import (
	"net/url"
	"testing"

	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/cloud/cloudtest"
)

// The example of Twilio's documentation on security, and what differs from it.
func TestSignaturesAreTheServices(t *testing.T) {
	t.Parallel()
	const address, token, right = "https://mycompany.com/myapp.php?foo=1&bar=2", "12345", "0/KCTR6DLpKmkAf8muzZqo1nDgQ="
	form := func() url.Values {
		return url.Values{
			"CallSid": {"CA1234567890ABCDE"}, "Caller": {"+12349013030"}, "Digits": {"1234"}, "From": {"+12349013030"},
			"To": {"+18005551212"},
		}
	}
	if got := cloudtest.Sign(token, address, form()); got != right {
		t.Errorf("the fake signs %s, the documentation says %s", got, right)
	}
	// What the service's own library for Node.js, version 5, makes of these.
	const query, hard = "https://vpn.example.org/call/ABC/1/key?edge=dublin&x=%2B%20y", "cVN59DSa2AX6Z6/hTvEo2TqHq+o="
	const short, several = "https://vpn.example.org/x", "EadJ7qlz6Vgg1XsKiMGElnB43IA="
	signs := url.Values{"CallSid": {"CA1"}, "AccountSid": {"AC1"}, "Digits": {"#"}, "CallerCity": {"Tromsø & omegn"}, "Empty": {""}}
	if got := cloudtest.Sign("tok", query, signs); got != hard {
		t.Errorf("the fake signs %s, the library %s", got, hard)
	}
	other := form()
	other.Set("Digits", "1235")
	twice := form()
	twice["Digits"] = []string{"1234", "1234"}
	for _, row := range []struct {
		what, token, address, signature string
		form                            url.Values
		want                            bool
	}{
		{"as documented", token, address, right, form(), true},
		{"with the port, which some products sign", token, "https://mycompany.com:443/myapp.php?foo=1&bar=2", right, form(), true},
		{"signs and letters in query and form", "tok", query, hard, signs, true},
		{"several values of one name", "tok", short, several, url.Values{"A": {"2", "1", "2"}}, true},
		{"another port", token, "https://mycompany.com:8443/myapp.php?foo=1&bar=2", right, form(), false},
		{"without the query", token, "https://mycompany.com/myapp.php", right, form(), false},
		{"another host", token, "https://mycompany.org/myapp.php?foo=1&bar=2", right, form(), false},
		{"http", token, "http://mycompany.com/myapp.php?foo=1&bar=2", right, form(), false},
		{"another token", "12346", address, right, form(), false},
		{"another form", token, address, right, other, false},
		{"the same value twice counts once", token, address, right, twice, true},
		{"nothing", token, address, "", form(), false},
		{"half of it", token, address, "0/KCTR6DLpKmkAf8mg==", form(), false},
	} {
		if got := cloud.Signed(row.token, row.address, row.form, row.signature); got != row.want {
			t.Errorf("%s: %t, want %t", row.what, got, row.want)
		}
	}
}

func FuzzPost(f *testing.F) {
	f.Add("POST", "/call/AAAA/1/key", "application/x-www-form-urlencoded", "AAAA", "Digits=%23&CallSid=CA")
	f.Add("POST", "/call//", "text/plain", "", "")
	f.Add("GET", "/%2f%2e%2e/1/status?x=%zz", "application/x-www-form-urlencoded;charset=\"", "=", "%")
	s := twilio(f, nil)
	f.Fuzz(func(t *testing.T, method, path, contentType, signature, body string) {
		if code := serve(s, method, path, contentType, signature, body); code != 404 && code != 0 {
			t.Errorf("status %d for a stranger", code)
		}
	})
}
