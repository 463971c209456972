package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/jimlambrt/gldap"
)

// A demoPerson is somebody in the demonstration's directory.
type demoPerson struct {
	uid, name, password, id, mobile, language, group string
}

const (
	demoBase     = "dc=example,dc=org"
	demoService  = "cn=portvakt," + demoBase
	demoStaff    = "cn=staff,ou=groups," + demoBase
	demoStudents = "cn=students,ou=groups," + demoBase
	demoOnCall   = "cn=oncall,ou=groups," + demoBase
)

// demoPeople are known to anybody who reads this: the directory that has them
// listens on loopback and lives as long as the demonstration.
func demoPeople() []demoPerson {
	return []demoPerson{
		{"alice", "Alice Ask", "wonderland", "5a1f1c0e-0001-4000-8000-000000000001", "+47 900 00 042", "en", demoStaff},
		{"bjorn", "Bjørn Berg", "blåbær", "5a1f1c0e-0002-4000-8000-000000000002", "+47 900 00 017", "nb", demoStudents},
		{"carol", "Carol Chen", "correct,horse", "5a1f1c0e-0003-4000-8000-000000000003", "", "en", demoStaff},
		{"dagny", "Dagny Dahl", "fjelltur", "5a1f1c0e-0004-4000-8000-000000000004", "+47 900 00 023", "en", demoOnCall},
	}
}

func (p demoPerson) dn() string { return "uid=" + p.uid + ",ou=people," + demoBase }

// A demoDirectory serves LDAP on a loopback port: real binds and searches over
// a real connection, for the demonstration only. It knows the one filter that
// the demonstration's configuration uses.
type demoDirectory struct {
	url      string
	password string
	server   *gldap.Server
	done     chan error
	once     sync.Once
}

func startDemoDirectory(ctx context.Context, password string) (*demoDirectory, error) {
	for tries := 1; ; tries++ {
		d, err := serveDemoDirectory(ctx, password)
		if !errors.Is(err, syscall.EADDRINUSE) || tries == 5 {
			return d, err
		}
	}
}

func serveDemoDirectory(ctx context.Context, password string) (*demoDirectory, error) {
	s, err := gldap.NewServer(gldap.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return nil, err
	}
	d := &demoDirectory{password: password, server: s, done: make(chan error, 1)}
	mux, err := gldap.NewMux()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(mux.Bind(d.bind), mux.Search(d.search), s.Router(mux)); err != nil {
		return nil, err
	}
	addr, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	go func() { d.done <- s.Run(addr) }()
	d.url = "ldap://" + addr
	for range 200 {
		ready := s.Ready() // a moment before the error, when there is one
		select {
		case err := <-d.done:
			return nil, fmt.Errorf("directory of the demonstration: %w", err)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if ready {
			return d, nil
		}
	}
	return nil, errors.New("the directory of the demonstration did not come up")
}

// freeAddress is a loopback address for a server that takes an address and not
// a listener. Somebody else may be faster to take it.
func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// stop ends the directory. It may be called more than once.
func (d *demoDirectory) stop() {
	d.once.Do(func() {
		if err := d.server.Stop(); err == nil {
			<-d.done //nolint:errcheck // what ended it is that it was stopped
		}
	})
}

func (d *demoDirectory) bind(w *gldap.ResponseWriter, r *gldap.Request) {
	resp := r.NewBindResponse(gldap.WithResponseCode(gldap.ResultInvalidCredentials))
	defer func() { _ = w.Write(resp) }()
	m, err := r.GetSimpleBindMessage()
	if err != nil {
		return
	}
	want := map[string]string{strings.ToLower(demoService): d.password}
	for _, p := range demoPeople() {
		want[strings.ToLower(p.dn())] = p.password
	}
	password, ok := want[strings.ToLower(m.UserName)]
	if ok && subtle.ConstantTimeCompare([]byte(password), []byte(m.Password)) == 1 {
		resp.SetResultCode(gldap.ResultSuccess)
	}
}

func (d *demoDirectory) search(w *gldap.ResponseWriter, r *gldap.Request) {
	resp := r.NewSearchDoneResponse(gldap.WithResponseCode(gldap.ResultSuccess))
	defer func() { _ = w.Write(resp) }()
	m, err := r.GetSearchMessage()
	if err != nil {
		resp.SetResultCode(gldap.ResultProtocolError)
		return
	}
	if m.Scope == gldap.BaseObject && strings.EqualFold(m.BaseDN, demoBase) {
		_ = w.Write(r.NewSearchResponseEntry(demoBase, gldap.WithAttributes(map[string][]string{"objectClass": {"domain"}})))
		return
	}
	for _, group := range []string{demoStaff, demoStudents, demoOnCall} {
		if m.Scope == gldap.BaseObject && strings.EqualFold(m.BaseDN, group) {
			_ = w.Write(r.NewSearchResponseEntry(group, gldap.WithAttributes(map[string][]string{"objectClass": {"groupOfNames"}})))
			return
		}
	}
	for _, p := range demoPeople() {
		if !strings.EqualFold(m.Filter, "(uid="+p.uid+")") && !strings.EqualFold(m.BaseDN, p.dn()) {
			continue
		}
		attributes := map[string][]string{
			"objectClass": {"inetOrgPerson"}, "uid": {p.uid}, "cn": {p.name}, "entryUUID": {p.id},
			"preferredLanguage": {p.language}, "mail": {p.uid + "@example.org"}, "memberOf": {p.group},
		}
		if p.mobile != "" {
			attributes["mobile"] = []string{p.mobile}
		}
		if err := w.Write(r.NewSearchResponseEntry(p.dn(), gldap.WithAttributes(attributes))); err != nil {
			return
		}
	}
}
