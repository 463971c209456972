package gateway

import (
	"log/slog"
	"net/http"
	"regexp"
	"strings"
)

// Preset are the keys of services whose request is known: the kinds "twilio"
// and "vonage".
type Preset struct {
	// Account is Twilio's account SID or Vonage's API key.
	Account string `mapstructure:"account"`
	// Service is a messaging service of Twilio's, in place of a sender.
	Service string `mapstructure:"service"`
}

const (
	kindTwilio = "twilio"
	kindVonage = "vonage"
)

// presets are the requests of services, as their documentation has them.
var presets = map[string]func(Config) Config{
	kindTwilio: twilioRequest,
	kindVonage: vonageRequest,
}

// preset reports whether a kind is that of a known service.
func preset(kind string) bool { return presets[kind] != nil }

// twilioRequest is Twilio's Messages resource, version 2010-04-01. It answers
// 201 when the message is queued, and 4xx with the reason.
func twilioRequest(c Config) Config {
	c.URL = base(c.URL, "https://api.twilio.com") + "/2010-04-01/Accounts/" + c.Preset.Account + "/Messages.json"
	if c.User == "" {
		c.User = c.Preset.Account
	}
	from := "From={sender}"
	if c.Preset.Service != "" {
		from = "MessagingServiceSid=" + c.Preset.Service
	}
	c.Form = []string{"To={to}", from, "Body={text}"}
	c.OK = []int{http.StatusCreated}
	c.FailMatch = `"status": *"(?:failed|undelivered|canceled)"`
	c.IDMatch = `"sid": *"((?:SM|MM)[0-9a-fA-F]{32})"`
	return c.asHTTP()
}

// vonageRequest is Vonage's SMS API. It answers 200 to everything, and the
// status is in the body, one for each part of the message.
func vonageRequest(c Config) Config {
	c.URL = base(c.URL, "https://rest.nexmo.com") + "/sms/json"
	c.Form = []string{"api_key=" + c.Preset.Account, "api_secret={secret}", "from={sender}", "to={to}", "text={text}", "type={coding}"}
	c.Number = string(formatDigits)
	c.Coding = []string{"text", "unicode"}
	c.OKMatch = `"status": *"0"`
	c.FailMatch = `"status": *"[1-9][0-9]*"`
	c.IDMatch = `"message-id": *"([^"]+)"`
	return c.asHTTP()
}

func (c Config) asHTTP() Config {
	c.Kind, c.Preset = kindHTTP, Preset{}
	return c
}

func base(url, own string) string {
	if url == "" {
		return own
	}
	return strings.TrimRight(url, "/")
}

func newPreset(cfg Config, log *slog.Logger) (*httpProvider, error) {
	return newHTTP(presets[cfg.Kind](cfg), log)
}

var (
	accountForm = regexp.MustCompile(`^AC[0-9a-fA-F]{32}$`)
	apiKeyForm  = regexp.MustCompile(`^SK[0-9a-fA-F]{32}$`)
	serviceForm = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	vonageForm  = regexp.MustCompile(`^[0-9a-zA-Z]{4,64}$`)
)

// validatePreset checks what the administrator wrote; what it becomes needs no
// check but that of the address.
func (c Config) validatePreset(p *problems) {
	c.validatePresetKeys(p)
	if c.Sender == "" && c.Preset.Service == "" {
		p.add("sender: is not set: write a number of the account's, or a name that it may use")
	}
	if strings.ContainsAny(c.Sender+c.Preset.Service, "{}\r\n") {
		p.add("sender: holds a character that no sender has")
	}
	if c.URL != "" {
		c.validateURL(p)
		if strings.ContainsAny(c.URL, "?#") {
			p.add("url: has a query: write the address of the service alone")
		}
	}
	if c.Proxy != "" {
		validateProxy(p, c.Proxy)
	}
	switch c.Kind {
	case kindTwilio:
		c.validateTwilio(p)
	case kindVonage:
		c.validateVonage(p)
	}
}

func (c Config) validateTwilio(p *problems) {
	if !accountForm.MatchString(c.Preset.Account) {
		p.add("account: %q is no account SID: write \"AC\" and 32 hexadecimal digits", c.Preset.Account)
	}
	if c.Preset.Service != "" && !serviceForm.MatchString(c.Preset.Service) {
		p.add("service: %q is no messaging service: write \"MG\" and 32 hexadecimal digits", c.Preset.Service)
	}
	if c.Preset.Service != "" && c.Sender != "" {
		p.add("service: there is a sender too: the service chooses its own, so remove one of the two")
	}
	if c.User != "" && !apiKeyForm.MatchString(c.User) {
		p.add("user: %q is no API key: write \"SK\" and 32 hexadecimal digits, or remove user to use the account's auth token", c.User)
	}
	if c.Password.IsZero() {
		p.add("password: is not set: write the account's auth token, or with user the secret of the API key")
	}
	if !c.Secret.IsZero() {
		p.add("secret: is only for kind = \"vonage\": write password")
	}
}

func (c Config) validateVonage(p *problems) {
	if !vonageForm.MatchString(c.Preset.Account) {
		p.add("account: %q is no API key: copy it from the service's settings", c.Preset.Account)
	}
	if c.Secret.IsZero() {
		p.add("secret: is not set: write the secret of the API key")
	}
	if c.User != "" || !c.Password.IsZero() {
		p.add("user: is only for kind = \"twilio\": write account and secret")
	}
	if c.Preset.Service != "" {
		p.add("service: is only for kind = \"twilio\": remove it")
	}
}

// validatePresetKeys refuses keys that the kind sets.
func (c Config) validatePresetKeys(p *problems) {
	for _, key := range []struct {
		name string
		set  bool
	}{
		{"number", c.Number != ""},
		{"coding", len(c.Coding) > 0},
		{"method", c.Method != ""},
		{"query", len(c.Query) > 0},
		{"header", len(c.Header) > 0},
		{"form", len(c.Form) > 0},
		{"json", c.JSON != ""},
		{"raw", c.Raw != ""},
		{"content_type", c.ContentType != ""},
		{"token", !c.Token.IsZero()},
		{"ok", len(c.OK) > 0},
		{"ok_match", c.OKMatch != ""},
		{"fail_match", c.FailMatch != ""},
		{"id_match", c.IDMatch != ""},
	} {
		if key.set {
			p.add("%s: is set by kind = %q: remove it, or write kind = \"http\"", key.name, c.Kind)
		}
	}
}
