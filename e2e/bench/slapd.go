package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
)

// The directory of the comparison.
const (
	suffix          = "dc=example,dc=org"
	peopleBase      = "ou=people," + suffix
	serviceDN       = "cn=bench,ou=services," + suffix
	servicePassword = "service-password"
)

//go:embed slapd.conf.tmpl
var slapdConf string

// writeLDIF writes the whole tree.
func writeLDIF(w io.Writer, users int) error {
	fmt.Fprintf(w, `dn: %[1]s
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=services,%[1]s
objectClass: organizationalUnit
ou: services

dn: %[2]s
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: bench
userPassword: %[3]s

dn: %[4]s
objectClass: organizationalUnit
ou: people

`, suffix, serviceDN, salted(servicePassword), peopleBase)
	for n := range users {
		name := nameOf(n)
		if _, err := fmt.Fprintf(w, `dn: uid=%[1]s,%[2]s
objectClass: inetOrgPerson
uid: %[1]s
cn: %[1]s
sn: %[1]s
mail: %[1]s@example.org
mobile: +474%07[3]d
userPassword: %[4]s
description: %[5]s

`, name, peopleBase, n, salted(passwordOf(n)), base32Of(secretOf(name))); err != nil {
			return err
		}
	}
	return nil
}

// salted hashes a password as {SSHA}, OpenLDAP's default and the cheapest that
// is still in use: a slower one would hide the servers behind the directory.
func salted(password string) string {
	salt := make([]byte, 8)
	rand.Read(salt)
	sum := sha1.Sum(append([]byte(password), salt...))
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}

// writeCSV writes tokens as "portvakt user import" reads them.
func writeCSV(w io.Writer, users int) error {
	fmt.Fprintln(w, "user,secret")
	for n := range users {
		name := nameOf(n)
		if _, err := fmt.Fprintf(w, "%s,%s\n", name, base32Of(secretOf(name))); err != nil {
			return err
		}
	}
	return nil
}

// writeTo writes a file by a function.
func writeTo(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	return errors.Join(write(w), w.Flush(), f.Close())
}

// writeTemplate writes a configuration file.
func writeTemplate(path, text string, data any) error {
	t, err := template.New(filepath.Base(path)).Parse(text)
	if err != nil {
		return err
	}
	return writeTo(path, func(w io.Writer) error { return t.Execute(w, data) })
}

// A slapd is the directory of the comparison.
type slapd struct {
	*process
	port int
}

// startDirectory loads slapd with the population and starts it.
func startDirectory(ctx context.Context, dir string, users int) (*slapd, error) {
	dir = filepath.Join(dir, "slapd")
	if err := os.MkdirAll(filepath.Join(dir, "db"), 0o700); err != nil {
		return nil, err
	}
	conf, ldif := filepath.Join(dir, "slapd.conf"), filepath.Join(dir, "people.ldif")
	err := writeTemplate(conf, slapdConf, map[string]string{"Dir": dir, "Suffix": suffix, "Service": serviceDN})
	if err != nil {
		return nil, err
	}
	if err := writeTo(ldif, func(w io.Writer) error { return writeLDIF(w, users) }); err != nil {
		return nil, err
	}
	slapadd, err := program("slapadd")
	if err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, slapadd, "-q", "-f", conf, "-l", ldif).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("slapadd: %w: %s", err, lastOf(out))
	}
	port, err := freePort("tcp")
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	p, err := start(ctx, "slapd", filepath.Join(dir, "log"), "slapd", "-d", "0", "-f", conf, "-h", "ldap://"+address+"/")
	if err != nil {
		return nil, err
	}
	err = p.ready(ctx, func() error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		p.stop()
		return nil, err
	}
	return &slapd{p, port}, nil
}

func (s *slapd) url() string { return fmt.Sprintf("ldap://127.0.0.1:%d", s.port) }

// freePort is a port that the kernel has just had free.
func freePort(network string) (int, error) {
	if network == "udp" {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return 0, err
		}
		return conn.LocalAddr().(*net.UDPAddr).Port, conn.Close()
	}
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}
