package upstream

import (
	"context"
	"strings"
	"time"

	"github.com/portvakt/portvakt/login"
)

// maxBareName is the longest name where there is no directory: the account's id
// is made of it and has to fit a ticket.
const maxBareName = 60

// idPrefix tells ids made of names from those of a directory.
const idPrefix = "name:"

// byName makes an account of a name alone. Nobody tells which names are one
// person's, so only one spelling of each is taken: another that the server takes
// for the same would have an account of its own, with its own counters and
// without the second factor that was enrolled for the first.
func (d *Directory) byName(typed string) (login.Account, error) {
	name := typed
	if domain, user, found := strings.Cut(typed, `\`); found {
		if !d.ours(domain) {
			return login.Account{}, unknown("a domain that upstream.domains does not have")
		}
		name = user
	} else if at := strings.LastIndexByte(typed, '@'); at >= 0 {
		if !d.ours(typed[at+1:]) {
			return login.Account{}, unknown("a domain that upstream.domains does not have")
		}
		name = typed[:at]
	}
	if name == "" || len(name) > maxBareName || strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		return login.Account{}, unknown("without a directory, names have ASCII letters, digits and . _ - +")
	}
	return login.Account{ID: idPrefix + strings.ToLower(name), Name: name, Unverified: true}, nil
}

// plain reports whether a character of a name has no twin: accents and widths
// are what servers differ about, and some take "é" for "e".
func plain(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+", r)
}

func (d *Directory) ours(domain string) bool {
	for _, own := range d.cfg.Domains {
		if strings.EqualFold(own, domain) {
			return true
		}
	}
	return false
}

func unknown(detail string) error {
	return &login.Refusal{Reason: login.ReasonUnknownUser, Detail: detail}
}

// Lookup asks the directory, or makes an account of the name; see
// [login.Directory].
func (d *Directory) Lookup(ctx context.Context, name string, maxAge time.Duration) (login.Account, error) {
	if d.accounts == nil {
		return d.byName(name)
	}
	return d.accounts.Lookup(ctx, name, maxAge)
}

// means reports whether a name that was hashed into a proof is that of an
// account. The server decides about that name, and everything else, groups and
// second factors, is the account's: they must not be two people's.
func means(typed, account string) bool {
	_, name, found := strings.Cut(typed, `\`)
	if !found {
		name = typed
	}
	if strings.EqualFold(name, account) {
		return true
	}
	at := strings.LastIndexByte(name, '@')
	return at > 0 && strings.EqualFold(name[:at], account)
}
