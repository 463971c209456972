package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A mode is a kind of load.
type mode string

const (
	modeLogin  mode = "login"  // password, challenge, code, accept
	modeReject mode = "reject" // a wrong password
	modeAccept mode = "accept" // the password is enough
	modeFlood  mode = "flood"  // as login, beside bad packets
	modeStorm  mode = "storm"  // as login, each request sent several times
	modeEcho   mode = "echo"   // a datagram of a request's size, sent back
)

var modes = []mode{modeLogin, modeReject, modeAccept, modeFlood, modeStorm, modeEcho}

// asks is whether a login of the mode has a challenge and a code.
func (m mode) asks() bool { return m == modeLogin || m == modeFlood || m == modeStorm }

// Phases of a load.
const (
	phaseWarm = iota
	phaseMeasure
	phaseDrain
)

const (
	perLane   = 32 // logins under way of a lane; a lane has 256 identifiers
	maxUnder  = 4096
	maxWindow = 10 * time.Minute
	// shortest is the least window whose figures mean anything: processor time
	// is counted in hundredths of a second.
	shortest = time.Second
)

// An order says what load to put on which server.
type order struct {
	server  string // address and port
	secret  string
	mode    mode
	under   int           // logins under way
	rate    float64       // logins begun each second at most; 0: as fast as they end
	warm    time.Duration // before the window
	window  time.Duration
	signed  bool          // replies without Message-Authenticator are wrong
	retry   time.Duration // before a request is sent again; 0 is retryAfter
	tries   int           // of each request; 0 is maxTries
	copies  int           // of each request, in a storm
	flood   int           // bad packets a second, in a flood
	people  *population
	watched []watched
}

// A result is what a load found.
type result struct {
	mode      mode
	window    time.Duration // as it was
	short     bool          // people ran out before its end
	ended     int           // logins that ended well in the window
	requests  int
	p50, p99  time.Duration
	lost      int
	boundary  int
	repeated  int
	late      int
	wrong     int
	why       map[string]int
	flooded   int64                    // bad packets sent in the window
	processor map[string]time.Duration // by process, in the window
	sizes     map[string]size          // by process, at its end
}

// usable is an error when people ran out so early that the figures mean nothing.
func (r result) usable() error {
	if r.short && r.window < shortest {
		return fmt.Errorf("everybody's code was used after %v: take more -users", r.window.Round(time.Millisecond))
	}
	return nil
}

func (r result) perSecond() float64 { return float64(r.ended) / r.window.Seconds() }

// each is the processor time of a process divided by the logins.
func (r result) each(process string) time.Duration {
	if r.ended == 0 {
		return 0
	}
	return r.processor[process] / time.Duration(r.ended)
}

// A load is an order being carried out.
type load struct {
	order
	phase atomic.Int32
	empty chan struct{} // closed when nobody has an unused code
	once  sync.Once
}

// exhausted ends the window: everybody's code of this step is used.
func (l *load) exhausted() { l.once.Do(func() { close(l.empty) }) }

func (o *order) validate() error {
	if !slices.Contains(modes, o.mode) {
		return fmt.Errorf("mode %q is not one of %v", o.mode, modes)
	}
	address, err := net.ResolveUDPAddr("udp", o.server)
	switch {
	case err != nil:
		return fmt.Errorf("server: %w", err)
	case !address.IP.IsLoopback():
		return fmt.Errorf("server: %s is not a loopback address: this load would break a real server", o.server)
	case o.under < 1 || o.under > maxUnder:
		return fmt.Errorf("%d logins under way: choose 1 to %d", o.under, maxUnder)
	case o.window <= 0 || o.window > maxWindow || o.warm < 0 || o.warm > maxWindow:
		return fmt.Errorf("a window of %v after %v: choose up to %v", o.window, o.warm, maxWindow)
	case o.rate < 0 || o.flood < 0:
		return errors.New("a rate cannot be negative")
	}
	return nil
}

// run carries out an order.
func run(ctx context.Context, o order) (result, error) {
	if err := o.validate(); err != nil {
		return result{}, err
	}
	if o.mode != modeStorm {
		o.copies = 1
	}
	o.people.again = o.people.again || !o.mode.asks() // without codes none is used up
	o.retry, o.tries = cmp.Or(o.retry, retryAfter), cmp.Or(o.tries, maxTries)
	l := &load{order: o, empty: make(chan struct{})}
	lanes, err := l.open()
	defer func() {
		for _, lane := range lanes {
			_ = lane.conn.Close()
		}
	}()
	if err != nil {
		return result{}, err
	}
	var wg sync.WaitGroup
	for _, lane := range lanes {
		wg.Go(lane.run)
	}
	f, err := l.startFlood()
	var r result
	if err == nil {
		r, err = l.measure(ctx, f)
	}
	l.phase.Store(phaseDrain)
	if f != nil {
		f.stop()
	}
	if err != nil {
		for _, lane := range lanes {
			_ = lane.conn.Close()
		}
	}
	wg.Wait()
	if err != nil {
		return r, err
	}
	r.sum(lanes)
	if f != nil && f.answered > 0 {
		r.wrong += f.answered
		r.why["reply to a bad packet"] += f.answered
	}
	return r, nil
}

// open makes the lanes and shares the logins out.
func (l *load) open() ([]*lane, error) {
	count := (l.under + perLane - 1) / perLane
	address, err := net.ResolveUDPAddr("udp", l.server)
	if err != nil {
		return nil, err
	}
	var lanes []*lane
	for i := range count {
		conn, err := net.DialUDP("udp", nil, address)
		if err != nil {
			return lanes, err
		}
		_ = conn.SetReadBuffer(1 << 20) // the kernel caps it; lost replies are seen as such
		ln := &lane{load: l, conn: conn, wire: newWire(l.secret)}
		lanes = append(lanes, ln)
		mine := (l.under + i) / count
		for range mine {
			ln.idle = append(ln.idle, &attempt{})
		}
		if l.rate > 0 {
			ln.every = time.Duration(float64(time.Second) * float64(count) / l.rate)
			ln.due = time.Now().Add(ln.every * time.Duration(i) / time.Duration(count))
		}
	}
	return lanes, nil
}

// measure waits for the warm-up and the window, and reads the processes at both
// ends of it.
func (l *load) measure(ctx context.Context, f *flood) (r result, err error) {
	r = result{mode: l.mode, processor: map[string]time.Duration{}, sizes: map[string]size{}}
	if ok, err := l.wait(ctx, l.warm); err != nil {
		return r, err
	} else if !ok {
		r.short = true
		return r, nil // see usable
	}
	began, before := time.Now(), f.count()
	for _, w := range l.watched {
		if r.processor[w.name], err = processorTime(w.pid); err != nil {
			return r, err
		}
	}
	l.phase.Store(phaseMeasure)
	full, err := l.wait(ctx, l.window)
	if err != nil {
		return r, err
	}
	l.phase.Store(phaseDrain)
	r.window, r.short, r.flooded = time.Since(began), !full, f.count()-before
	for _, w := range l.watched {
		after, err := processorTime(w.pid)
		if err != nil {
			return r, err
		}
		r.processor[w.name] = after - r.processor[w.name]
		if r.sizes[w.name], err = sizeOf(w.pid); err != nil {
			return r, err
		}
	}
	return r, nil
}

// wait returns false when people ran out before the time was over.
func (l *load) wait(ctx context.Context, d time.Duration) (full bool, err error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, nil
	case <-l.empty:
		return false, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// sum adds up what the lanes counted.
func (r *result) sum(lanes []*lane) {
	r.why = map[string]int{}
	var took []time.Duration
	for _, l := range lanes {
		t := &l.tally
		took = append(took, t.took...)
		r.requests += t.requests
		r.lost += t.lost
		r.boundary += t.boundary
		r.repeated += t.repeated
		r.late += t.late
		for why, n := range t.wrong {
			r.why[why] += n
			r.wrong += n
		}
	}
	slices.Sort(took)
	r.ended, r.p50, r.p99 = len(took), quantile(took, 0.50), quantile(took, 0.99)
}

// quantile is the smallest value that at least the share of all does not
// exceed.
func quantile[T cmp.Ordered](sorted []T, share float64) (q T) {
	if len(sorted) == 0 {
		return q
	}
	at := int(share*float64(len(sorted))+0.9999999) - 1
	return sorted[min(max(at, 0), len(sorted)-1)]
}

// median is the middle of values, of which there must be one.
func median[T cmp.Ordered](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
