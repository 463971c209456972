package ldapauth

import (
	"log/slog"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
)

// The benchmarks run against a real slapd with {SSHA} passwords on the same
// machine; "client-us/op" is this process's processor time, "slapd-us/op" the
// server's.

func benchDirectory(b *testing.B) (*peer.Slapd, *Directory) {
	b.Helper()
	s := peer.StartSlapd(b, peer.SlapdOptions{Quiet: true})
	c := slapdConfig(s)
	c.Servers, c.Insecure = []string{s.URL}, true
	d, err := New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(d.Close)
	return s, d
}

// measure runs fn b.N times from 8 goroutines a processor and reports
// processor time.
func measure(b *testing.B, s *peer.Slapd, fn func() error) {
	b.Helper()
	if err := fn(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetParallelism(8)
	client, server := ownCPU(b), processCPU(b, s.Pid())
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := fn(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	b.ReportMetric(float64((ownCPU(b)-client).Microseconds())/float64(b.N), "client-us/op")
	b.ReportMetric(float64((processCPU(b, s.Pid())-server).Microseconds())/float64(b.N), "slapd-us/op")
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processCPU reads the 14th and 15th field of /proc/<pid>/stat (proc(5)), in
// ticks of 10 ms.
func processCPU(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

func BenchmarkLookup(b *testing.B) {
	s, d := benchDirectory(b)
	all := d.names.alternatives(nil, "alice")
	measure(b, s, func() error {
		// Around the cache, which would make one search of many.
		_, err := d.find(b.Context(), all)
		return err
	})
}

func BenchmarkLookupCached(b *testing.B) {
	s, d := benchDirectory(b)
	measure(b, s, func() error {
		_, err := d.Lookup(b.Context(), "alice", time.Hour)
		return err
	})
}

func BenchmarkVerify(b *testing.B) {
	s, d := benchDirectory(b)
	a, err := d.Lookup(b.Context(), "alice", 0)
	if err != nil {
		b.Fatal(err)
	}
	measure(b, s, func() error { return d.Verify(b.Context(), a, login.Cleartext(peer.UserPassword)) })
}

// BenchmarkGoLDAPSearch is what a general client takes for the same search.
func BenchmarkGoLDAPSearch(b *testing.B) {
	s, d := benchDirectory(b)
	conns := make(chan *ldap.Conn, d.cfg.SearchConnections)
	for range cap(conns) {
		c, err := ldap.DialURL(s.URL)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		if err := c.Bind(peer.SlapdBindDN, peer.SlapdPassword); err != nil {
			b.Fatal(err)
		}
		conns <- c
	}
	measure(b, s, func() error {
		c := <-conns
		defer func() { conns <- c }()
		_, err := c.Search(ldap.NewSearchRequest(peer.SlapdPeople, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 2, 5, false,
			"(uid="+ldap.EscapeFilter("alice")+")",
			[]string{"entryUUID", "uid", "mail", "preferredLanguage", "memberOf", "mobile", "telephoneNumber"}, nil))
		return err
	})
}

// BenchmarkGoLDAPBind is what a general client takes for the same bind.
func BenchmarkGoLDAPBind(b *testing.B) {
	s, d := benchDirectory(b)
	conns := make(chan *ldap.Conn, d.cfg.BindConnections)
	for range cap(conns) {
		c, err := ldap.DialURL(s.URL)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() })
		conns <- c
	}
	measure(b, s, func() error {
		c := <-conns
		defer func() { conns <- c }()
		return c.Bind(peer.UserDN("alice"), peer.UserPassword)
	})
}
