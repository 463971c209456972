package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
)

// What the fakes below want.
const (
	fakeAccount = "AC0123456789abcdef0123456789abcdef"
	fakeService = "MG0123456789abcdef0123456789abcdef"
	fakeKey     = "a1b2c3d4"
)

// A fakeOfService is a fake of a service, ours: it keeps to what the service
// documents, and fails the test at anything else.
type fakeOfService struct {
	*httptest.Server
	mu   sync.Mutex
	sent []url.Values
	// answer, when set, answers a request that was right.
	answer http.HandlerFunc
}

func startFake(t *testing.T, check func(*http.Request) error, answer http.HandlerFunc) *fakeOfService {
	t.Helper()
	f := &fakeOfService{answer: answer}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		if err := check(r); err != nil {
			t.Errorf("fake service: %v", err)
		}
		for name, values := range r.PostForm {
			if len(values) != 1 {
				t.Errorf("fake service: %s has %d values", name, len(values))
			}
		}
		f.mu.Lock()
		f.sent = append(f.sent, r.PostForm)
		answer := f.answer
		f.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fakeOfService) last(t *testing.T) url.Values {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.sent) == 0 {
		t.Fatal("nothing was sent")
	}
	return f.sent[len(f.sent)-1]
}

func (f *fakeOfService) set(answer http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// fields checks a form: those that must be there, and what each may be.
func fields(form url.Values, must []string, may map[string]string) error {
	for _, name := range must {
		if form.Get(name) == "" {
			return fmt.Errorf("no %s", name)
		}
	}
	for name := range form {
		if pattern, known := may[name]; !known || !regexp.MustCompile(`^(?s:`+pattern+`)$`).MatchString(form.Get(name)) {
			return fmt.Errorf("%s = %q", name, form.Get(name))
		}
	}
	return nil
}

func wantsTwilio(r *http.Request) error {
	user, password, _ := r.BasicAuth()
	switch {
	case r.Method != http.MethodPost || r.URL.String() != "/2010-04-01/Accounts/"+fakeAccount+"/Messages.json":
		return fmt.Errorf("%s %s", r.Method, r.URL)
	case !slices.Contains([]string{fakeAccount, "SK0123456789abcdef0123456789abcdef"}, user) || password != markPassword:
		return fmt.Errorf("user %q", user)
	case r.PostForm.Has("From") == r.PostForm.Has("MessagingServiceSid"):
		return errors.New("both or none of From and MessagingServiceSid")
	}
	return fields(r.PostForm, []string{"To", "Body"}, map[string]string{
		"To": `\+[1-9][0-9]{1,14}`, "From": `\+[1-9][0-9]{1,14}|[A-Za-z0-9 ]{1,11}`, "MessagingServiceSid": `MG[0-9a-f]{32}`, "Body": `.{1,1000}`,
	})
}

func wantsVonage(r *http.Request) error {
	if r.Method != http.MethodPost || r.URL.String() != "/sms/json" {
		return fmt.Errorf("%s %s", r.Method, r.URL)
	}
	if r.PostForm.Get("api_key") != fakeKey || r.PostForm.Get("api_secret") != markSecret {
		return errors.New("another key or secret")
	}
	return fields(r.PostForm, []string{"api_key", "api_secret", "from", "to", "text", "type"}, map[string]string{
		"api_key": `.*`, "api_secret": `.*`, "from": `[0-9]{1,15}|[A-Za-z0-9]{1,11}`, "to": `[1-9][0-9]{1,14}`, "text": `.+`, "type": `text|unicode`,
	})
}

// twilioReply and vonageReply are the services' replies, by their states. They
// repeat what was asked, as the services do.
func twilioReply(status int, state string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if status >= 400 {
			fmt.Fprintf(w, `{"code": 21211, "message": "%s", "more_info": "x", "status": %d}`, markReply, status)
			return
		}
		fmt.Fprintf(w, `{"account_sid": %q, "api_version": "2010-04-01", "body": %q, "direction": "outbound-api", "error_code": null, `+
			`"error_message": null, "from": %q, "num_media": "0", "num_segments": "1", "sid": "SMfedcba9876543210fedcba9876543210", `+
			`"status": %q, "to": %q}`, fakeAccount, r.PostForm.Get("Body"), r.PostForm.Get("From"), state, r.PostForm.Get("To"))
	}
}

func vonageReply(status string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"message-count": "1", "messages": [{"to": %q, "message-id": "0C000000217B7F02", "status": %q, `+
			`"error-text": %q, "remaining-balance": "15.5", "network": "24201"}]}`, r.PostForm.Get("to"), status, markReply)
	}
}

func twilioConfig(f *fakeOfService, change ...func(*Config)) Config {
	c := Config{Name: "twilio", Kind: "twilio", URL: f.URL, Sender: "EXAMPLE", Password: secret.New(markPassword), Preset: Preset{Account: fakeAccount}}
	for _, fn := range change {
		fn(&c)
	}
	return c
}

func vonageConfig(f *fakeOfService, change ...func(*Config)) Config {
	c := Config{Name: "vonage", Kind: "vonage", URL: f.URL, Sender: "EXAMPLE", Secret: secret.New(markSecret), Preset: Preset{Account: fakeKey}}
	for _, fn := range change {
		fn(&c)
	}
	return c
}

func TestPresetsSendWhatTheServicesDocument(t *testing.T) {
	t.Parallel()
	const cyrillic = "123456 – код для mark-text"
	twilio := startFake(t, wantsTwilio, twilioReply(201, "queued"))
	vonage := startFake(t, wantsVonage, vonageReply("0"))
	for _, row := range []struct {
		what, text string
		fake       *fakeOfService
		cfg        Config
		want       url.Values
	}{
		{"Twilio, by a sender", markText, twilio, twilioConfig(twilio), url.Values{
			"To": {"+47" + markNational}, "From": {"EXAMPLE"}, "Body": {markText},
		}},
		{"Twilio, by a messaging service and an API key", cyrillic, twilio, twilioConfig(twilio, func(c *Config) {
			c.Sender, c.Preset.Service, c.User = "", fakeService, "SK0123456789abcdef0123456789abcdef"
		}), url.Values{"To": {"+47" + markNational}, "MessagingServiceSid": {fakeService}, "Body": {cyrillic}}},
		{"Vonage", markText, vonage, vonageConfig(vonage), url.Values{
			"api_key": {fakeKey}, "api_secret": {markSecret}, "from": {"EXAMPLE"}, "to": {"47" + markNational}, "text": {markText}, "type": {"text"},
		}},
		{"Vonage, beyond GSM 7-bit", cyrillic, vonage, vonageConfig(vonage), url.Values{
			"api_key": {fakeKey}, "api_secret": {markSecret}, "from": {"EXAMPLE"}, "to": {"47" + markNational}, "text": {cyrillic}, "type": {"unicode"},
		}},
	} {
		c, _ := chain(t, row.cfg)
		if err := c.Send(t.Context(), number(t), row.text); err != nil {
			t.Fatalf("%s: %v", row.what, err)
		}
		if got := row.fake.last(t); got.Encode() != row.want.Encode() {
			t.Errorf("%s: sent %v, want %v", row.what, got, row.want)
		}
	}
}

func TestPresetsKnowTheServicesReplies(t *testing.T) {
	t.Parallel()
	twilio := startFake(t, wantsTwilio, nil)
	vonage := startFake(t, wantsVonage, nil)
	for _, row := range []struct {
		what   string
		fake   *fakeOfService
		cfg    Config
		answer http.HandlerFunc
		want   string
	}{
		{"Twilio queues it", twilio, twilioConfig(twilio), twilioReply(201, "queued"), "sent"},
		{"Twilio accepts it for a messaging service", twilio, twilioConfig(twilio), twilioReply(201, "accepted"), "sent"},
		{"Twilio failed at once", twilio, twilioConfig(twilio), twilioReply(201, "failed"), "not sent"},
		{"Twilio refuses the number", twilio, twilioConfig(twilio), twilioReply(400, ""), "not sent"},
		{"Twilio refuses the token", twilio, twilioConfig(twilio), twilioReply(401, ""), "not sent"},
		{"Twilio has had too many", twilio, twilioConfig(twilio), twilioReply(429, ""), "not sent"},
		{"Twilio is down", twilio, twilioConfig(twilio), twilioReply(503, ""), "not sent"},
		{"a proxy lost Twilio's answer", twilio, twilioConfig(twilio), twilioReply(504, ""), "unknown"},
		{"Twilio answers what is not documented", twilio, twilioConfig(twilio), twilioReply(200, "queued"), "unknown"},
		{"Vonage takes it", vonage, vonageConfig(vonage), vonageReply("0"), "sent"},
		{"Vonage is throttled", vonage, vonageConfig(vonage), vonageReply("1"), "not sent"},
		{"Vonage refuses the secret", vonage, vonageConfig(vonage), vonageReply("4"), "not sent"},
		{"Vonage has no money left", vonage, vonageConfig(vonage), vonageReply("9"), "not sent"},
		{"Vonage has a status of two digits", vonage, vonageConfig(vonage), vonageReply("29"), "not sent"},
		{"Vonage took a part and refused another", vonage, vonageConfig(vonage), status(200, `{"messages": [{"status": "0"}, {"status": "5"}]}`), "not sent"},
		{"Vonage answers no status", vonage, vonageConfig(vonage), status(200, `{}`), "not sent"},
	} {
		row.fake.set(row.answer)
		c, _ := chain(t, row.cfg)
		err := c.Send(t.Context(), number(t), markText)
		if got := outcome(err); got != row.want {
			t.Errorf("%s: %s, want %s: %v", row.what, got, row.want, err)
		}
		if err != nil {
			AssertLeaksNothing(t, err.Error())
		}
	}
}

func TestProblemsOfPresetsAreNamed(t *testing.T) {
	t.Parallel()
	none := &fakeOfService{Server: &httptest.Server{URL: ""}}
	twilio := func(change func(*Config)) Config { return twilioConfig(none, change) }
	vonage := func(change func(*Config)) Config { return vonageConfig(none, change) }
	for _, row := range []struct {
		what string
		cfg  Config
		want string // the keys with problems
	}{
		{"a whole twilio", twilio(func(*Config) {}), ""},
		{"a whole vonage", vonage(func(*Config) {}), ""},
		{"through a proxy, with a time-out and a CA", twilio(func(c *Config) { c.Proxy, c.CA, c.Timeout = "http://proxy:3128", "ca.pem", 1e9 }), ""},
		{"nothing but a twilio", Config{Name: "x", Kind: "twilio"}, "sender account password"},
		{"nothing but a vonage", Config{Name: "x", Kind: "vonage"}, "sender account secret"},
		{"an account that leaves the path", twilio(func(c *Config) { c.Preset.Account = "AC../../x" }), "account"},
		{"a service that adds a field", twilio(func(c *Config) { c.Sender, c.Preset.Service = "", "MG{secret}" }), "sender service"},
		{"a sender with a placeholder", vonage(func(c *Config) { c.Sender = "{secret}" }), "sender"},
		{"both a sender and a service", twilio(func(c *Config) { c.Preset.Service = fakeService }), "service"},
		{"a user that is no API key", twilio(func(c *Config) { c.User = "anna" }), "user"},
		{"a key with a placeholder", vonage(func(c *Config) { c.Preset.Account = "{secret}" }), "account"},
		{"the other service's password", vonage(func(c *Config) { c.Password = secret.New("x") }), "user"},
		{"the other service's secret", twilio(func(c *Config) { c.Secret = secret.New("x") }), "secret"},
		{"another address in the clear", twilio(func(c *Config) { c.URL = "http://sms.example.org" }), "url"},
		{"keys of a template", twilio(func(c *Config) {
			c.Number, c.Form, c.JSON, c.OK, c.Token = "00", []string{"a=b"}, "{}", []int{200}, secret.New("x")
		}), "number form json token ok"},
		{"keys of a preset elsewhere", ok(func(c *Config) { c.Preset.Account = fakeAccount }), "account"},
	} {
		var keys []string
		err := row.cfg.Validate()
		if joined, is := err.(interface{ Unwrap() []error }); is {
			for _, e := range joined.Unwrap() {
				keys = append(keys, strings.SplitN(e.Error(), ":", 2)[0])
				AssertLeaksNothing(t, e.Error())
			}
		}
		if got := strings.Join(keys, " "); got != row.want {
			t.Errorf("%s: problems of %q, want %q: %v", row.what, got, row.want, err)
		}
	}
}
