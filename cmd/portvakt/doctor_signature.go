package main

import (
	"fmt"
	"time"

	"github.com/portvakt/portvakt/radiusd"
)

// signature looks at Message-Authenticator.
func (e *examination) signature() {
	const unsigned, proxied = "no_message_authenticator", "proxy_state_without_message_authenticator"
	sign := onProduct(e.p.Fixes.Sign, "make it send Message-Authenticator; an update may be needed")
	good := later(e.c.Latest["accept"], e.c.Latest["challenge"])
	if n := e.c.Dropped[unsigned]; n > 0 && !e.over(e.c.Latest[unsigned].At, good.At) {
		why := `require_message_authenticator = "yes" is in its block`
		if e.cc.RequireMessageAuthenticator == "auto" {
			why = "it was learned from this client that it signs"
		}
		e.find("unsigned", fmt.Sprintf("%d requests had no Message-Authenticator and were dropped%s", n, last(e.c.Latest[unsigned])),
			"the device does not sign its requests, and "+why, sign,
			`when it cannot: require_message_authenticator = "no" here; replies to it can be forged then (CVE-2024-3596)`)
	}
	if n := e.c.Dropped[proxied]; n > 0 && !e.over(e.c.Latest[proxied].At, good.At) {
		e.find("unsigned_proxy", fmt.Sprintf("%d requests had a Proxy-State, no Message-Authenticator, and were dropped%s", n, last(e.c.Latest[proxied])),
			"a proxy that does not sign is what forged replies need (CVE-2024-3596)", sign,
			`when it cannot: limit_proxy_state = "no" here`)
	}
	switch known := e.byPreset("require_message_authenticator", `"no"`); {
	case e.c.RequireMessageAuthenticator != "no":
	case e.c.Notes["signs_after_all"] > 0 && e.cc.RequireMessageAuthenticator == "auto":
		e.find("signs", fmt.Sprintf("%d of its requests had a good Message-Authenticator%s", e.c.Notes["signs_after_all"], last(e.c.Latest["signs_after_all"])),
			"it signs by now, and unsigned requests in its name are still taken", `here, when all of its devices sign: require_message_authenticator = "yes"`)
	case known:
		e.note("it does not sign its requests, which is known of the product: replies to it can be forged (CVE-2024-3596): keep it on a network you trust")
	default:
		e.find("forgeable", "unsigned requests of this client are taken", "somebody on the network between can forge a yes (CVE-2024-3596)",
			sign, `then here: require_message_authenticator = "yes"`)
	}
	if !e.cc.SendMessageAuthenticator {
		e.find("replies_unsigned", "send_message_authenticator is false", "replies to it can be forged (CVE-2024-3596), and products that want them signed drop them",
			"here: leave the key out, unless the product refuses signed replies")
	}
}

// byPreset reports whether the preset of the client asks for this value.
func (e *examination) byPreset(key, value string) bool {
	for _, v := range e.cc.PresetValues() {
		if v.Key == key {
			return !v.Overruled && v.Value == value
		}
	}
	return false
}

// over reports whether trouble that was last seen at a time has ended: what went
// well afterwards proves it for a client that is one device.
func (e *examination) over(trouble, good time.Time) bool {
	if good.After(trouble) && e.single() {
		return true
	}
	return e.asked.Sub(trouble) > stale && (good.After(trouble) || good.IsZero() && e.asked.Sub(trouble) > time.Hour)
}

// single reports whether the client is one address.
func (e *examination) single() bool {
	if len(e.cc.Networks) != 1 {
		return false
	}
	p, err := radiusd.ParseNetwork(e.cc.Networks[0])
	return err == nil && p.IsSingleIP()
}

func later(a, b latestStatus) latestStatus {
	if b.At.After(a.At) {
		return b
	}
	return a
}

// last says when and from where something came last.
func last(l latestStatus) string {
	if l.At.IsZero() {
		return ""
	}
	text := ", last at " + l.At.Local().Format(time.TimeOnly)
	if l.From.IsValid() {
		text += ", from " + l.From.String()
	}
	return text
}

// onProduct is a change on the product, or what can be said without knowing
// it.
func onProduct(line, generally string) string {
	if line == "" {
		return "on the device: " + generally
	}
	return "on the device: " + line
}

func sum(c counts) (n uint64) {
	for _, v := range c {
		n += v
	}
	return n
}

func (s seconds) duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// lessATenth is the patience for a client that gives up at this time, as it is
// written in the file.
func lessATenth(s seconds) string {
	d := s.duration().Round(time.Second) // what was learned is not more exact
	return max(time.Second, (d - max(time.Second, d/10)).Truncate(time.Second)).String()
}
