package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"sync/atomic"

	"github.com/portvakt/portvakt/factors/phone"
	"github.com/portvakt/portvakt/factors/sms/smpp"
)

const kindSMPP = "smpp"

// An smppProvider sends through the SMSC of a carrier or an aggregator.
type smppProvider struct {
	cfg    Config
	client *smpp.Client
	report atomic.Pointer[func(Receipt)]
}

// An smppReporter is an smppProvider that is bound to get receipts too.
type smppReporter struct{ *smppProvider }

var _ Reporter = smppReporter{}

func newSMPP(cfg Config, log *slog.Logger) (Provider, error) {
	p := &smppProvider{cfg: cfg}
	client, err := smpp.New(cfg.SMPP, cfg.smppOptions(), log, p.receipt)
	if err != nil {
		return nil, err
	}
	p.client = client
	if !cfg.SMPP.Receipts() {
		return p, nil
	}
	return smppReporter{p}, nil
}

// smppOptions are what the kind shares with others.
func (c Config) smppOptions() smpp.Options {
	o := smpp.Options{
		Name: c.Name, User: c.User, Password: c.Password, Sender: c.Sender, CA: c.CA, Timeout: c.timeout(),
		Coding: smpp.DefaultCoding,
	}
	if coding, ok := c.smppCoding(); ok {
		o.Coding = coding
	}
	return o
}

// smppCoding reads the values of data_coding; ok is false without two of them.
func (c Config) smppCoding() (coding [2]byte, ok bool) {
	if len(c.Coding) != len(coding) {
		return coding, false
	}
	for i, text := range c.Coding {
		n, err := strconv.ParseUint(text, 0, 8)
		if err != nil {
			return coding, false
		}
		coding[i] = byte(n)
	}
	return coding, true
}

func (c Config) validateSMPP(p *problems) {
	p.join(c.SMPP.Validate())
	p.join(c.smppOptions().Validate())
	if _, ok := c.smppCoding(); len(c.Coding) == 2 && !ok {
		p.add("coding: is not two values of data_coding, 0 to 255: write them as [\"0\", \"8\"]")
	}
	for i, entry := range c.Senders {
		if _, sender, err := parseSender(entry); err == nil {
			if _, err := smpp.Sender(sender); err != nil {
				p.add("senders[%d]: %w", i, err)
			}
		}
	}
	if host, _, err := net.SplitHostPort(c.SMPP.Address); err == nil && !c.SMPP.TLS && !c.Insecure && !loopback(host) {
		p.add("tls: without it codes and the password would go in the clear: set tls = true, or insecure = true")
	}
	if c.CA != "" && !c.SMPP.TLS {
		p.add("ca: is of no use without TLS: set tls = true or remove it")
	}
}

func (s *smppProvider) Name() string { return s.cfg.Name }

func (s *smppProvider) Send(ctx context.Context, to phone.Number, text string) (id string, err error) {
	from, err := smpp.Sender(s.cfg.senderFor(to))
	if err != nil {
		return "", &NotSent{Reason: "the sender " + err.Error(), Down: true}
	}
	id, err = s.client.Send(ctx, smpp.Message{From: from, To: s.to(to), Text: text})
	if unsent, ok := errors.AsType[*smpp.NotSent](err); ok {
		return "", &NotSent{Reason: unsent.Reason, Down: unsent.Down, Pause: unsent.Pause}
	}
	return id, err
}

// to is the number as the SMSC wants it. The type of number tells what a plus
// sign or zeros tell elsewhere.
func (s *smppProvider) to(n phone.Number) smpp.Address {
	switch format := s.cfg.numberFormat(); format {
	case formatZeros:
		return smpp.Address{TON: smpp.TONUnknown, NPI: smpp.NPIISDN, Number: format.of(n)}
	case formatNational:
		return smpp.Address{TON: smpp.TONNational, NPI: smpp.NPIISDN, Number: n.National()}
	default:
		return smpp.International(n.Digits())
	}
}

// Report has fn called with what the SMSC tells of messages.
func (s smppReporter) Report(fn func(Receipt)) { s.report.Store(&fn) }

func (s *smppProvider) receipt(r smpp.Receipt) {
	fn := s.report.Load()
	if fn == nil {
		return
	}
	state := Pending
	switch {
	case r.State == smpp.Delivered:
		state = Delivered
	case r.Final:
		state = Failed
	}
	(*fn)(Receipt{Provider: s.cfg.Name, ID: r.MessageID, State: state, Detail: Detail(string(r.State))})
}

// start connects before the first message does.
func (s *smppProvider) start() { s.client.Start() }

// Close unbinds.
func (s *smppProvider) Close() error { return s.client.Close() }

func (s *smppProvider) check(ctx context.Context) Status {
	expires, err := s.client.Check(ctx)
	return Status{Target: s.cfg.SMPP.Address, Err: err, Expires: expires}
}

// Start has providers connect that keep connections, so that a wrong password
// is in the log before somebody waits for a code. Without it they connect for
// their first message. Close ends them.
func (c *Chain) Start() {
	for _, l := range c.links {
		if p, ok := l.Provider.(interface{ start() }); ok {
			p.start()
		}
	}
}

// join adds the problems of a part, each for itself.
func (p *problems) join(err error) {
	if err == nil {
		return
	}
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		*p = append(*p, all.Unwrap()...)
		return
	}
	p.add("%w", err)
}
