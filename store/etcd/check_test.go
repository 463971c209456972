package etcd_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/store"
	"github.com/portvakt/portvakt/store/etcd"
	"github.com/portvakt/portvakt/store/storetest"
)

// elsewhere is an address that leads to a member and is not in its certificate.
func elsewhere(t *testing.T, endpoint string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", strings.TrimPrefix(endpoint, "https://"))
			if err != nil {
				_ = in.Close()
				continue
			}
			go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
			go func() { _, _ = io.Copy(in, out); _ = in.Close() }()
		}
	}()
	return "https://" + l.Addr().String()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	c := peer.StartEtcd(t, peer.EtcdOptions{CA: ca})
	good := store.DefaultCluster()
	good.Endpoints, good.CA, good.Cert, good.KeyFile = c.Endpoints, ca.File, c.Client.CertFile, c.Client.KeyFile
	good.Timeout = 30 * time.Second
	storetest.Put(t, open(t, good), "k", "x")

	hasty := good
	hasty.Timeout = time.Second
	stranger := peer.NewCA(t)
	for name, tc := range map[string]struct {
		change func(c *store.Cluster)
		says   string
	}{
		"another authority":   {func(c *store.Cluster) { c.CA = stranger.File }, "certificate"},
		"no certificate":      {func(c *store.Cluster) { c.Cert, c.KeyFile = "", "" }, "certificate"},
		"another host":        {func(c *store.Cluster) { c.Endpoints = []string{elsewhere(t, c.Endpoints[0])} }, "127.0.0.2"},
		"nobody at this port": {func(c *store.Cluster) { c.Endpoints = []string{"https://127.0.0.1:1"} }, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := hasty
			tc.change(&cfg)
			if _, err := open(t, cfg).Get(t.Context(), "k"); err == nil || errors.Is(err, login.ErrNotFound) {
				t.Errorf("got %v, want an error", err)
			}
			for _, m := range etcd.Check(t.Context(), cfg) {
				if m.Err == nil || !strings.Contains(m.Err.Error(), tc.says) {
					t.Errorf("check says %v, want it to say %q", m.Err, tc.says)
				}
			}
		})
	}
	for _, m := range etcd.Check(t.Context(), good) {
		if m.Err != nil || m.Expires.IsZero() || !strings.Contains(m.Note, "leads") {
			t.Errorf("check: %+v", m)
		}
	}
}

// Where the cluster has users, the common name of a node's certificate is one, who
// may reach the records below the prefix and no other. That holds also when the
// members have started again, since there is no password and no token.
func TestANodeIsAUserOfTheCluster(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	c := peer.StartEtcd(t, peer.EtcdOptions{CA: ca}) // the certificate of a client names "portvakt"
	cfg := store.DefaultCluster()
	cfg.Endpoints, cfg.CA, cfg.Cert, cfg.KeyFile = c.Endpoints, ca.File, c.Client.CertFile, c.Client.KeyFile
	cfg.Timeout = 30 * time.Second
	for _, args := range [][]string{
		{"role", "add", "root"},
		{"user", "add", "root:of-the-root"},
		{"user", "grant-role", "root", "root"},
		{"role", "add", "portvakt"},
		{"role", "grant-permission", "portvakt", "--prefix=true", "readwrite", "portvakt/"},
		{"user", "add", "portvakt", "--no-password"},
		{"user", "grant-role", "portvakt", "portvakt"},
		{"auth", "enable"},
	} {
		c.Must(t, args...)
	}
	kv := open(t, cfg)
	storetest.Put(t, kv, "k", "x")
	other := cfg
	other.Prefix = "elsewhere/"
	if err := open(t, other).Swap(t.Context(), "k", 0, []byte("x")); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("outside of its prefix: got %v", err)
	}
	stranger := ca.Issue(t, peer.CertRequest{Name: "nobody-in-particular"})
	foreign := cfg
	foreign.Cert, foreign.KeyFile = stranger.CertFile, stranger.KeyFile
	if _, err := open(t, foreign).Get(t.Context(), "k"); err == nil {
		t.Error("who is no user has read a record")
	}
	for _, m := range etcd.Check(t.Context(), cfg) {
		if m.Err != nil {
			t.Errorf("check: %v", m.Err)
		}
	}
	c.Kill(0)
	c.Restart(t, 0)
	await(t, func() error { return again(t.Context(), kv) })
	if got := string(storetest.Get(t, kv, "k").Data); got != "x" {
		t.Errorf("got %q", got)
	}
}

func TestCheckTellsOfEachMember(t *testing.T) {
	t.Parallel()
	c := peer.StartEtcd(t, peer.EtcdOptions{Members: 3})
	cfg := cluster(c)
	leader := 0
	for i, m := range etcd.Check(t.Context(), cfg) {
		if m.Err != nil || m.Endpoint != c.Endpoints[i] || !strings.Contains(m.Note, "etcd 3.") {
			t.Errorf("member %d: %+v", i, m)
		}
		if strings.Contains(m.Note, "leads") {
			leader++
		}
	}
	if leader != 1 {
		t.Errorf("%d members lead", leader)
	}
	c.Kill(0)
	c.Kill(1)
	await(t, func() error {
		m := etcd.Check(t.Context(), cfg)
		if m[0].Err == nil || m[1].Err == nil || m[2].Err == nil || !strings.Contains(m[2].Err.Error(), "no leader") {
			return fmt.Errorf("check: %+v", m)
		}
		return nil
	})
}
