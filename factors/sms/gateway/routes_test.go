package gateway

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/factors/phone"
)

func parse(t testing.TB, text string) phone.Number {
	t.Helper()
	n, err := phone.Parse(text, "")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestProvidersAreForTheirPrefixes(t *testing.T) {
	t.Parallel()
	norway, nordic, world := newSink(t, status(200, "")), newSink(t, status(200, "")), newSink(t, status(200, ""))
	prefixes := func(p ...string) func(*Config) { return func(c *Config) { c.Prefixes = p } }
	c, _ := chain(t,
		toSink("norway", norway.URL, prefixes("+4741")), toSink("nordic", nordic.URL, prefixes("+46", "+47")), toSink("world", world.URL))
	for _, row := range []struct {
		number string
		want   *sink
	}{
		{"+4741234567", norway}, {"+4791234567", nordic}, {"+46701234567", nordic}, {"+12125550123", world},
	} {
		before := len(row.want.got())
		if err := c.Send(t.Context(), parse(t, row.number), markText); err != nil {
			t.Fatal(err)
		}
		if got := len(row.want.got()) - before; got != 1 {
			t.Errorf("%s: its provider got %d messages", row.number, got)
		}
	}
	c, _ = chain(t, toSink("norway", norway.URL, prefixes("+47")))
	sweden := parse(t, "+46701234567")
	if got := outcome(c.Send(t.Context(), sweden, markText)); got != "not sent" || !Unsent(c.Ready(sweden)) {
		t.Errorf("a number that no provider is for: %s, ready %v", got, c.Ready(sweden))
	}
	if err := c.Ready(number(t)); err != nil {
		t.Errorf("a number that one is for: %v", err)
	}
}

func TestSendersAreForTheirPrefixes(t *testing.T) {
	t.Parallel()
	s := newSink(t, status(200, ""))
	c, _ := chain(t, toSink("gw", s.URL, func(c *Config) {
		c.JSON = `{"to": "{to}", "text": "{text}", "from": "{sender}"}`
		c.Sender, c.Senders = "DEFAULT", []string{"+1=+15005550006", "+47 = NORWAY", "+4741=MOBILE"}
	}))
	for _, row := range []struct{ number, want string }{
		{"+12125550123", "+15005550006"}, {"+4791234567", "NORWAY"}, {"+4741234567", "MOBILE"}, {"+46701234567", "DEFAULT"},
	} {
		if err := c.Send(t.Context(), parse(t, row.number), markText); err != nil {
			t.Fatal(err)
		}
		got := s.got()
		if body := got[len(got)-1].body; !strings.Contains(body, `"from":"`+row.want+`"`) {
			t.Errorf("%s: %s, want from %s", row.number, body, row.want)
		}
	}
}

func TestRoutesThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		want   string
		change func(*Config)
	}{
		{`prefixes[1]: "47" is not`, func(c *Config) { c.Prefixes = []string{"+47", "47"} }},
		{`senders[0]: is not "+prefix=sender"`, func(c *Config) { c.Sender, c.Senders = "x", []string{"+47"} }},
		{`senders[0]: "47" is not`, func(c *Config) { c.Sender, c.Senders = "x", []string{"47=y"} }},
		{"senders[0]: holds a character", func(c *Config) { c.Sender, c.Senders = "x", []string{"+47=a\nb"} }},
		{"senders: has senders for some numbers only", func(c *Config) { c.Senders = []string{"+47=y"} }},
	} {
		if err := toSink("gw", "https://sms.example.org", row.change).Validate(); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("got %v, want %q", err, row.want)
		}
	}
}
