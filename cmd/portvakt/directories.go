package main

import (
	"bytes"
	"fmt"
	"os"
	"reflect"

	"github.com/portvakt/portvakt/ldapauth"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/upstream"
)

// directories are what knows people, and what checks their passwords.
type directories struct {
	// directory is the one that is asked: upstream where there is one, with the
	// directory behind it, else the directory itself.
	directory login.Directory
	ldap      *ldapauth.Directory // nil where upstream is all there is
	upstream  *upstream.Directory // nil without servers
	// authorities is the file that ldap.ca named when it was read.
	authorities []byte
}

// openDirectories makes those of the configuration, or takes those of the system
// before whose configuration is the same.
func (s *system) openDirectories(before *system) (err error) {
	// The file of authorities may have another content under the same name.
	s.authorities, _ = os.ReadFile(s.file.LDAP.CA) // what is wrong with it, New says
	same := before != nil && reflect.DeepEqual(before.file.LDAP, s.file.LDAP) && bytes.Equal(before.authorities, s.authorities)
	switch {
	case same:
		s.ldap = before.ldap
	case s.file.LDAP.Enabled():
		if s.ldap, err = ldapauth.New(s.file.LDAP, s.log); err != nil {
			return fmt.Errorf("ldap: %w", err)
		}
	}
	var accounts login.Directory
	if s.ldap != nil {
		accounts = s.ldap
	}
	s.directory = accounts
	if !s.file.Upstream.Enabled() {
		return nil
	}
	if same && reflect.DeepEqual(before.file.Upstream, s.file.Upstream) {
		s.upstream = before.upstream
	} else if s.upstream, err = upstream.New(s.file.Upstream, accounts, s.log); err != nil {
		s.closeDirectories(before)
		return fmt.Errorf("upstream: %w", err)
	}
	s.directory = s.upstream
	return nil
}

// closeDirectories leaves the other system those that it has too.
func (s *system) closeDirectories(other *system) {
	if s.upstream != nil && (other == nil || s.upstream != other.upstream) {
		s.upstream.Close()
	}
	if s.ldap != nil && (other == nil || s.ldap != other.ldap) {
		s.ldap.Close()
	}
}

// up reports whether names can be looked up and passwords be checked, as far as
// is known.
func (d *directories) up() bool {
	return (d.ldap == nil || d.ldap.Up()) && (d.upstream == nil || d.upstream.Up())
}
