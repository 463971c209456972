package ldapauth

import (
	"slices"
	"strings"
)

// passwordSetAttributes tell when the password of an entry was set last: Active
// Directory, Samba 3's schema, FreeIPA, draft-behera-ldap-password-policy-10, and
// 389 Directory Server (passwordTrackUpdateTime).
var passwordSetAttributes = [...]string{"pwdLastSet", "sambaPwdLastSet", "krbLastPwdChange", "pwdChangedTime", "pwdUpdateTime"}

// maxPasswordSet is the most octets of such a time.
const maxPasswordSet = 32

// A passwordSet is what an entry has of passwordSetAttributes. Times are not
// read: whether they are still the same is all that is asked.
type passwordSet [len(passwordSetAttributes)]string

// note takes one value.
func (p *passwordSet) note(attribute string, value []byte) {
	i := slices.IndexFunc(passwordSetAttributes[:], func(name string) bool { return strings.EqualFold(name, attribute) })
	if i >= 0 && len(value) <= maxPasswordSet {
		p[i] = string(value)
	}
}

// text is the same until one of them is another.
func (p *passwordSet) text() string {
	said := slices.DeleteFunc(p[:], func(v string) bool { return v == "" })
	return strings.Join(said, " ")
}
