package ldapauth

import (
	"context"
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/ldapauth/winbind"
	"github.com/portvakt/portvakt/login"
)

var _ login.NTChanger = (*Directory)(nil)

// ChangesNTPasswords reports whether a domain controller can be asked.
func (d *Directory) ChangesNTPasswords() bool { return d.domain != nil && d.cfg.NTLMDomain != "" }

// ChangeNTPassword has a domain controller change a password by what a person's
// system has sent; see [login.NTChanger]. Whether the new one is typable, as one
// that comes in the clear must be, only the controller could tell: it comes under
// the hash of the old one (RFC 2759, section 8.9), which is not known here.
func (d *Directory) ChangeNTPassword(ctx context.Context, a login.Account, c login.NTChange) error {
	switch {
	case !d.ChangesNTPasswords():
		return errors.New("ldapauth: nothing can change a password by MS-CHAPv2: set ldap.ntlm_auth and ldap.ntlm_domain")
	case a.Name == "":
		return errors.New("ldapauth: account without a login name: set ldap.attributes.name")
	}
	password, hash := c.NTBlobs()
	err := d.domain.Change(ctx, winbind.Change{Domain: d.cfg.NTLMDomain, User: a.Name, Password: password, Hash: hash})
	if err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return nil
}
