package winbind

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/login"
)

// A Change is of one password, as a person's system sends it by MS-CHAPv2.
type Change struct {
	// Domain is the short name of the domain, User the name in it.
	Domain, User string
	// Password is the new password under the hash of the old one (RFC 2759,
	// section 8.9), Hash that hash under the hash of the new one (section 8.12).
	Password [516]byte
	Hash     [16]byte
}

func (c Change) write() []byte {
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return fmt.Appendf(nil, "NT-Domain:: %s\nUsername:: %s\nnew-nt-password-blob: %x\nold-nt-hash-blob: %x\n.\n",
		encode(c.Domain), encode(c.User), c.Password, c.Hash)
}

// protocolFlag is the argument of ntlm_auth that names what a helper speaks.
const (
	protocolFlag   = "--helper-protocol="
	changeProtocol = protocolFlag + "ntlm-change-password-1"
)

// Change has a controller change a password. A [*login.Refusal] is the domain's
// no. After any other error it may have been changed or not: a helper of its own
// is asked, once.
func (p *Pool) Change(ctx context.Context, c Change) error {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	if err := p.place(ctx); err != nil {
		return err
	}
	defer func() { <-p.places }()
	argv := slices.Clone(p.argv)
	for i, arg := range argv {
		if strings.HasPrefix(arg, protocolFlag) {
			argv[i] = changeProtocol
		}
	}
	if !p.enter() {
		return errClosed
	}
	defer p.inUse.Done()
	h, err := start(argv)
	if err != nil {
		return err
	}
	defer h.end()
	a, err := p.askOn(ctx, h, c)
	switch {
	case err != nil:
		return err
	case a.yes:
		return nil
	}
	return changeVerdict(a.why)
}

// changeVerdict says what the no to a change decides. A domain does not say
// which of its rules a password has broken.
func changeVerdict(why string) error {
	if strings.Contains(strings.ToLower(why), "password update rule has been violated") || strings.Contains(why, "NT_STATUS_PASSWORD_RESTRICTION") {
		return &login.Refusal{Reason: login.ReasonNewRefused, Detail: "NT_STATUS_PASSWORD_RESTRICTION"}
	}
	return verdict(why)
}
