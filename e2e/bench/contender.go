package main

import (
	"context"
	"fmt"
	"time"
)

// A contender is a server with its load, and what was found in its turns.
type contender struct {
	name  string
	order order
	turns []result
	// acquaint is whether everybody logs in once before the first turn.
	acquaint bool
	need     int // people with an unused code before a turn may begin
}

// contend makes a contender of a process once that answers.
func (c *comparison) contend(ctx context.Context, name string, p *process, address string, m mode, signed bool) (*contender, error) {
	k := &contender{name: name, order: order{
		server: address, secret: benchSecret, mode: m, under: c.under, warm: c.warm, window: c.window, flood: c.flood,
		signed: signed, copies: stormCopies, people: newPopulation(c.users), watched: []watched{{serverName, p.pid()}},
	}}
	probe := k.order
	// Nobody is asked for a code: what is looked for is any good reply.
	probe.under, probe.warm, probe.window, probe.watched = 1, 0, probeFor, nil
	probe.retry, probe.tries = probeFor, 1
	if m != modeEcho {
		probe.mode = modeReject
	}
	probe.signed, probe.people = false, nobody()
	err := p.ready(ctx, func() error {
		r, err := run(ctx, probe)
		if err == nil && r.ended == 0 {
			err = fmt.Errorf("it does not answer %v", r.why)
		}
		return err
	})
	return k, err
}

const (
	stormCopies   = 5
	probeFor      = 100 * time.Millisecond
	serverName    = "server"
	directoryName = "slapd"
)

// everybody lets everybody log in once, unmeasured: a server that keeps what it
// knows of people is measured in the state it is in at work.
func (k *contender) everybody(ctx context.Context) error {
	o := k.order
	o.warm, o.window, o.watched = 0, maxWindow, nil
	if o.mode == modeReject {
		o.mode = modeAccept
	}
	o.people.ration = len(o.people.used)
	r, err := run(ctx, o)
	o.people.ration, k.need = 0, len(o.people.used)
	if err == nil && r.wrong > 0 {
		err = fmt.Errorf("%d wrong replies: %v", r.wrong, r.why)
	}
	return err
}

// turns lets the contenders take turns, so that what else the machine does
// meets all of them alike.
func (c *comparison) turns(ctx context.Context, all []*contender) error {
	for _, k := range all {
		if k.acquaint {
			c.say("%s: everybody logs in once", k.name)
			if err := k.everybody(ctx); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
		}
	}
	most := make(map[*contender]int) // people that a turn took
	for round := range c.rounds {
		for _, k := range all {
			if err := k.rest(ctx); err != nil {
				return err
			}
			before := k.order.people.sum
			r, err := run(ctx, k.order)
			if err == nil {
				err = r.usable()
			}
			if err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			most[k] = max(most[k], k.order.people.sum-before)
			k.need = min(most[k]+most[k]/4, c.users)
			k.turns = append(k.turns, r)
			c.say("round %d of %d: %s: %.0f/s, %.1f us, lost %d, wrong %d %v", round+1, c.rounds, k.name,
				r.perSecond(), micro(r.each(serverName)), r.lost, r.wrong, r.why)
		}
	}
	return nil
}

// rest waits for the next step when too few people have an unused code for a
// turn like the ones before.
func (k *contender) rest(ctx context.Context) error {
	now := time.Now()
	if k.order.people.fresh(stepAt(now)) >= k.need {
		return nil
	}
	next := time.Unix((stepAt(now)+1)*int64(codeStep/time.Second), 0)
	select {
	case <-time.After(time.Until(next)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
