package gateway

import (
	"errors"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/portvakt/portvakt/factors/phone"
)

// prefixes are those of a valid configuration.
func (c Config) prefixes() []phone.Prefix {
	var all []phone.Prefix
	for _, text := range c.Prefixes {
		if p, err := phone.NewPrefix(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// senderFor is {sender} for a number.
func (c Config) senderFor(n phone.Number) string {
	sender, longest := c.Sender, 0
	for _, entry := range c.Senders {
		if p, s, err := parseSender(entry); err == nil && p.Has(n) && p.Len() > longest {
			sender, longest = s, p.Len()
		}
	}
	return sender
}

func parseSender(entry string) (p phone.Prefix, sender string, err error) {
	prefix, sender, ok := strings.Cut(entry, "=")
	sender = strings.TrimSpace(sender)
	if !ok || sender == "" {
		return p, "", errors.New("is not \"+prefix=sender\"")
	}
	p, err = phone.NewPrefix(strings.TrimSpace(prefix))
	return p, sender, err
}

func (c Config) validateRoutes(p *problems) {
	for i, text := range c.Prefixes {
		if _, err := phone.NewPrefix(text); err != nil {
			p.add("prefixes[%d]: %w", i, err)
		}
	}
	for i, entry := range c.Senders {
		switch _, sender, err := parseSender(entry); {
		case err != nil:
			p.add("senders[%d]: %w", i, err)
		case !httpguts.ValidHeaderFieldValue(sender):
			p.add("senders[%d]: holds a character that no sender has", i)
		}
	}
	if len(c.Senders) > 0 && c.Sender == "" {
		p.add("senders: has senders for some numbers only: set sender for the others")
	}
}
