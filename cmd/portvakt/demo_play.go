package main

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/radiusd/client"
)

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// demoHeld is how long the demonstration's client waits for an answer: as
// devices that are used with calls are set to.
const demoHeld = 60 * time.Second

// play signs three people in over real packets.
func (d *demo) play(ctx context.Context) error {
	people := demoPeople()
	d.say("\n1. Bjørn has no app. The directory knows his telephone and his language.\n")
	if err := d.signIn(ctx, people[1], d.message); err != nil {
		return err
	}
	d.say("\n2. Alice has an authenticator app, and her telephone as another way.\n")
	if err := d.signIn(ctx, people[0], func(context.Context) (string, error) { return d.alice.At(time.Now()), nil }); err != nil {
		return err
	}
	d.say("\n3. Dagny is on call, and approves by telephone. Nothing has to be typed, so any VPN client will do.\n")
	return d.playCall(ctx, people[3])
}

// message is the code of the next text message.
func (d *demo) message(ctx context.Context) (string, error) {
	text, err := d.sms.message(ctx)
	return sixDigits.FindString(text), err
}

func (d *demo) signIn(ctx context.Context, p demoPerson, code func(context.Context) (string, error)) error {
	result, err := d.walk(ctx, p, code)
	if err == nil && !result.Accepted {
		err = fmt.Errorf("the sign-in of %s was refused: %v", p.uid, attributeLines(result.Reply, d.dictionary))
	}
	if err == nil {
		d.verdict(result)
	}
	return err
}

// playCall signs somebody in who is called. What she presses decides.
func (d *demo) playCall(ctx context.Context, p demoPerson) error {
	d.phone.pressAfter(d.phone.patience())
	defer d.phone.pressAfter(d.phone.later())
	result, err := d.walk(ctx, p, d.message)
	if err != nil {
		return err
	}
	d.phone.hungUp(ctx)
	d.verdict(result)
	d.say("               after it was held for %.1f s\n", result.Reply.Took.Seconds())
	return nil
}

func (d *demo) walk(ctx context.Context, p demoPerson, code func(context.Context) (string, error)) (client.Result, error) {
	c := client.Client{Server: d.addr, Secret: secret.New(d.secret), Timeout: demoHeld, Tries: 1, NASIdentifier: "demo", RequireMessageAuthenticator: true}
	d.say("   VPN  ──►  Access-Request     User-Name = %s, User-Password = (hidden by the shared secret)\n", p.uid)
	return c.Walk(ctx, p.uid, p.password, func(ctx context.Context, prompt string, _ bool) (string, error) {
		d.say("   VPN  ◄──  Access-Challenge   %q\n", prompt)
		answer, err := code(ctx)
		d.say("   VPN  ──►  Access-Request     State = (sealed), User-Password = %s\n", answer)
		return answer, err
	})
}

func (d *demo) verdict(r client.Result) {
	d.say("   VPN  ◄──  %s\n", map[bool]string{true: "Access-Accept", false: "Access-Reject"}[r.Accepted])
	for _, line := range attributeLines(r.Reply, d.dictionary) {
		d.say("               %s\n", line)
	}
}

// invite prints what to try by hand.
func (d *demo) invite() error {
	host, port, err := net.SplitHostPort(d.addr)
	if err != nil {
		return err
	}
	people := demoPeople()
	d.say("\nNow you. Scan Alice's app, or add the secret by hand:\n\n")
	uri := d.system.totp.URI(people[0].uid, d.alice)
	if err := totp.QRTerminal(d.out, uri); err != nil {
		return err
	}
	d.say("%s\n\nPeople:  ", uri)
	for _, p := range people {
		d.say("%s / %s   ", p.uid, p.password)
	}
	d.say(`
Carol has enrolled nothing: she is refused.

With a client that walks the whole dialogue, in another terminal:

  RADIUS_SECRET=%[1]s bin/portvakt ask --server %[2]s --secret-env RADIUS_SECRET alice

With radclient (Debian: freeradius-utils), a round at a time:

  echo 'User-Name=bjorn,User-Password="blåbær",NAS-Identifier=me,Message-Authenticator=0x00' |
    radclient -x %[3]s:%[4]s auth %[1]s

  # then with the State it printed and the code of the message above
  echo 'User-Name=bjorn,User-Password=CODE,State=0x…,NAS-Identifier=me,Message-Authenticator=0x00' |
    radclient -x %[3]s:%[4]s auth %[1]s

  # Dagny's telephone rings here; %[5]s
  echo 'User-Name=dagny,User-Password=fjelltur,NAS-Identifier=me,Message-Authenticator=0x00' |
    radclient -t 60 -r 1 -x %[3]s:%[4]s auth %[1]s

Press Ctrl-C to end.
`, d.secret, d.addr, host, port, d.phone.explain())
	return nil
}
