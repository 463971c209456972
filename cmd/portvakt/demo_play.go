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

// play signs two people in over real packets.
func (d *demo) play(ctx context.Context) error {
	people := demoPeople()
	d.say("\n1. Bjørn has no app. The directory knows his telephone and his language.\n")
	if err := d.signIn(ctx, people[1], func(ctx context.Context) (string, error) {
		text, err := d.sms.message(ctx)
		if err != nil {
			return "", err
		}
		return sixDigits.FindString(text), nil
	}); err != nil {
		return err
	}
	d.say("\n2. Alice has an authenticator app, and her telephone as another way.\n")
	return d.signIn(ctx, people[0], func(context.Context) (string, error) { return d.alice.At(time.Now()), nil })
}

func (d *demo) signIn(ctx context.Context, p demoPerson, code func(context.Context) (string, error)) error {
	c := client.Client{Server: d.addr, Secret: secret.New(d.secret), Timeout: 5 * time.Second, NASIdentifier: "demo", RequireMessageAuthenticator: true}
	d.say("   VPN  ──►  Access-Request     User-Name = %s, User-Password = (hidden by the shared secret)\n", p.uid)
	result, err := c.Walk(ctx, p.uid, p.password, func(ctx context.Context, prompt string, _ bool) (string, error) {
		d.say("   VPN  ◄──  Access-Challenge   %q\n", prompt)
		answer, err := code(ctx)
		d.say("   VPN  ──►  Access-Request     State = (sealed), User-Password = %s\n", answer)
		return answer, err
	})
	if err != nil {
		return err
	}
	lines := attributeLines(result.Reply, d.dictionary)
	if !result.Accepted {
		return fmt.Errorf("the sign-in of %s was refused: %v", p.uid, lines)
	}
	d.say("   VPN  ◄──  Access-Accept\n")
	for _, line := range lines {
		d.say("               %s\n", line)
	}
	return nil
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

Press Ctrl-C to end.
`, d.secret, d.addr, host, port)
	return nil
}
