package media

import (
	"log/slog"
	"sync/atomic"

	"github.com/portvakt/portvakt/login"
)

// Dropped is how many packets came that were not used.
type Dropped struct {
	// Foreign packets came from another address than the call's.
	Foreign uint64
	// Unauthentic ones failed SRTP's check.
	Unauthentic uint64
	// Malformed ones are no RTP, of the wrong size, of a payload type that was
	// not agreed, or were received before.
	Malformed uint64
}

type counters struct {
	foreign, unauthentic, malformed atomic.Uint64
}

// Dropped tells what was dropped so far.
func (s *Session) Dropped() Dropped {
	return Dropped{
		Foreign:     s.stats.foreign.Load(),
		Unauthentic: s.stats.unauthentic.Load(),
		Malformed:   s.stats.malformed.Load(),
	}
}

// report logs once a call what somebody may have forged, or a firewall or
// another exchange has mixed up.
func (c *counters) report(log *slog.Logger) {
	if n := c.foreign.Load(); n > 0 {
		log.Warn("dropped sound from an address that is not the call's", slog.Uint64(login.KeyCount, n))
	}
	if n := c.unauthentic.Load(); n > 0 {
		log.Warn("dropped sound that failed the check of SRTP", slog.Uint64(login.KeyCount, n))
	}
	if n := c.malformed.Load(); n > 0 {
		log.Debug("dropped packets that are no sound of the call", slog.Uint64(login.KeyCount, n))
	}
}
