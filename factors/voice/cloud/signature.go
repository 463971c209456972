package cloud

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // G505: the service's choice; HMAC needs no collision resistance
	"crypto/subtle"
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/conf/secret"
)

// signed reports whether the service signed a request to the address, query
// included, with the form: HMAC-SHA1 under the account's auth token over the
// address and the sorted names and values of the form. Some of its products
// sign the address with the port, some without.
func signed(token secret.Value, address string, form url.Values, signature string) bool {
	got, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return false
	}
	right := 0
	for _, a := range portSpellings(address) {
		mac := hmac.New(sha1.New, []byte(token.Reveal()))
		mac.Write([]byte(a))
		for _, name := range slices.Sorted(maps.Keys(form)) {
			for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
				mac.Write([]byte(name + value))
			}
		}
		right |= subtle.ConstantTimeCompare(mac.Sum(nil), got)
	}
	return right == 1
}

// portSpellings are an address as it is, and with or without its scheme's own
// port.
func portSpellings(address string) []string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return []string{address}
	}
	host, path, _ := strings.Cut(rest, "/")
	own := map[string]string{"https": ":443", "http": ":80"}[scheme]
	other := scheme + "://" + host + own + "/" + path
	if bare, found := strings.CutSuffix(host, own); found {
		other = scheme + "://" + bare + "/" + path
	} else if u, err := url.Parse(address); err != nil || u.Port() != "" {
		return []string{address}
	}
	return []string{address, other}
}
