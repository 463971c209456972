package conf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/login"
)

// nameless finds what needs a directory where there is none: nothing but her name
// is known of anybody then.
func (f *File) nameless() error {
	if err := f.echoes(); err != nil {
		return err
	}
	if f.LDAP.Enabled() {
		if len(f.Upstream.Domains) > 0 {
			return errors.New("upstream.domains: names are looked up in the directory, which knows them: use ldap.domains, and remove it")
		}
		return nil
	}
	for i, r := range f.Rules {
		if len(r.Groups) > 0 {
			return fmt.Errorf("rule %d: groups: without [ldap] nobody is known to be in a group, so it would never match: use users, or add the directory", i+1)
		}
	}
	for i, r := range f.Replies {
		if len(r.Groups) > 0 {
			return fmt.Errorf("reply rule %d: groups: without [ldap] nobody is known to be in a group, so it would never match: use users, or add the directory", i+1)
		}
	}
	return nil
}

// passes finds reply rules that pass on what never comes, or what everybody gets
// already.
func (f *File) passes() error {
	var errs []error
	for i, r := range f.Replies {
		if len(r.Pass) > 0 && !f.Upstream.Enabled() {
			errs = append(errs, fmt.Errorf("reply number %d: pass: without an [[upstream.server]] nothing comes that could be passed on: add one, or remove it", i+1))
			continue
		}
		for _, name := range r.Pass {
			if slices.ContainsFunc(f.Upstream.Pass, func(all string) bool { return strings.EqualFold(all, name) }) {
				errs = append(errs, fmt.Errorf("reply number %d: pass: upstream.pass lets %s through for everybody: remove it there, or here", i+1, name))
			}
		}
	}
	return errors.Join(errs...)
}

// echoes finds copies that would be sent on: a server that sends copies here and
// is asked about each password would be sent its own copies without end, and one
// that asks a second factor would ask it of people whose sign-in is a copy.
func (f *File) echoes() error {
	if !f.Upstream.Enabled() {
		return nil
	}
	for i, c := range f.Clients {
		if c.Shadow == string(login.ShadowPassword) {
			return fmt.Errorf("client %d: shadow = \"password\" would have copies decided by the servers of [upstream], which may send them here again: use shadow = \"rule\"", i+1)
		}
	}
	return nil
}

// unchanging finds rules that would have passwords changed where nobody can.
func (f *File) unchanging() []string {
	if !f.Upstream.Enabled() {
		return nil
	}
	var all []string
	for i, r := range f.Rules {
		if r.ExpiredPassword == login.ExpiredChange {
			all = append(all, fmt.Sprintf("rule number %d: expired_password: \"change\" has no effect, as the servers of [upstream] decide about passwords and are asked for no change: "+
				"people whose password has expired are refused; remove it, and say where they change it", i+1))
		}
	}
	return all
}

// strangers finds rules that let people in by a name alone where names are all
// that is known.
func (f *File) strangers() []string {
	if f.LDAP.Enabled() {
		return nil
	}
	for i, r := range f.Rules {
		// Who enrolls under the default enroll_dormant needs the service desk first:
		// nobody tells when an account was last used.
		enrolls := r.Unenrolled == login.UnenrolledEnroll && r.Dormant == -1 && r.Approval == ""
		if r.SecondFactor == login.SecondEnrolled || r.Unenrolled == login.UnenrolledAllow || enrolls {
			return []string{fmt.Sprintf("rule %d: lets in who has nothing enrolled, or lets her enroll, and without [ldap] names are all that is known: "+
				"a server that knows a person by two names lets her in by the other one with the password alone; have it require a second factor", i+1)}
		}
	}
	return nil
}
