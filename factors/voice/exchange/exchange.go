package exchange

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/factors/voice"
	"github.com/portvakt/portvakt/factors/voice/cloud"
	"github.com/portvakt/portvakt/factors/voice/sip"
)

// Kinds of providers; those of package cloud beside them.
const (
	KindSIP = "sip"
	KindLog = "log"
)

// Config is one [[call.provider]]. Which keys it may have depends on its kind.
type Config struct {
	Name  string       `mapstructure:"name"`
	Kind  string       `mapstructure:"kind"`
	SIP   sip.Config   `mapstructure:",squash"`
	Cloud cloud.Config `mapstructure:",squash"`
	Log   Rehearsal    `mapstructure:",squash"`
}

// Rehearsal has the keys of kind = "log".
type Rehearsal struct {
	// Press are the keys that nobody presses: "#" approves. Without any, nobody
	// answers.
	Press string `mapstructure:"press"`
	// After is how long that takes.
	After time.Duration `mapstructure:"after"`
}

const maxAfter = time.Minute

// part is the part of the configuration that belongs to the kind.
func (c Config) part() any {
	switch {
	case c.Kind == KindSIP:
		return c.SIP
	case cloud.Serves(c.Kind):
		return c.Cloud
	case c.Kind == KindLog:
		return c.Log
	}
	return nil
}

// Validate returns all problems.
func (c Config) Validate() error {
	part := c.part()
	if part == nil {
		return fmt.Errorf("kind: %q is not known: write one of sip, twilio, telnyx, log", c.Kind)
	}
	errs := []error{c.strays(part)}
	if v, ok := part.(interface{ Validate() error }); ok {
		errs = append(errs, v.Validate())
	}
	if c.Kind == KindLog {
		if c.Name == "" {
			errs = append(errs, errors.New("name: is not set: give the provider a name for logs"))
		}
		if strings.Trim(c.Log.Press, "0123456789*#") != "" {
			errs = append(errs, fmt.Errorf("press: %q has what no telephone has: write keys, as \"#\"", c.Log.Press))
		}
		if c.Log.After < 0 || c.Log.After > maxAfter {
			errs = append(errs, fmt.Errorf("after: %v is not between 0s and %v", c.Log.After, maxAfter))
		}
	}
	return errors.Join(errs...)
}

// strays finds keys that are set and mean nothing for the kind.
func (c Config) strays(own any) error {
	meant := []string{"name", "kind"}
	for f := range reflect.TypeOf(own).Fields() {
		meant = append(meant, f.Tag.Get("mapstructure"))
	}
	var errs []error
	for _, part := range []any{c.SIP, c.Cloud, c.Log} {
		v := reflect.ValueOf(part)
		for i := range v.NumField() {
			key := v.Type().Field(i).Tag.Get("mapstructure")
			if !slices.Contains(meant, key) && !v.Field(i).IsZero() {
				meant = append(meant, key) // once
				errs = append(errs, fmt.Errorf("%s: has no meaning for kind = %q: remove it", key, c.Kind))
			}
		}
	}
	return errors.Join(errs...)
}

// New makes the providers. Nothing is dialled; a provider that listens does so
// when it is asked to. A rehearsal writes to out.
func New(cfgs []Config, out io.Writer, log *slog.Logger) ([]voice.Provider, error) {
	var all []voice.Provider
	for _, c := range cfgs {
		p, err := c.provider(out, log)
		if err != nil {
			for _, made := range all {
				err = errors.Join(err, made.Close())
			}
			return nil, fmt.Errorf("provider %q: %w", c.Name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func (c Config) provider(out io.Writer, log *slog.Logger) (voice.Provider, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	switch c.Kind {
	case KindSIP:
		return sip.New(c.SIP, log)
	case KindLog:
		return voice.NewRehearsal(c.Name, c.Log.Press, c.Log.After, out), nil
	}
	return cloud.New(c.Cloud, log)
}
