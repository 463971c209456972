package gateway

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
)

// The vectors are of the "AWS Signature Version 4 Test Suite".
func TestSignaturesOfAWS(t *testing.T) {
	t.Parallel()
	a := awsSigner{user: "AKIDEXAMPLE", password: secret.New("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), region: "us-east-1", service: "service"}
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	for _, row := range []struct{ name, method, target, kind, body, want string }{
		{"get-vanilla", "GET", "/", "", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", "", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"post-vanilla", "POST", "/", "", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-x-www-form-urlencoded", "POST", "/", "application/x-www-form-urlencoded", "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), row.method, "https://example.amazonaws.com"+row.target, strings.NewReader(row.body))
		if err != nil {
			t.Fatal(err)
		}
		if row.kind != "" {
			r.Header.Set("Content-Type", row.kind)
		}
		a.signAt(r, []byte(row.body), at)
		if got := r.Header.Get("Authorization"); !strings.HasSuffix(got, "Signature="+row.want) ||
			!strings.HasPrefix(got, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=") {
			t.Errorf("%s: got %s, want %s", row.name, got, row.want)
		}
	}
}

// What Azure has signed is "POST\n/sms?api-version=2021-03-07\ndate;host;hash";
// the hash and the signature are those that openssl makes of it.
func TestSignaturesOfAzure(t *testing.T) {
	t.Parallel()
	key, body := []byte("the access key"), []byte(`{"from": "x"}`)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://r.communication.azure.com/sms?api-version=2021-03-07", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	azureSigner{}.signAt(r, body, key, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	const content = "YW43oAOvJmvy2j2bV+bDJStAAEu4TZQVus6teSaIPRE="
	if got := r.Header.Get("x-ms-date"); got != "Fri, 02 Jan 2026 03:04:05 GMT" {
		t.Errorf("date %s", got)
	}
	if got := r.Header.Get("x-ms-content-sha256"); got != content {
		t.Errorf("hash of the body %s, want %s", got, content)
	}
	want := "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=z83zn3lBWvzjxQWJH1H6JXuSaRDaTLzB1NZGUMJDlis="
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A tokens is a server that gives out tokens t1, t2 and so on.
type tokens struct {
	*sink
	given   atomic.Int64
	expires int
	refuse  atomic.Bool
}

func newTokens(t *testing.T) *tokens {
	t.Helper()
	s := &tokens{expires: 3600}
	s.sink = newSink(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if s.refuse.Load() || user != "client%2Fid" || password != markPassword {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"access_token": "t%d", "token_type": "Bearer", "expires_in": %d}`, s.given.Add(1), s.expires)
	})
	return s
}

func withOAuth2(tokenURL string) func(*Config) {
	return func(c *Config) {
		c.Token, c.User, c.Password = secret.Value{}, "client/id", secret.New(markPassword)
		c.Auth = Auth{Auth: "oauth2", TokenURL: tokenURL, Scope: "sms"}
	}
}

func TestOneTokenIsForManyMessages(t *testing.T) {
	t.Parallel()
	from := newTokens(t)
	var mu sync.Mutex
	var shown []string
	var reject atomic.Bool
	gw := newSink(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		shown = append(shown, r.Header.Get("Authorization"))
		mu.Unlock()
		if reject.Load() {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	c, _ := chain(t, toSink("gw", gw.URL, withOAuth2(from.URL)))
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if err := c.Send(t.Context(), number(t), markText); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := strings.Join(shown, ","); got != strings.Repeat("Bearer t1,", 4)+"Bearer t1" {
		t.Errorf("shown: %s", got)
	}
	r := from.got()[0]
	if r.method != "POST" || r.body != "grant_type=client_credentials&scope=sms" || r.contentType != "application/x-www-form-urlencoded" {
		t.Errorf("asked by %s %s %s", r.method, r.contentType, r.body)
	}
	reject.Store(true)
	if got := outcome(c.Send(t.Context(), number(t), markText)); got != "not sent" {
		t.Errorf("a token that is not taken: %s", got)
	}
	reject.Store(false)
	if err := c.Send(t.Context(), number(t), markText); err != nil || shown[len(shown)-1] != "Bearer t2" {
		t.Errorf("after it: %v, shown %s, want another token", err, shown[len(shown)-1])
	}
}

func TestATokenEndsBeforeItsTime(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		expires int
		life    time.Duration
	}{{3600, time.Hour - tokenEarly}, {20, 10 * time.Second}, {0, tokenFor / 2}, {1 << 40, tokenMost - tokenEarly}} {
		from := newTokens(t)
		from.expires = row.expires
		c, _ := chain(t, toSink("gw", from.URL, withOAuth2(from.URL)))
		o := c.links[0].Provider.(*httpProvider).signer.(*oauth2)
		if err := o.renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := time.Until(o.until); got > row.life || got < row.life-5*time.Second {
			t.Errorf("expires_in %d: kept for %v, want %v", row.expires, got, row.life)
		}
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	t.Parallel()
	gw := newSink(t, status(200, ""))
	from := newTokens(t)
	for _, row := range []struct{ rule, url string }{
		{"refused", from.URL},
		{"nobody listens", "http://127.0.0.1:1"},
		{"no token", newSink(t, status(200, `{"token_type": "bearer"}`)).URL},
		{"another type", newSink(t, status(200, `{"access_token": "x", "token_type": "mac"}`)).URL},
		{"a line break in it", newSink(t, status(200, `{"access_token": "x\r\nA: b", "token_type": "bearer"}`)).URL},
		{"no JSON", newSink(t, status(200, markReply)).URL},
		{"a reply without end", newSink(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token": "`+strings.Repeat("x", 2*maxReply)+`", "token_type": "bearer"}`)
		}).URL},
	} {
		from.refuse.Store(true)
		c, _ := chain(t, toSink("gw", gw.URL, withOAuth2(row.url)))
		err := c.Send(t.Context(), number(t), markText)
		if got := outcome(err); got != "not sent" {
			t.Errorf("%s: %s (%v)", row.rule, got, err)
		}
		AssertLeaksNothing(t, fmt.Sprint(err))
	}
	if got := len(gw.got()); got != 0 {
		t.Errorf("%d messages without a token", got)
	}
}

func TestSignedMessagesArrive(t *testing.T) {
	t.Parallel()
	s := newSink(t, status(200, ""))
	for auth, want := range map[string]string{"aws": "AWS4-HMAC-SHA256 Credential=user/", "azure": "HMAC-SHA256 SignedHeaders="} {
		c, _ := chain(t, toSink("gw", s.URL, func(c *Config) {
			c.Token, c.Password, c.Auth.Auth = secret.Value{}, secret.New("bWFyay1wYXNzd29yZA=="), auth
			if auth == "aws" {
				c.User, c.Auth.Region = "user", "eu-north-1"
			}
		}))
		if err := c.Send(t.Context(), number(t), markText); err != nil {
			t.Fatal(err)
		}
		got := s.got()
		if h := got[len(got)-1].header.Get("Authorization"); !strings.HasPrefix(h, want) {
			t.Errorf("%s: %s", auth, h)
		}
	}
}

func TestAuthenticationsThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		want   string
		change func(*Config)
	}{
		{`auth: "kerberos" is no kind`, func(c *Config) { c.Auth.Auth = "kerberos" }},
		{"user: is not set: auth = \"basic\"", func(c *Config) { c.Auth.Auth = "basic" }},
		{"token: is not set", func(c *Config) { c.Auth.Auth = "bearer" }},
		{"token: there is a user too", func(c *Config) {
			c.User, c.Password, c.Token = "u", secret.New("p"), secret.New("t")
		}},
		{"token_url: is not the address", func(c *Config) { withOAuth2("id.example.org")(c) }},
		{"token_url: http:// would carry", func(c *Config) { withOAuth2("http://id.example.org")(c) }},
		{"token_url: token_url and scope", func(c *Config) { c.Auth.Scope = "x" }},
		{"aws_region: is not set", func(c *Config) { c.User, c.Password, c.Auth.Auth = "u", secret.New("p"), "aws" }},
		{"aws_region: aws_region and aws_service", func(c *Config) { c.Auth.Region = "x" }},
		{"password: is the access key", func(c *Config) { c.Auth.Auth = "azure" }},
		{"password: is no access key", func(c *Config) { c.Password, c.Auth.Auth = secret.New("%"), "azure" }},
		{"cert: cert and cert_key", func(c *Config) { c.Cert = "x" }},
		{"header: Authorization is set", func(c *Config) {
			withOAuth2("https://id.example.org")(c)
			c.Header = append(c.Header, "Authorization: x")
		}},
	} {
		c := toSink("gw", "https://sms.example.org", func(c *Config) { c.Token = secret.Value{} }, row.change)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
		}
	}
}
