package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/client"
)

const (
	// maxAsked is how many requests one server has at once, each with a socket.
	maxAsked = 512
	// silences in a row set a server aside that answers no Status-Server.
	maxSilences = 3
	// retryAfter is how long such a one is left alone before a sign-in tries it.
	retryAfter = 30 * time.Second
	// probeEvery is how often a server is probed that was silent; probeRarely,
	// when it never answered a probe: it may log each as an attack.
	probeEvery  = time.Second
	probeRarely = 10 * time.Second
	probeFor    = time.Second
)

// A server is one of those that are asked, and what is known of it.
type server struct {
	ServerConfig
	client client.Client
	probes client.Client
	log    *slog.Logger
	places chan struct{}

	mu       sync.Mutex
	silences int       // in a row
	aside    time.Time // since when, or when it was tried last; zero while it is in use
	why      error     // the last silence
	status   bool      // it has answered a Status-Server
}

func newServer(c ServerConfig, nasIdentifier string, log *slog.Logger) *server {
	s := &server{ServerConfig: c, log: log, places: make(chan struct{}, maxAsked)}
	s.client = client.Client{
		Server: c.Address.String(), Secret: c.Secret, Timeout: c.Timeout, Tries: c.Tries, Source: c.Source,
		NASIdentifier: nasIdentifier, RequireMessageAuthenticator: c.RequireMessageAuthenticator,
	}
	s.probes = s.client
	s.probes.Timeout, s.probes.Tries = probeFor, 1
	// That a server lives decides about nobody: to forge it gains nothing, and
	// some that sign all else do not sign this.
	s.probes.RequireMessageAuthenticator = false
	return s
}

// up reports whether the server is in use.
func (s *server) up() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.aside.IsZero()
}

// mayAsk reports whether a sign-in may ask the server: it is in use, or it is
// one that only a sign-in can find again, and its time has come.
func (s *server) mayAsk() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.aside.IsZero() {
		return true
	}
	if s.status || time.Since(s.aside) < retryAfter {
		return false
	}
	s.aside = time.Now() // one of those that wait tries it
	return true
}

func (s *server) setAside() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Errorf("upstream %s is set aside: %w", s.Name, s.why)
}

// ask makes one exchange, within an equal part of the time that is left.
func (s *server) ask(ctx context.Context, r client.Request, parts int) (client.Reply, error) {
	within, cancel := share(ctx, parts)
	defer cancel()
	select {
	case s.places <- struct{}{}:
		defer func() { <-s.places }()
	case <-within.Done():
		return client.Reply{}, fmt.Errorf("wait until fewer than %d requests are with it: %w", maxAsked, context.Cause(within))
	}
	began := time.Now()
	reply, err := s.client.Do(within, r)
	switch {
	case err == nil:
		s.answered(false)
	// A caller who went away, or had hardly any time, says nothing about the
	// server.
	case within.Err() == nil || time.Since(began) >= s.Timeout:
		s.silent(err, s.silencesAllowed())
	}
	return reply, err
}

// silencesAllowed is how many silences a request may meet. A server that answers
// probes is set aside by those alone: it may have been silent about this one
// request, which somebody could send on purpose.
func (s *server) silencesAllowed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.status {
		return -1
	}
	return maxSilences
}

// answered notes that the server is there.
func (s *server) answered(probe bool) {
	s.mu.Lock()
	back := !s.aside.IsZero()
	s.silences, s.aside = 0, time.Time{}
	s.status = s.status || probe
	s.mu.Unlock()
	if back {
		s.log.Info("upstream answers again", slog.String(login.KeyServer, s.Name))
	}
}

// silent notes that the server has not answered, and sets it aside when that was
// as often as allowed; never when that is negative.
func (s *server) silent(err error, allowed int) {
	s.mu.Lock()
	s.silences++
	s.why = err
	down := s.aside.IsZero() && allowed >= 0 && s.silences >= allowed
	if down {
		s.aside = time.Now()
	}
	s.mu.Unlock()
	if down {
		s.log.Warn("upstream is set aside",
			slog.String(login.KeyServer, s.Name), slog.Any(login.KeyErr, err),
			slog.String(login.KeyHint, "sign-ins use the other servers, or wait until it answers: portvakt check says what it answers to"))
	}
}

// tend probes the server once, to learn whether it answers probes, and then
// whenever it was silent.
func (s *server) tend(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	last := time.Now()
	s.probe(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.mu.Lock()
			due := s.silences > 0 && (s.status || now.Sub(last) >= probeRarely)
			s.mu.Unlock()
			if due {
				last = now
				s.probe(ctx)
			}
		}
	}
}

// probe asks by Status-Server.
func (s *server) probe(ctx context.Context) {
	_, err := s.probes.Status(ctx)
	if ctx.Err() != nil {
		return
	}
	if err == nil {
		s.answered(true)
		return
	}
	s.unprobed(err)
}

// unprobed notes that a probe was not answered. That says nothing of a server
// that never answered one.
func (s *server) unprobed(err error) {
	s.mu.Lock()
	known := s.status
	s.mu.Unlock()
	if known {
		s.silent(err, 0)
	}
}

// A Status is what `portvakt check` shows of one server.
type Status struct {
	Name, Address string
	// Note is what to know of a server that can be used.
	Note string
	Err  error
}

// Check tries every server, in the order of the configuration.
func (d *Directory) Check(ctx context.Context) []Status {
	all := make([]Status, len(d.servers))
	var wg sync.WaitGroup
	for i, s := range d.servers {
		wg.Go(func() { all[i] = s.check(ctx) })
	}
	wg.Wait()
	return all
}

func (s *server) check(ctx context.Context) Status {
	status := Status{Name: s.Name, Address: s.Address.String()}
	probe := s.client
	probe.RequireMessageAuthenticator = false
	reply, err := probe.Status(ctx)
	switch {
	case err == nil && (reply.Signed || !s.RequireMessageAuthenticator):
		status.Note = "answers Status-Server"
	case err == nil: // what counts is whether it signs its decisions
		reply, err = s.tryNobody(ctx)
		status.Note = "answers Status-Server"
	case errors.Is(err, client.ErrNoReply):
		reply, err = s.tryNobody(ctx)
		status.Note = "answers sign-ins but no Status-Server: after an outage it is found again by a sign-in, up to " + retryAfter.String() + " later"
	}
	if err == nil && !reply.Signed {
		status.Note += "; its replies have no Message-Authenticator"
	}
	status.Err = err
	return status
}

// tryNobody asks about a name that nobody has.
func (s *server) tryNobody(ctx context.Context) (client.Reply, error) {
	request, err := requestFor(nobodysName, login.Cleartext("x"), true)
	if err != nil {
		return client.Reply{}, err
	}
	reply, err := s.client.Do(ctx, request)
	if err == nil && reply.Code == client.AccessAccept {
		err = errors.New("lets somebody in whom nobody is: no answer of it can be believed")
	}
	return reply, err
}
