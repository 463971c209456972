package login

import (
	"errors"
	"fmt"
)

// An NTProof is a [Secret] of which the person sent only a proof that she has
// the NT hash of her password, as MS-CHAPv2 does (RFC 2759). Whoever keeps NT
// hashes, or can ask a domain controller, decides by it; a [Directory] calls
// Matches or Proven once the password has been found right.
type NTProof interface {
	Secret
	// NTResponse is what a domain controller wants to see: the challenge
	// (RFC 2759, section 8.2) and the answer to it (section 8.5).
	NTResponse() (challenge [8]byte, response [24]byte)
	// Matches reports, in constant time, whether the answer was made with this
	// NT hash. When it was, what Proven is told is known by that.
	Matches(hash [16]byte) bool
	// Proven tells the MD4 of the NT hash, for directories that have found the
	// answer right and do not show the hash itself: the user session key of
	// MS-NLMP, section 3.3.1.
	Proven(sessionKey [16]byte)
}

// A Keeper is a [Secret] whose transport needs something of it again when the
// person gets in, which may be a question later, at another node: the session
// keys of MS-CHAPv2 come from the password, the last request holds a code.
type Keeper interface {
	Secret
	// Kept is what comes back by [Accept.Kept], at most [MaxKept] octets; asked
	// for once the password was right. In a question's ticket it is sealed.
	Kept() []byte
}

// A Lasting is a [Secret] of which only a proof was sent, a new one each time,
// and from which it can be known all the same whether the password is still the
// one of last time.
type Lasting interface {
	Secret
	// Lasting is the same for all proofs of one password, and another for those
	// of any other. It is as good as the password, is asked for once that was
	// found right, and is nil where whoever found it right has not told it.
	Lasting() []byte
}

// MaxKept is the most octets that a Keeper may want to have kept.
const MaxKept = 37

// keptRoom is how many octets shorter than [maxAccountID] the id of an account
// must be where something is kept, so that its ticket fits a State.
const keptRoom = 15

// keep takes what a transport wants back with the Accept.
func (t *attempt) keep(account Account) error {
	k, ok := t.Secret.(Keeper)
	if !ok {
		return nil
	}
	kept := k.Kept()
	switch {
	case len(kept) > MaxKept:
		return fmt.Errorf("login: %d octets to keep, at most %d fit a ticket", len(kept), MaxKept)
	case len(kept) > 0 && len(account.ID) > maxAccountID-keptRoom:
		return errors.New("the directory gave the account an id too long for MS-CHAPv2: check ldap.attributes.id")
	}
	t.kept = kept
	return nil
}
