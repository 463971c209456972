package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/factors/totp"
	"github.com/portvakt/portvakt/internal/pace"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/text"
	"github.com/portvakt/portvakt/radiusd"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/bolt"
)

const (
	// provisioners share the store's commits.
	provisioners = 256
	// accountAge is long: the directory is as fast as a cache.
	accountAge = time.Hour
)

// serveFlow serves with Portvakt's packages as "portvakt serve" puts them
// together, but with computed people instead of a directory, and without a
// log. What it writes is durable.
func serveFlow(ctx context.Context, s service) (err error) {
	flow, kv, done, err := newFlow(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return errors.Join(serveRadius(ctx, s, flow, radiusd.Options{Records: kv}), flow.Close())
}

// A patient approver asks nobody and approves after a while: what it costs to
// hold a request, without what it costs to call. All wait equally long, so they
// stand in one queue.
type patient struct {
	hold    time.Duration
	begin   time.Time
	waiting chan callee
}

type callee struct {
	until time.Duration // since the beginning
	done  func(error)
}

func newPatient(s service) *patient {
	return &patient{hold: s.hold, begin: time.Now(), waiting: make(chan callee, s.held)}
}

// run approves until the context ends.
func (p *patient) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case c := <-p.waiting:
			timer.Reset(c.until - time.Since(p.begin))
			select {
			case <-timer.C:
				c.done(nil)
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (*patient) Name() string { return "call" }

func (*patient) Methods(u login.User) []login.Method {
	if len(u.Account.Phones) == 0 {
		return nil
	}
	return []login.Method{{ID: "call/1", Factor: "call"}}
}

func (p *patient) Approve(_ login.Approval, done func(error)) (stop func()) {
	p.waiting <- callee{time.Since(p.begin) + p.hold, done}
	return func() {} // it ends all the same
}

// newFlow makes a Flow whose people are computed and whose store is a new one,
// which done removes.
func newFlow(ctx context.Context, o service) (flow *login.Flow, kv store.KV, done func() error, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, nil, nil, err
	}
	done = func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			err = errors.Join(err, done())
		}
	}()
	key := filepath.Join(dir, "store.key")
	if err := store.NewRingFile(key); err != nil {
		return nil, nil, nil, err
	}
	ring, err := store.LoadRing(key)
	if err != nil {
		return nil, nil, nil, err
	}
	raw, err := bolt.Open(filepath.Join(dir, "portvakt.db"), bolt.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	calls := newPatient(o)
	calling, hangUp := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() { calls.run(calling) })
	done = func() error {
		hangUp()
		ended.Wait()
		return errors.Join(raw.Close(), os.RemoveAll(dir))
	}
	kv = store.Sealed(raw, ring.Sealer("store"))
	enrollments, people := store.NewEnrollments(kv), directory{users: o.users, held: o.held}
	if err := enroll(ctx, enrollments, o.users); err != nil {
		return nil, nil, nil, err
	}
	policy, err := login.NewPolicy([]login.RuleConfig{{Name: "bench", SecondFactor: login.SecondRequired, Factors: []string{"call", "totp"}}})
	if err != nil {
		return nil, nil, nil, err
	}
	texts, err := text.New(text.DefaultConfig())
	if err != nil {
		return nil, nil, nil, err
	}
	return login.NewFlow(login.Config{
		Directory: people, Policy: policy, Factors: []login.Factor{totp.New(totp.DefaultConfig(), kv), calls},
		Enrollments: enrollments, Records: kv, Tickets: ring.Sealer("ticket"), Texts: texts, AccountAge: accountAge,
	}), kv, done, nil
}

// enroll makes the population known, each person with a token.
func enroll(ctx context.Context, enrollments *store.Enrollments, users int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var wg sync.WaitGroup
	for range provisioners {
		wg.Go(func() {
			for n := range numbers {
				if err := enrollOne(ctx, enrollments, n); err != nil {
					cancel(err)
				}
			}
		})
	}
	for n := range users {
		numbers <- n
	}
	close(numbers)
	wg.Wait()
	return context.Cause(ctx)
}

func enrollOne(ctx context.Context, enrollments *store.Enrollments, n int) error {
	name := nameOf(n)
	token := totp.Token{Kind: totp.KindTime, Seed: secretOf(name), Algorithm: totp.SHA1, Digits: 6, Period: codeStep}
	cred, err := totp.NewCredential("", token)
	if err != nil {
		return err
	}
	return enrollments.Update(ctx, "id-"+name, name, func(e *login.Enrollment) error {
		e.Credentials = []login.Credential{cred}
		return nil
	})
}

// A refuser refuses everybody at once: what is left is the transport.
type refuser struct{}

func (refuser) Begin(context.Context, login.Attempt) (login.Step, error) {
	return login.Reject{Reason: login.ReasonBadPassword, Text: "no"}, nil
}

func (refuser) Resume(context.Context, login.Attempt, login.Ticket) (login.Step, error) {
	return login.Reject{Reason: login.ReasonBadTicket, Text: "no"}, nil
}

func (refuser) Rehearse(context.Context, login.Attempt) error { return nil }

func serveRefusals(ctx context.Context, s service) error {
	return serveRadius(ctx, s, refuser{}, radiusd.Options{})
}

// serveRadius serves a conversation over RADIUS until the context ends.
func serveRadius(ctx context.Context, s service, c radiusd.Conversation, o radiusd.Options) error {
	pacing, stop := context.WithCancel(ctx)
	var paced sync.WaitGroup
	paced.Go(func() { pace.Run(pacing) })
	defer paced.Wait()
	defer stop()
	client := radiusd.DefaultClientConfig()
	client.Name, client.Networks, client.Secret = "bench", []string{"127.0.0.0/8"}, secret.New(benchSecret)
	config := radiusd.DefaultConfig()
	client.MaxHeld, config.MaxHeld = s.held, max(config.MaxHeld, s.held)
	config.MaxRequests = max(config.MaxRequests, s.held)
	config.MaxReplies = max(config.MaxReplies, 4*s.held)
	client.Patience = time.Minute
	config.Listen, config.RejectDelay, config.Clients = []string{s.listen}, 0, []radiusd.ClientConfig{client}
	server, err := radiusd.New(config, c, o) //nolint:contextcheck // so does what it logs
	if err != nil {
		return err
	}
	if err := server.Listen(ctx); err != nil {
		return err
	}
	end, err := s.announce(server.Addrs()[0])
	if err != nil {
		return err
	}
	return errors.Join(server.Serve(ctx), end())
}
