package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/sms/smpp"
)

// Config is one [[sms.provider]]. An unset key has the default named beside
// it.
type Config struct {
	Name    string        `mapstructure:"name"`
	Kind    string        `mapstructure:"kind"`    // see kinds
	Timeout time.Duration `mapstructure:"timeout"` // DefaultTimeout
	Sender  string        `mapstructure:"sender"`  // {sender}
	Number  string        `mapstructure:"number"`  // {to} as "e164" (default), "00", "digits" or "national"
	Coding  []string      `mapstructure:"coding"`  // {coding} for GSM 7-bit and UCS-2; "0" and "2"
	// Prefixes are beginnings of the only numbers that the provider is for.
	Prefixes []string `mapstructure:"prefixes"`
	// Senders are other values of {sender}, as "+1=15005550006": the longest
	// beginning that a number has counts.
	Senders []string `mapstructure:"senders"`

	// For kind "http".
	Method      string       `mapstructure:"method"` // POST
	URL         string       `mapstructure:"url"`
	Query       []string     `mapstructure:"query"`        // "name=value"
	Header      []string     `mapstructure:"header"`       // "Name: value"
	Form        []string     `mapstructure:"form"`         // "name=value"
	JSON        string       `mapstructure:"json"`         // a JSON value with placeholders in its strings
	Raw         string       `mapstructure:"raw"`          // a fixed body, or "{text}" alone
	ContentType string       `mapstructure:"content_type"` // of raw; text/plain; charset=utf-8
	User        string       `mapstructure:"user"`         // with password: basic authentication
	Password    secret.Value `mapstructure:"password"`
	Token       secret.Value `mapstructure:"token"`      // bearer authentication
	Secret      secret.Value `mapstructure:"secret"`     // {secret}
	OK          []int        `mapstructure:"ok"`         // accepting statuses; 200 to 299
	OKMatch     string       `mapstructure:"ok_match"`   // condition of an accepting body
	FailMatch   string       `mapstructure:"fail_match"` // … of a refusing body, whatever else it has
	IDMatch     string       `mapstructure:"id_match"`   // … that finds the gateway's id of the message
	CA          string       `mapstructure:"ca"`         // PEM file; the system's
	Cert        string       `mapstructure:"cert"`       // PEM file of a client certificate, with its chain
	CertKey     string       `mapstructure:"cert_key"`   // PEM file of its key
	Proxy       string       `mapstructure:"proxy"`      // http://host:port; none
	Insecure    bool         `mapstructure:"insecure"`   // allow http:// to another machine

	Auth     Auth     `mapstructure:",squash"`
	Receipts Receipts `mapstructure:",squash"`

	// For kind "command": the program and its arguments.
	Command []string `mapstructure:"command"`

	// For kind "smpp", besides user, password, sender, number, coding, ca and
	// insecure.
	SMPP smpp.Config `mapstructure:",squash"`

	// For kind "modem", besides number.
	Modem Modem `mapstructure:",squash"`

	// For the kinds "twilio" and "vonage".
	Preset Preset `mapstructure:",squash"`
}

const (
	kindHTTP    = "http"
	kindCommand = "command"
	kindLog     = "log"

	kinds = `"http", "twilio", "vonage", "smpp", "modem", "command" or "log"`
)

func (c Config) timeout() time.Duration {
	if c.Timeout == 0 {
		return DefaultTimeout
	}
	return c.Timeout
}

func (c Config) method() string {
	if c.Method == "" {
		return http.MethodPost
	}
	return c.Method
}

func (c Config) numberFormat() numberFormat {
	if c.Number == "" {
		return formatE164
	}
	return numberFormat(c.Number)
}

func (c Config) codings() codings {
	if len(c.Coding) != 2 {
		return codings{"0", "2"} // kannel's, and SMPP's in another unit
	}
	return codings{c.Coding[0], c.Coding[1]}
}

// problems collects what Validate finds.
type problems []error

func (p *problems) add(format string, args ...any) { *p = append(*p, fmt.Errorf(format, args...)) }

// Validate returns every problem of the provider, none of them with a secret.
func (c Config) Validate() error {
	var p problems
	if c.Name == "" {
		p.add("name: is not set: give the provider a name for logs")
	}
	if c.Timeout < 0 || c.Timeout > Overall {
		p.add("timeout: %v is not between 0s and %v, which is the time for all providers together", c.Timeout, Overall)
	}
	formats := []numberFormat{formatE164, formatZeros, formatDigits, formatNational}
	if !slices.Contains(formats, c.numberFormat()) {
		p.add("number: %q is not a format: write \"e164\", \"00\", \"digits\" or \"national\"", c.Number)
	}
	if len(c.Coding) != 0 && len(c.Coding) != 2 {
		p.add("coding: has %d values: write the gateway's words for GSM 7-bit and for UCS-2", len(c.Coding))
	}
	c.validateRoutes(&p)
	switch {
	case c.Kind == kindHTTP:
		c.validateHTTP(&p)
	case c.Kind == kindCommand:
		c.validateCommand(&p)
	case c.Kind == kindSMPP:
		c.validateSMPP(&p)
	case c.Kind == kindModem:
		p.join(c.Modem.Validate())
	case preset(c.Kind):
		c.validatePreset(&p)
	case c.Kind == kindLog:
	case c.Kind == "":
		p.add("kind: is not set: write %s", kinds)
	default:
		p.add("kind: %q is not a kind: write %s", c.Kind, kinds)
	}
	c.validateKeys(&p)
	return errors.Join(p...)
}

func (c Config) validateCommand(p *problems) {
	if len(c.Command) == 0 {
		p.add("command: is not set: write the program and its arguments, as [\"/usr/local/bin/sms\", \"{to}\"]")
		return
	}
	if !filepath.IsAbs(c.Command[0]) || strings.ContainsAny(c.Command[0], "{}") {
		p.add("command: the program %q is not an absolute path: it is run without a shell and without a search path", c.Command[0])
	}
	argv, err := c.commandFields()
	if err != nil {
		p.add("command: %w; the text comes on standard input, because arguments can be read by everybody on the machine", err)
		return
	}
	if !slices.ContainsFunc(argv, func(f field) bool { return f.uses(toPlace) }) {
		p.add("command: {to} is in no argument: the program would not know the number")
	}
}

func (c Config) commandFields() ([]field, error) {
	var argv []field
	for i, arg := range c.Command {
		f, err := parseField(arg, toPlace, senderPlace, codingPlace)
		if err != nil {
			return nil, fmt.Errorf("argument %d has %w", i, err)
		}
		argv = append(argv, f)
	}
	return argv, nil
}

func (c Config) validateHTTP(p *problems) {
	c.validateURL(p)
	c.validateAuth(p)
	if !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut}, c.method()) {
		p.add("method: %q is not a method for sending: write \"POST\", \"PUT\" or \"GET\"", c.Method)
	}
	bodies := 0
	for _, set := range []bool{len(c.Form) > 0, c.JSON != "", c.Raw != ""} {
		if set {
			bodies++
		}
	}
	if bodies > 1 {
		p.add("json: only one of json, form and raw can be the body: remove the others")
	}
	if bodies > 0 && c.method() == http.MethodGet {
		p.add("method: \"GET\" has no body: use query, or \"POST\"")
	}
	for _, status := range c.OK {
		if status < 200 || status > 299 {
			p.add("ok: %d is not a status of success: list statuses from 200 to 299", status)
		}
	}
	for _, m := range c.conditions(new(httpProvider)) {
		switch found, err := parseCondition(m.text); {
		case err != nil:
			p.add("%s: %w", m.key, err)
		case found != nil && m.names && !found.names():
			p.add("%s: has no group: put the id in parentheses, or write a JSON pointer, as \"/messages/0/id\"", m.key)
		}
	}
	if (c.Cert == "") != (c.CertKey == "") {
		p.add("cert: cert and cert_key go together: set both or none")
	}
	c.validateStatus(p)
	c.validateCallback(p)
	if c.Proxy != "" {
		validateProxy(p, c.Proxy)
	}
	c.validateTemplate(p)
}

// A wanted is a condition of the configuration and where it goes.
type wanted struct {
	key, text string
	into      **condition
	names     bool // it finds the id of a message
}

func (c Config) conditions(h *httpProvider) []wanted {
	return []wanted{
		{"ok_match", c.OKMatch, &h.okMatch, false},
		{"fail_match", c.FailMatch, &h.failMatch, false},
		{"id_match", c.IDMatch, &h.idMatch, true},
		{"status_ok", c.Receipts.StatusOK, &h.statusOK, false},
		{"status_failed", c.Receipts.StatusFailed, &h.statusFailed, false},
		{"callback_id", c.Receipts.CallbackID, &h.callbackID, true},
	}
}

func validateProxy(p *problems, proxy string) {
	u, err := url.Parse(proxy)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		p.add("proxy: is not a proxy without a password: write \"http://host:port\"")
	}
}

func (c Config) validateURL(p *problems) {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		p.add("url: is not set: write the address of the gateway")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		p.add("url: is not an address of a gateway: write \"https://host/path\"")
	case u.User != nil:
		p.add("url: holds a user or password: write them as user and password")
	case strings.ContainsAny(c.URL, "{}"):
		p.add("url: holds a placeholder: placeholders belong in query, form or json")
	case u.Scheme == "http" && !c.Insecure && !loopback(u.Hostname()):
		p.add("url: http:// would carry codes and passwords in the clear: use https://, or set insecure = true")
	}
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func (c Config) validateTemplate(p *problems) {
	t, errs := c.template()
	*p = append(*p, errs...)
	if len(errs) > 0 {
		return
	}
	if !t.uses(toPlace) {
		p.add("json: {to} is in no part of the request: the gateway would not know the number")
	}
	if !t.uses(textPlace) {
		p.add("json: {text} is in no part of the request: the message would be empty")
	}
	if t.uses(senderPlace) && c.Sender == "" {
		p.add("sender: is not set, but {sender} is used: set it or remove the placeholder")
	}
	if t.uses(secretPlace) == c.Secret.IsZero() {
		p.add("secret: secret and {secret} go together: set both or none")
	}
}
