package cloud

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/portvakt/portvakt/factors/voice"
)

// A Listener is a provider that is told of keys from outside. Whoever makes it
// calls Listen before the first Call; Close ends it.
type Listener interface {
	// Listen binds and serves from then on. Where one of the providers before,
	// those of a configuration that is being replaced, listens at the same
	// address, both are behind one listener until the first has closed. The
	// error is that of binding, or of the certificate.
	Listen(ctx context.Context, before ...voice.Provider) error
}

var (
	_ voice.Provider = (*Twilio)(nil)
	_ voice.Provider = (*Telnyx)(nil)
	_ Listener       = (*Twilio)(nil)
)

// New makes the provider of a valid configuration. It opens nothing: see
// [Listener].
func New(cfg Config, log *slog.Logger) (voice.Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	switch cfg.Kind {
	case KindTwilio:
		return newTwilio(cfg, log)
	case KindTelnyx:
		return newTelnyx(cfg, log)
	}
	return nil, fmt.Errorf("kind %q: no such service", cfg.Kind)
}
