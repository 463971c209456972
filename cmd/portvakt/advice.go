package main

import "fmt"

// Times of an approval by telephone.
const (
	callNeeds   seconds = 40 // to ring, be heard and be answered
	callTimeout seconds = 60 // what a client should wait
)

// advice says in plain words what should be changed about a client.
func advice(c clientStatus) []string {
	all := []string{}
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	k := c.Clock
	var sent uint64
	for _, n := range c.Sent {
		sent += n
	}
	if n := c.Dropped["bad_message_authenticator"]; n > 0 && sent == 0 {
		add("nothing from %s has a good signature: its shared secret is probably another one", c.Name)
	}
	if c.RequireMessageAuthenticator == "no" && !c.OnlyTLS {
		add(`%s does not sign its requests, so that replies to it can be forged (CVE-2024-3596): make it send Message-Authenticator, then write require_message_authenticator = "yes"`, c.Name)
	}
	if k.GivesUp > 0 && k.GivesUp < callNeeds {
		add("%s gives up after %s: a call needs %s; raise its timeout to %s (see docs/nas), or allow codes", c.Name, k.GivesUp, callNeeds, callTimeout)
	}
	if k.GivesUp > 0 && k.Patience > k.GivesUp {
		add("patience of %s is %s but it gives up after %s: approvals come too late", c.Name, k.Patience, k.GivesUp)
	}
	if k.GivesUp == 0 && k.Waits >= k.Patience && k.Patience < callNeeds {
		add("%s still waits after %s, when it is answered: write its timeout less a tenth as its patience, so that calls have time", c.Name, k.Patience)
	}
	if k.Identifier != "" && k.Identifier != "same" && c.Notes["held_without_station"] > 0 {
		add("%s sends again with a new identifier: its sign-ins are joined by where the person is, which it does not tell: portvakt doctor %s says how", c.Name, c.Name)
	}
	if n := c.Dropped["held_full"] + c.Dropped["client_held_full"]; n > 0 {
		add("%d requests of %s found no room while others were being approved: raise max_held", n, c.Name)
	}
	return all
}
