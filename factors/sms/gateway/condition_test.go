package gateway

import (
	"strings"
	"testing"
)

func TestConditions(t *testing.T) {
	t.Parallel()
	const body = `{"messages": [{"id": "x-1", "status": 0, "sent": true, "a/b": "slash", "m~n": "tilde", "": "empty", "none": null}]}`
	for _, row := range []struct {
		condition, body string
		want            string
		ok              bool
	}{
		{`/messages/0/id`, body, "x-1", true},
		{`/messages/0/status=^0$`, body, "0", true},
		{`/messages/0/status=^1$`, body, "", false},
		{`/messages/0/sent=true`, body, "true", true},
		{`/messages/0/id=x-(\d)`, body, "1", true},
		{`/messages/0/a~1b`, body, "slash", true},
		{`/messages/0/m~0n`, body, "tilde", true},
		{`/messages/0/`, body, "empty", true},
		{`/messages/0/none`, body, "", false},
		{`/messages/0`, body, "", false},
		{`/messages/1/id`, body, "", false},
		{`/messages/-1/id`, body, "", false},
		{`/messages/id`, body, "", false},
		{`/id`, `{"id": 12345678901234567890}`, "12345678901234567890", true},
		{`/id`, `{"id": "a"} {"id": "b"}`, "", false},
		{`/id`, `{"id": "a`, "", false},
		{`/id`, `not JSON`, "", false},
		{`"id": "([^"]+)"`, body, "x-1", true},
		{`^OK`, "OK 17", "OK", true},
		{`^OK (\d+)`, "OK 17", "17", true},
		{`^OK`, "not OK", "", false},
	} {
		c, err := parseCondition(row.condition)
		if err != nil {
			t.Fatalf("%s: %v", row.condition, err)
		}
		if got, ok := c.find([]byte(row.body)); got != row.want || ok != row.ok {
			t.Errorf("%s in %s: got %q, %v, want %q, %v", row.condition, row.body, got, ok, row.want, row.ok)
		}
		if got, want := c.names(), row.condition[0] == '/' || strings.Contains(row.condition, "("); got != want {
			t.Errorf("%s: gives a name: %v, want %v", row.condition, got, want)
		}
	}
	for _, text := range []string{"(", "/a~", "/a~2b", "/a=("} {
		if _, err := parseCondition(text); err == nil {
			t.Errorf("%q is taken for a condition", text)
		}
	}
	if c, err := parseCondition(""); c != nil || err != nil || c.fits([]byte("x")) {
		t.Errorf("nothing is a condition: %v, %v", c, err)
	}
}

func FuzzCondition(f *testing.F) {
	f.Add(`/messages/0/id`, `{"messages": [{"id": "x"}]}`)
	f.Add(`/a~1b/~0=^(.)$`, `{"a/b": {"~": 1}}`)
	f.Add(`^OK (\d+)`, "OK 17")
	f.Add(`/0/0`, `[[1e999]]`)
	f.Fuzz(func(t *testing.T, text, body string) {
		c, err := parseCondition(text)
		if err != nil || c == nil {
			return
		}
		value, ok := c.find([]byte(body))
		if !ok && value != "" {
			t.Errorf("%q in %q: %q, though it does not fit", text, body, value)
		}
		if ok != c.fits([]byte(body)) {
			t.Errorf("%q in %q: two answers", text, body)
		}
	})
}
