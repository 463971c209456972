package cloudtest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// A Call is a call that FakeTwilio was asked for; its methods are what happens
// to the telephone. They are called from one goroutine.
type Call struct {
	fake    *FakeTwilio
	SID     string
	Request url.Values
	Heard   []string // what was said, each with its voice in front
	Posted  []Post   // what was posted, for sending it again

	answered  bool
	verbs     []verb
	gathering *verb

	once sync.Once
	over chan struct{}
}

// A Post is one request of the service to us.
type Post struct {
	URL, Signature string
	Form           url.Values
	Status         int // of the reply
}

// A verb is one of TwiML.
type verb struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Verbs   []verb     `xml:",any"`
}

func (v *verb) attr(name string) string {
	for _, a := range v.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// The documented verbs and attributes that this program may use.
var verbs = map[string]map[string]func(string) bool{
	"Say":    {"language": oneOf("nb-NO", "en-GB", "de-DE", "sv-SE", "da-DK", "fi-FI", "fr-FR")},
	"Pause":  {"length": between(1, 60)},
	"Hangup": {},
	"Redirect": {
		"method": oneOf("GET", "POST"),
	},
	"Gather": {
		"input": oneOf("dtmf"), "method": oneOf("GET", "POST"), "action": address,
		"numDigits": between(1, 100), "finishOnKey": oneOf("", "#", "*"), "timeout": between(1, 600),
	},
}

// Fake is the service of the call.
func (c *Call) Fake() *FakeTwilio { return c.fake }

// Ring rings the telephone.
func (c *Call) Ring() { c.status("ringing", "ringing") }

// Busy ends a call to a line that is busy.
func (c *Call) Busy() { c.end("busy") }

// NoAnswer ends a call that rang too long.
func (c *Call) NoAnswer() { c.end("no-answer") }

// Fail ends a call that could not be placed.
func (c *Call) Fail() { c.end("failed") }

// Answer picks up and hears the first document.
func (c *Call) Answer() {
	c.answered = true
	c.status("in-progress", "answered")
	if twiml := c.Request.Get("Twiml"); twiml != "" {
		c.run(twiml)
		return
	}
	c.fetch(c.Request.Get("Url"), nil)
}

// Press presses keys, one after the other.
func (c *Call) Press(keys string) {
	for _, key := range keys {
		if c.gathering == nil {
			c.fake.t.Errorf("fake Twilio: the key %c is pressed while nothing is gathered", key)
			return
		}
		g := c.gathering
		c.gathering = nil
		if end := g.attr("finishOnKey"); strings.ContainsRune(end, key) {
			c.next() // an empty input is not posted
			continue
		}
		c.fetch(g.attr("action"), url.Values{"Digits": {string(key)}})
	}
}

// Silence lets the pause after a prompt pass without a key.
func (c *Call) Silence() {
	if c.gathering == nil {
		c.fake.t.Error("fake Twilio: silence while nothing is gathered")
		return
	}
	c.gathering = nil
	c.next()
}

// HangUp ends the call from the telephone.
func (c *Call) HangUp() { c.end("completed") }

// Gathering is whether the call waits for a key.
func (c *Call) Gathering() bool { return c.gathering != nil }

// Over is closed when the call has ended.
func (c *Call) Over() <-chan struct{} { return c.over }

// stop is the end by a request of ours.
func (c *Call) stop() {
	c.once.Do(func() { close(c.over) })
}

func (c *Call) end(state string) {
	c.gathering = nil
	c.once.Do(func() { close(c.over) })
	c.status(state, "completed")
}

// run reads a document and does what it says.
func (c *Call) run(document string) {
	var root verb
	if err := xml.Unmarshal([]byte(document), &root); err != nil || root.XMLName.Local != "Response" {
		c.fake.t.Errorf("fake Twilio: a document that is none: %v", err)
		return
	}
	c.check(root.Verbs)
	c.verbs = root.Verbs
	c.next()
}

func (c *Call) check(all []verb) {
	for i := range all {
		v := &all[i]
		known, ok := verbs[v.XMLName.Local]
		if !ok {
			c.fake.t.Errorf("fake Twilio: a verb %q", v.XMLName.Local)
		}
		for _, a := range v.Attrs {
			if may := known[a.Name.Local]; may == nil || !may(a.Value) {
				c.fake.t.Errorf("fake Twilio: %s %s=%q", v.XMLName.Local, a.Name.Local, a.Value)
			}
		}
		if v.XMLName.Local != "Gather" && len(v.Verbs) > 0 {
			c.fake.t.Errorf("fake Twilio: %s holds %q", v.XMLName.Local, v.Verbs[0].XMLName.Local)
		}
		c.check(v.Verbs)
	}
}

// next does the verbs that are left, up to one that waits.
func (c *Call) next() {
	for len(c.verbs) > 0 {
		v := c.verbs[0]
		c.verbs = c.verbs[1:]
		switch v.XMLName.Local {
		case "Say":
			c.say(v)
		case "Gather":
			for _, inner := range v.Verbs {
				c.say(inner)
			}
			c.gathering = &v
			return
		case "Redirect":
			c.fetch(strings.TrimSpace(v.Text), nil)
			return
		case "Hangup":
			c.end("completed")
			return
		}
	}
	c.end("completed")
}

func (c *Call) say(v verb) {
	if v.XMLName.Local == "Say" {
		c.Heard = append(c.Heard, v.attr("language")+": "+v.Text)
	}
}

// fetch posts and does what the reply says.
func (c *Call) fetch(to string, more url.Values) {
	p := c.post(to, c.form("in-progress", more))
	if p.Status != http.StatusOK {
		c.Heard = append(c.Heard, "an application error has occurred")
		c.end("completed")
		return
	}
	c.run(p.body)
}

func (c *Call) status(state, event string) {
	if slices.Contains(c.Request["StatusCallbackEvent"], event) {
		c.post(c.Request.Get("StatusCallback"), c.form(state, url.Values{"CallbackSource": {"call-progress-events"}}))
	}
}

func (c *Call) form(state string, more url.Values) url.Values {
	form := url.Values{
		"CallSid": {c.SID}, "AccountSid": {c.fake.Account}, "From": {c.Request.Get("From")}, "To": {c.Request.Get("To")},
		"CallStatus": {state}, "ApiVersion": {"2010-04-01"}, "Direction": {"outbound-api"},
		"CalledCity": {""}, "CallerCity": {"Tromsø & omegn"},
	}
	maps.Copy(form, more)
	return form
}

type posted struct {
	Post
	body string
}

func (c *Call) post(to string, form url.Values) posted {
	p := posted{Post: Post{URL: to + c.fake.Query, Form: form}}
	p.Signature = Sign(c.fake.Token, p.URL, form)
	p.Status, p.body = c.fake.Send(p.Post)
	c.Posted = append(c.Posted, p.Post)
	return p
}

// Send posts a request, perhaps once more; the reply's status and body.
func (f *FakeTwilio) Send(p Post) (status int, body string) {
	r, err := http.NewRequest(http.MethodPost, p.URL, strings.NewReader(p.Form.Encode()))
	if err != nil {
		f.t.Error(err)
		return 0, ""
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Twilio-Signature", p.Signature)
	answer, err := f.client.Do(r)
	if err != nil {
		return 0, ""
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode == http.StatusOK && !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/xml") {
		f.t.Errorf("fake Twilio: a document of type %q", answer.Header.Get("Content-Type"))
	}
	if answer.StatusCode == http.StatusNoContent {
		return http.StatusOK, ""
	}
	return answer.StatusCode, string(text)
}

// Sign is the service's signature, as its documentation describes it: the
// whole address, then each parameter of the form in the order of its name,
// name and value without anything between, by HMAC-SHA1 under the auth token.
func Sign(token, address string, form url.Values) string {
	lines := make([]string, 0, len(form))
	for name, values := range form {
		lines = append(lines, name+"\x00"+strings.Join(values, ""))
	}
	slices.Sort(lines)
	text := address + strings.ReplaceAll(strings.Join(lines, ""), "\x00", "")
	h := hmac.New(sha1.New, []byte(token))
	_, _ = io.WriteString(h, text)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// resource is a call as the service's replies have it.
func (c *Call) resource(state string) map[string]any {
	return map[string]any{
		"sid": c.SID, "account_sid": c.fake.Account, "to": c.Request.Get("To"), "from": c.Request.Get("From"),
		"status": state, "api_version": "2010-04-01", "direction": "outbound-api",
		"uri": "/2010-04-01/Accounts/" + c.fake.Account + "/Calls/" + c.SID + ".json",
	}
}
