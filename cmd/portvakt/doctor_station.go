package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/conf"
	"github.com/portvakt/portvakt/login"
)

// station looks for sign-ins that cannot be joined.
func (e *examination) station() {
	n := e.c.Notes["held_without_station"]
	if n == 0 {
		return
	}
	if k := e.c.Clock.Identifier; k == "" || k == "same" {
		e.note("%d requests told no %s: all its people are at one place, for counting tries and for rules with networks", n, e.stationName())
		return
	}
	e.find("station", fmt.Sprintf("it sends again with a %s, and %d requests told no %s", e.newness(), n, e.stationName()),
		"what is sent again cannot be told from a second sign-in: the telephone may ring twice", e.sendStation())
}

func (e *examination) newness() string {
	if e.c.Clock.Identifier == "new port" {
		return "new identifier from a new port"
	}
	return "new identifier"
}

// stationName is the attribute that the client is to tell the place in.
func (e *examination) stationName() string { return cmp.Or(e.cc.Station, "Calling-Station-Id") }

func (e *examination) sendStation() string {
	return onProduct(e.p.Fixes.Station, fmt.Sprintf("make it send %s (often: an option \"send client IP\")", e.stationName()))
}

// places looks for what rules promise and cannot keep where nobody tells from
// which place a sign-in comes.
func (e *examination) places() {
	n := e.c.Notes["began_without_station"]
	if n == 0 {
		return
	}
	elsewhere := "when it tells the address of the person's device in another attribute: station = \"ATTRIBUTE\" in its [[client]] block"
	seen := fmt.Sprintf("%d sign-ins told no %s", n, e.stationName())
	if rules := e.rules(func(r login.RuleConfig) bool { return r.Remember > 0 }); rules != "" {
		e.find("remember", seen+", and "+rules+" says remember", "a device is remembered by it: these people are asked at each sign-in",
			e.sendStation(), elsewhere)
	}
	if rules := e.rules(func(r login.RuleConfig) bool { return len(r.Stations) > 0 }); rules != "" {
		e.find("rule_stations", seen+", and "+rules+" says stations", "the rule never matches them: the next one decides", e.sendStation(), elsewhere)
	}
	changes := e.rules(func(r login.RuleConfig) bool { return r.ExpiredPassword == login.ExpiredChange })
	if changes != "" && slices.Contains(e.cc.Methods, "mschapv2") && e.f.LDAP.NTLMDomain != "" {
		e.find("change", seen+", and "+changes+" says expired_password = \"change\"", "Windows' own dialogue for it is refused: two requests make one change, and nothing joins them", e.sendStation(), elsewhere)
	}
}

// rules names those of a kind that may decide at the client; "" for none.
func (e *examination) rules(of func(login.RuleConfig) bool) string {
	var names []string
	for i, r := range e.f.Rules {
		if of(r) && conf.Applies(r, e.cc) {
			name := fmt.Sprintf("%q", r.Name)
			if r.Name == "" {
				name = fmt.Sprintf("number %d", i+1)
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "rule " + strings.Join(names, ", ")
}
