package login

import "strings"

// InGroup reports whether the account is in the group with this distinguished
// name. Case and spaces beside separators do not matter (RFC 4514, section 4).
func InGroup(a Account, dn string) bool {
	for _, g := range a.Groups {
		if sameDN(g, dn) {
			return true
		}
	}
	return false
}

// sameDN compares without allocating, since it runs for each group of each
// login. Names with escaped or multi-valued parts are compared as written.
func sameDN(a, b string) bool {
	if strings.EqualFold(a, b) {
		return true
	}
	for {
		pa, ra, moreA := strings.Cut(a, ",")
		pb, rb, moreB := strings.Cut(b, ",")
		ka, va, _ := strings.Cut(pa, "=")
		kb, vb, _ := strings.Cut(pb, "=")
		if !strings.EqualFold(strings.TrimSpace(ka), strings.TrimSpace(kb)) ||
			!strings.EqualFold(strings.TrimSpace(va), strings.TrimSpace(vb)) || moreA != moreB {
			return false
		}
		if !moreA {
			return true
		}
		a, b = ra, rb
	}
}
