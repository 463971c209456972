package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/sms/smpp"
	"github.com/portvakt/portvakt/login/logintest"
)

func deadline(t testing.TB, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// ok is a valid provider for rows to change.
func ok(change func(*Config)) Config {
	c := Config{Name: "gw", Kind: "http", URL: "https://sms.example.org/send", JSON: `{"to": "{to}", "text": "{text}"}`}
	change(&c)
	return c
}

func viaSMPP(change func(*Config)) Config {
	c := Config{
		Name: "carrier", Kind: "smpp", User: "portvakt", Password: secret.New(markPassword), Sender: "UiT",
		SMPP: smpp.Config{Address: "smsc.example.org:3550", TLS: true},
	}
	change(&c)
	return c
}

func viaModem(change func(*Config)) Config {
	c := Config{Name: "modem", Kind: "modem", Modem: Modem{
		Spool: "/var/spool/sms/outgoing", Checked: "/var/spool/sms/checked", Sent: "/var/spool/sms/sent", Failed: "/var/spool/sms/failed",
	}}
	change(&c)
	return c
}

func TestValidConfigurations(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{
		ok(func(*Config) {}),
		ok(func(c *Config) { c.JSON, c.Form = "", []string{"To={to}", "Body={text}"} }),
		ok(func(c *Config) { c.URL = "http://127.0.0.1:13013/cgi-bin/sendsms" }),
		ok(func(c *Config) { c.URL, c.Insecure = "http://10.0.0.1/", true }),
		ok(func(c *Config) { c.Header, c.Secret = []string{"Authorization: App {secret}"}, secret.New("s") }),
		ok(func(c *Config) { c.JSON, c.Raw, c.Header = "", "{text}", []string{"To: {to}"} }),
		{Name: "c", Kind: "command", Command: []string{"/usr/bin/sms", "{to}"}},
		{Name: "l", Kind: "log"},
		viaSMPP(func(*Config) {}),
		viaSMPP(func(c *Config) { c.SMPP.Address, c.SMPP.TLS = "127.0.0.1:2775", false }),
		viaSMPP(func(c *Config) { c.SMPP.TLS, c.Insecure = false, true }),
		viaSMPP(func(c *Config) {
			c.CA, c.Coding, c.Number, c.Timeout = "/ca.pem", []string{"3", "8"}, "00", time.Second
		}),
		viaSMPP(func(c *Config) { c.Prefixes, c.Senders = []string{"+47"}, []string{"+1=+15005550006"} }),
		viaModem(func(*Config) {}),
		viaModem(func(c *Config) { c.Prefixes = []string{"+47"} }),
		viaModem(func(c *Config) { c.Modem.Format, c.Modem.Checked = "gammu", "" }),
	} {
		if err := c.Validate(); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestProblemsAreNamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, "name: is not set"},
		{Config{}, "kind: is not set"},
		{Config{Kind: "pigeon"}, `kind: "pigeon" is not a kind`},
		{Config{Kind: "log", URL: "https://x"}, "url: is only for"},
		{Config{Kind: "log", Command: []string{"/x"}}, "command: is only for"},
		{Config{Kind: "command"}, "command: is not set"},
		{Config{Kind: "command", Command: []string{"sms", "{to}"}}, "not an absolute path"},
		{Config{Kind: "command", Command: []string{"/sms"}}, "{to} is in no argument"},
		{Config{Kind: "command", Command: []string{"/sms", "{to}", "{text}"}}, "the text comes on standard input"},
		{Config{Kind: "command", Command: []string{"/sms", "{to}", "{secret}"}}, "argument 2 has a placeholder that is not allowed"},
		{ok(func(c *Config) { c.Timeout = time.Hour }), "timeout:"},
		{ok(func(c *Config) { c.Number = "e.164" }), "number:"},
		{ok(func(c *Config) { c.Coding = []string{"0"} }), "coding:"},
		{ok(func(c *Config) { c.URL = "" }), "url: is not set"},
		{ok(func(c *Config) { c.URL = "sms.example.org" }), "url: is not an address"},
		{ok(func(c *Config) { c.URL = "ftp://x/" }), "url: is not an address"},
		{ok(func(c *Config) { c.URL = "https://u:" + markPassword + "@x/" }), "url: holds a user"},
		{ok(func(c *Config) { c.URL = "https://x/{to}" }), "url: holds a placeholder"},
		{ok(func(c *Config) { c.URL = "http://sms.example.org/" }), "in the clear"},
		{ok(func(c *Config) { c.Method = "DELETE" }), "method:"},
		{ok(func(c *Config) { c.Method = "GET" }), "method: \"GET\" has no body"},
		{ok(func(c *Config) { c.Form = []string{"a=b"} }), "only one of json, form and raw"},
		{ok(func(c *Config) { c.JSON = `{"to": {to}}` }), "json: not JSON"},
		{ok(func(c *Config) { c.JSON = `{} {}` }), "json: more than one"},
		{ok(func(c *Config) { c.JSON = `{"{to}": "{text}"}` }), "json: a key with a placeholder"},
		{ok(func(c *Config) { c.JSON = `{"to": "{number}"}` }), "not allowed here: there are {to} {text}"},
		{ok(func(c *Config) { c.JSON = `{"to": "{to"}` }), `a "{" without "}"`},
		{ok(func(c *Config) { c.JSON = `{"to": "to}"}` }), `a "}" without "{"`},
		{ok(func(c *Config) { c.JSON = `{"text": "{text}"}` }), "{to} is in no part"},
		{ok(func(c *Config) { c.JSON = `{"to": "{to}"}` }), "{text} is in no part"},
		{ok(func(c *Config) { c.JSON, c.Form = "", []string{"nothing"} }), `form: entry 1 is not "name=value"`},
		{ok(func(c *Config) { c.Raw, c.JSON = "<to>{to}</to>", "" }), "raw: can only be"},
		{ok(func(c *Config) { c.Raw, c.JSON = "<text>{text}</text>", "" }), "raw: can only be"},
		{ok(func(c *Config) { c.Header = []string{"X: {text}"} }), "header: entry 1 (X) has a placeholder"},
		{ok(func(c *Config) { c.Header = []string{"Host: x"} }), "header: Host is set by other keys"},
		{ok(func(c *Config) { c.Header = []string{"X Y: x"} }), "cannot be sent"},
		{ok(func(c *Config) { c.Header, c.Secret = []string{"X: {secret}"}, secret.New(markSecret+"\n") }), "cannot be sent"},
		{ok(func(c *Config) { c.Token = secret.New(markToken + "\n") }), "token: holds a character"},
		{ok(func(c *Config) { c.User = "u" }), "user and password go together"},
		{ok(func(c *Config) { c.User, c.Password, c.Token = "u", secret.New(markPassword), secret.New(markToken) }), "token: there is a user too"},
		{ok(func(c *Config) { c.Secret = secret.New(markSecret) }), "secret and {secret} go together"},
		{ok(func(c *Config) { c.Query = []string{"k={secret}"} }), "secret and {secret} go together"},
		{ok(func(c *Config) { c.Query = []string{"f={sender}"} }), "sender: is not set"},
		{ok(func(c *Config) { c.OK = []int{404} }), "ok: 404"},
		{ok(func(c *Config) { c.OKMatch = "(" }), "ok_match:"},
		{ok(func(c *Config) { c.IDMatch = "id" }), "id_match: has no group"},
		{ok(func(c *Config) { c.Proxy = "http://u:" + markPassword + "@proxy:3128" }), "proxy:"},
		{viaSMPP(func(c *Config) { c.SMPP.Address = "smsc" }), `address: "smsc" is not a host and a port`},
		{viaSMPP(func(c *Config) { c.SMPP.TLS = false }), "tls: without it codes and the password would go in the clear"},
		{viaSMPP(func(c *Config) { c.SMPP.Address, c.SMPP.TLS, c.CA = "127.0.0.1:1", false, "/ca.pem" }), "ca: is of no use without TLS"},
		{viaSMPP(func(c *Config) { c.SMPP.Window = -1 }), "window: "},
		{viaSMPP(func(c *Config) { c.User = "" }), "user: is not a system id"},
		{viaSMPP(func(c *Config) { c.Password = secret.Value{} }), "password: is not set"},
		{viaSMPP(func(c *Config) { c.Password = secret.New(markPassword + "\n") }), "password: holds a character"},
		{viaSMPP(func(c *Config) { c.Sender = "Universitetet" }), "sender: has letters and more than 11"},
		{viaSMPP(func(c *Config) { c.Senders = []string{"+1=Universitetet"} }), "senders[0]: has letters and more than 11"},
		{viaModem(func(c *Config) { c.Senders = []string{"+1=2002"} }), `senders: is nothing that kind = "modem" has`},
		{viaSMPP(func(c *Config) { c.Coding = []string{"gsm", "ucs2"} }), "coding: is not two values of data_coding"},
		{viaSMPP(func(c *Config) { c.Coding = []string{"0", "256"} }), "coding: is not two values of data_coding"},
		{viaSMPP(func(c *Config) { c.URL = "https://x/" }), `url: is only for kind = "http"`},
		{viaSMPP(func(c *Config) { c.Token = secret.New(markToken) }), `token: is nothing that kind = "smpp" has`},
		{viaSMPP(func(c *Config) { c.Modem.Spool = "/x" }), `spool: is only for kind = "modem"`},
		{viaModem(func(c *Config) { c.Modem.Format = "sms3" }), `format: "sms3" is not a format`},
		{viaModem(func(c *Config) { c.Modem.Spool = "" }), "spool: is not set"},
		{viaModem(func(c *Config) { c.Modem.Checked = "" }), "checked: is not set"},
		{viaModem(func(c *Config) { c.Modem.Sent = "sent" }), `sent: "sent" is not an absolute path`},
		{viaModem(func(c *Config) { c.Modem.Failed = c.Modem.Sent + "/" }), "is another of the folders too"},
		{viaModem(func(c *Config) { c.Modem.Format = "gammu" }), "checked: gammu-smsd has no such folder"},
		{viaModem(func(c *Config) { c.Sender = "UiT" }), `sender: is nothing that kind = "modem" has`},
		{viaModem(func(c *Config) { c.SMPP.Bind = "pair" }), `bind: is only for kind = "smpp"`},
		{ok(func(c *Config) { c.SMPP.Address = "x:1" }), `address: is only for kind = "smpp"`},
	} {
		err := row.cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
			continue
		}
		AssertLeaksNothing(t, err.Error())
	}
}

func TestBrokenFilesStopTheStart(t *testing.T) {
	t.Parallel()
	_, err := New([]Config{
		ok(func(c *Config) { c.CA = "/nonexistent/ca.pem" }),
		ok(func(c *Config) { c.Name, c.CA = "empty", "/dev/null" }),
		ok(func(c *Config) { c.Name, c.URL = "bad", "" }),
	}, nil, new(logintest.Log).Logger())
	for _, want := range []string{"/nonexistent/ca.pem", `"empty": ca: no certificate`, `"bad": url: is not set`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, template := range []string{
		`{"to": "{to}", "text": "{text}"}`, `[["{text}{text}"]]`, `"{secret}"`, `{"a": 1e999}`, `{to`, `}`, `{"\u007bto}": "\u007btext}"}`,
	} {
		f.Add(template, `12"} &{to}\`)
	}
	f.Fuzz(func(t *testing.T, template, text string) {
		v := values{to: "+47", text: text, sender: "s", secret: "x", coding: "0"}
		if d, err := parseDocument(template, toPlace, textPlace); err == nil {
			b, err := d.fill(v)
			if err != nil || !json.Valid(b) {
				t.Errorf("%q with %q became %q: %v", template, text, b, err)
			}
			plain, err := d.fill(values{to: "+47"})
			if err != nil || shape(t, plain) != shape(t, b) {
				t.Errorf("the text changed the shape: %q, %q", plain, b)
			}
		}
		if p, err := parsePairs([]string{template}, "=", toPlace, textPlace); err == nil {
			form := url.Values{}
			form.Add(p[0].key, p[0].value.fill(v))
			back, err := url.ParseQuery(form.Encode())
			if err != nil || len(back) != 1 {
				t.Errorf("%q with %q became %q", template, text, form.Encode())
			}
			if utf8.ValidString(template) && p[0].value.only(textPlace) && back.Get(p[0].key) != text {
				t.Errorf("text %q became %q", text, back.Get(p[0].key))
			}
		}
	})
}

// shape is a JSON text with its strings emptied.
func shape(t *testing.T, text []byte) string {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	root, err := mapLeaves(root, func(leaf any) (any, error) {
		if _, ok := leaf.(string); ok {
			return "", nil
		}
		return leaf, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
