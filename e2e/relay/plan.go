package relay

import (
	"math/rand/v2"
	"time"
)

// A Plan says what goes wrong. The zero Plan passes everything on. The shares
// are of datagrams and between 0 and 1; they hold for both directions.
type Plan struct {
	// Seed chooses the run; the same seed does the same to the nth datagram.
	Seed uint64
	// Drop is the share that is lost.
	Drop float64
	// Duplicate is the share that arrives twice.
	Duplicate float64
	// Reorder is the share that is overtaken by the next one of the same
	// direction, or is late by HoldBack when none comes.
	Reorder float64
	// Delay is how late a datagram can be: each is late by a random part of
	// it, which reorders as well.
	Delay time.Duration
	// DropFirstRequest loses the first copy of each request.
	DropFirstRequest bool
	// DropFirstReply loses the first reply to each request: its client has to
	// send it again, and must get the same reply without a second login.
	DropFirstReply bool
}

// HoldBack is how long a datagram waits for another one to overtake it.
const HoldBack = 50 * time.Millisecond

// A fate is what happens to one datagram.
type fate struct {
	drop, duplicate, reorder bool
	delay                    time.Duration
}

// A script decides the fates of one direction of one client.
type script struct {
	plan Plan
	rng  *rand.Rand
}

func newScript(p Plan, flow, direction uint64) *script {
	return &script{plan: p, rng: rand.New(rand.NewPCG(p.Seed, flow<<1|direction))}
}

// next draws the same number of times whatever the plan is, so that a plan with
// one more fault does the rest as before.
func (s *script) next() fate {
	drop, duplicate, reorder, delay := s.rng.Float64(), s.rng.Float64(), s.rng.Float64(), s.rng.Float64()
	return fate{
		drop:      drop < s.plan.Drop,
		duplicate: duplicate < s.plan.Duplicate,
		reorder:   reorder < s.plan.Reorder,
		delay:     time.Duration(delay * float64(s.plan.Delay)),
	}
}
