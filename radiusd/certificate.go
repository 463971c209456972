package radiusd

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

const (
	fingerprintPrefix = "sha256:"
	maxHostName       = 253 // octets of a DNS name
)

var (
	errNobodysCertificate = errors.New("no [[client]] names this certificate in its certificates")
	errTwoClients         = errors.New("its names belong to more than one [[client]]: name it by its fingerprint in one of them")
	errOtherNetwork       = errors.New("its client may not come from this address: see networks in its block")
	errEndedCertificate   = errors.New("the certificate has ended since the connection began")
	errOtherAuthority     = errors.New("server.radsec.ca does not hold for the certificate any more")
)

// A certificateID is how a certificate is told from others: by its fingerprint,
// or by a name in it.
type certificateID struct {
	fingerprint [sha256.Size]byte
	name        string // lower case; empty for a fingerprint
}

// parseCertificateID reads an entry of a client's certificates. Fingerprints may
// have colons, as openssl prints them.
func parseCertificateID(s string) (id certificateID, err error) {
	low := strings.ToLower(s)
	if digits, ok := strings.CutPrefix(low, fingerprintPrefix); ok {
		sum, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
		if err != nil || len(sum) != sha256.Size {
			return id, fmt.Errorf(`%q is not a SHA-256 fingerprint: write "sha256:" and the 64 digits that openssl x509 -noout -fingerprint -sha256 prints`, s)
		}
		copy(id.fingerprint[:], sum)
		return id, nil
	}
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._", r)
	}
	if s == "" || len(s) > maxHostName || strings.ContainsFunc(s, odd) {
		return id, fmt.Errorf(`%q is neither a DNS name nor a fingerprint: write a name that the certificate has (subjectAltName, without wildcard), or "sha256:" and its fingerprint`, s)
	}
	id.name = low
	return id, nil
}

// identify lists what a certificate is known by, its fingerprint first. The
// common name is not among it, and a wildcard names nobody.
func identify(leaf *x509.Certificate) []certificateID {
	ids := []certificateID{{fingerprint: sha256.Sum256(leaf.Raw)}}
	for _, name := range leaf.DNSNames {
		ids = append(ids, certificateID{name: strings.ToLower(name)})
	}
	return ids
}

// certificateText says a certificate to an administrator who wants to write it down.
func certificateText(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	return fmt.Sprintf("%s%x names %q", fingerprintPrefix, sum, leaf.DNSNames)
}

// certified returns the client of a certificate that asks from an address (RFC
// 6614, section 2.4), or why there is none. A fingerprint is more exact than any
// name.
func (t *clientTable) certified(ids []certificateID, from netip.Addr) (*client, error) {
	var found *client
	for _, id := range ids {
		c := t.byCertificate[id]
		if c == nil || c == found {
			continue
		}
		if found != nil {
			return nil, errTwoClients
		}
		if found = c; id.name == "" {
			break
		}
	}
	switch {
	case found == nil:
		return nil, errNobodysCertificate
	case len(found.networks) > 0 && !slices.ContainsFunc(found.networks, func(p netip.Prefix) bool { return p.Contains(from.WithZone("")) }):
		return nil, errOtherNetwork
	}
	return found, nil
}
