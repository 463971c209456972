package sms

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/portvakt/portvakt/factors/code"
	"github.com/portvakt/portvakt/factors/phone/book"
	"github.com/portvakt/portvakt/factors/phone/caps"
	"github.com/portvakt/portvakt/factors/sms/gateway"
)

// Config is the section [sms]. Without a provider the factor is off.
type Config struct {
	Numbers book.Config `mapstructure:",squash"`
	Caps    caps.Config `mapstructure:",squash"`
	// Transliterate writes texts in the GSM 7-bit alphabet where that is
	// possible by leaving marks away: one part holds 160 characters, not 70.
	Transliterate bool `mapstructure:"transliterate"`
	// AskAfter is how long the question waits for the gateway's answer.
	AskAfter time.Duration `mapstructure:"ask_after"`

	// ReceiptWithin is how soon a gateway that tells of deliveries has to tell
	// of one, or the message goes through the next; 0 waits for a failure.
	ReceiptWithin time.Duration `mapstructure:"receipt_within"`
	// ReceiptsListen is where gateways call back, for a [gateway.Receiver].
	ReceiptsListen netip.AddrPort `mapstructure:"receipts_listen"`

	// Provider are tried in order; the next one only when a message was
	// certainly not sent.
	Provider []gateway.Config `mapstructure:"provider"`
}

const (
	maxAskAfter  = gateway.Overall // there is nothing to wait for after it
	maxProviders = 8
	minReceipt   = 5 * time.Second // messages take that long
)

// DefaultConfig returns what holds for keys that are not set.
func DefaultConfig() Config {
	return Config{
		Caps:     caps.DefaultConfig(caps.SMS),
		AskAfter: 2 * time.Second,
	}
}

// Enabled reports whether there is anybody to send.
func (c Config) Enabled() bool { return len(c.Provider) > 0 }

// Validate returns all problems.
func (c Config) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	errs = append(errs, each(c.Numbers.Validate())...)
	if c.Enabled() && len(c.Numbers.Countries) == 0 {
		add("countries: is empty, so no number gets a message: list your own, as [\"NO\"], and no more than you need")
	}
	if c.AskAfter <= 0 || c.AskAfter > maxAskAfter {
		add("ask_after: %v is not above 0s and up to %v: the person's device waits for it", c.AskAfter, maxAskAfter)
	}
	if c.ReceiptWithin != 0 && (c.ReceiptWithin < minReceipt || c.ReceiptWithin >= code.Life) {
		add("receipt_within: %v is not 0s, nor from %v to below %v, which is the life of a code", c.ReceiptWithin, minReceipt, code.Life)
	}
	if c.ReceiptWithin > 0 && c.Enabled() && !slices.ContainsFunc(c.Provider, gateway.Config.Reports) {
		add("receipt_within: no provider tells of deliveries: set status_url or callback for one, or bind = \"transceiver\", or remove the key")
	}
	c.validateListen(add)
	errs = append(errs, each(c.Caps.Validate())...)
	if len(c.Provider) > maxProviders {
		add("provider: there are %d, more than %d: people wait while they are tried", len(c.Provider), maxProviders)
	}
	seen := make(map[string]bool)
	for i, p := range c.Provider {
		for _, err := range each(p.Validate()) {
			add("provider[%d].%w", i, err)
		}
		if p.Name != "" && seen[p.Name] {
			add("provider[%d].name: %q is there twice: logs would not tell them apart", i, p.Name)
		}
		seen[p.Name] = true
	}
	return errors.Join(errs...)
}

func (c Config) validateListen(add func(string, ...any)) {
	called := slices.ContainsFunc(c.Provider, func(p gateway.Config) bool { return !p.Receipts.Callback.IsZero() })
	switch addr := c.ReceiptsListen.Addr(); {
	case called && !addr.IsValid():
		add("receipts_listen: is not set, so no gateway can call back: write an address, as \"127.0.0.1:8446\"")
	case !called && addr.IsValid():
		add("receipts_listen: no provider has a callback: set callback for one, or remove the key")
	case called && c.ReceiptsListen.Port() == 0:
		add("receipts_listen: has no port: gateways would not find it")
	case called && !addr.IsLoopback() && !addr.IsPrivate():
		add("receipts_listen: %v would take secrets in the clear: listen on 127.0.0.1 behind a proxy that has the certificate", c.ReceiptsListen)
	}
}

// each takes joined errors apart.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}
