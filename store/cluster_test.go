package store_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/store"
)

func TestClusterTellsAllProblems(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cert := ca.Issue(t, peer.CertRequest{})
	open := ca.Issue(t, peer.CertRequest{})
	if err := os.Chmod(open.KeyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	good := store.DefaultConfig()
	good.Kind, good.Path, good.Key = store.KindEtcd, "", secret.New("1 "+key64(1))
	good.Endpoints = []string{"https://etcd1.example.org:2379", "https://192.0.2.2:2379", "https://[2001:db8::1]:2379"}
	good.CA, good.Cert, good.KeyFile = ca.File, cert.CertFile, cert.KeyFile
	const no = "/nowhere/file.pem"
	for name, tc := range map[string]struct {
		change func(c *store.Config)
		want   []string // in this order
	}{
		"good":                  {func(*store.Config) {}, nil},
		"the system's roots":    {func(c *store.Config) { c.CA, c.Cert, c.KeyFile = "", "", "" }, nil},
		"a key ring is needed":  {func(c *store.Config) { c.Key = secret.Value{} }, []string{"store.key"}},
		"nobody":                {func(c *store.Config) { c.Endpoints = nil }, []string{"store.endpoints"}},
		"too many":              {func(c *store.Config) { c.Endpoints = make([]string, 17) }, append([]string{"1 to 16"}, times("not https", 17)...)},
		"no scheme":             {func(c *store.Config) { c.Endpoints = []string{"etcd1:2379"} }, []string{"etcd1:2379"}},
		"no port":               {func(c *store.Config) { c.Endpoints = []string{"https://etcd1"} }, []string{"https://host:port"}},
		"a path":                {func(c *store.Config) { c.Endpoints = []string{"https://etcd1:2379/v3"} }, []string{"write https://etcd1:2379"}},
		"a password in the URL": {func(c *store.Config) { c.Endpoints = []string{"https://u:p@etcd1:2379"} }, []string{"only a host and a port"}},
		"in the clear":          {func(c *store.Config) { c.Endpoints = []string{"http://etcd1:2379"} }, []string{"insecure = true"}},
		"in the clear, allowed": {func(c *store.Config) { c.Endpoints, c.Insecure = []string{"http://etcd1:2379"}, true }, nil},
		"one of two in the clear": {func(c *store.Config) {
			c.Endpoints, c.Insecure = []string{"http://etcd1:2379", "https://etcd2:2379"}, true
		}, []string{"in one list"}},
		"no such authority":    {func(c *store.Config) { c.CA = no }, []string{"store.ca"}},
		"no such certificate":  {func(c *store.Config) { c.Cert = no }, []string{"store.cert"}},
		"another key":          {func(c *store.Config) { c.KeyFile = ca.Issue(t, peer.CertRequest{}).KeyFile }, []string{"store.cert"}},
		"a key for everybody":  {func(c *store.Config) { c.Cert, c.KeyFile = open.CertFile, open.KeyFile }, []string{"store.key_file"}},
		"a certificate alone":  {func(c *store.Config) { c.KeyFile = "" }, []string{"store.key_file"}},
		"a key alone":          {func(c *store.Config) { c.Cert = "" }, []string{"store.cert"}},
		"no prefix":            {func(c *store.Config) { c.Prefix = "" }, []string{"store.prefix"}},
		"a prefix with no end": {func(c *store.Config) { c.Prefix = "portvakt" }, []string{"store.prefix"}},
		"a long prefix":        {func(c *store.Config) { c.Prefix = strings.Repeat("p", 64) + "/" }, []string{"store.prefix"}},
		"no time":              {func(c *store.Config) { c.Timeout = 0 }, []string{"store.timeout"}},
		"too much time":        {func(c *store.Config) { c.Timeout = time.Minute }, []string{"store.timeout"}},
		"many":                 {func(c *store.Config) { c.Endpoints, c.CA, c.Timeout = nil, no, 0 }, []string{"store.endpoints", "store.ca", "store.timeout"}},
	} {
		c := good
		tc.change(&c)
		var lines []string
		if err := c.Validate(); err != nil {
			lines = strings.Split(err.Error(), "\n")
		}
		if len(lines) != len(tc.want) {
			t.Errorf("%s: got %q, want %d problems", name, lines, len(tc.want))
			continue
		}
		for i, want := range tc.want {
			if !strings.Contains(lines[i], want) || strings.Contains(lines[i], "secret\"") {
				t.Errorf("%s: got %q, want it to say %s and no password", name, lines[i], want)
			}
		}
	}
}

func times(s string, n int) (all []string) {
	for range n {
		all = append(all, s)
	}
	return all
}

func TestClusterWarnsOfWhatIsWeak(t *testing.T) {
	t.Parallel()
	c := store.DefaultConfig()
	if got := c.Warnings(); got != nil {
		t.Errorf("a file: %q", got)
	}
	c.Kind = store.KindEtcd
	for _, row := range []struct {
		endpoints []string
		want      []string
	}{
		{[]string{"https://a:1", "https://b:1", "https://c:1"}, nil},
		{[]string{"https://a:1", "https://b:1"}, []string{"two members"}},
		{[]string{"https://a:1"}, []string{"one member"}},
		{[]string{"http://a:1", "http://b:1", "http://c:1"}, []string{"http://a:1, http://b:1, http://c:1"}},
	} {
		c.Endpoints = row.endpoints
		got := c.Warnings()
		if len(got) != len(row.want) {
			t.Errorf("%q: got %q, want %d warnings", row.endpoints, got, len(row.want))
			continue
		}
		for i, want := range row.want {
			if !strings.Contains(got[i], want) {
				t.Errorf("%q: got %q, want it to say %s", row.endpoints, got[i], want)
			}
		}
	}
}

// A reload may bring another key ring, and nothing else of the store.
func TestSameStoreIsAboutItsRecords(t *testing.T) {
	t.Parallel()
	bolt := store.DefaultConfig()
	other := bolt
	other.Key = secret.New("another")
	if !bolt.Same(other) {
		t.Error("another key ring is another store")
	}
	other.Path = "/elsewhere"
	if bolt.Same(other) {
		t.Error("another file is the same store")
	}
	etcd := bolt
	etcd.Kind, etcd.Endpoints = store.KindEtcd, []string{"https://a:1"}
	if etcd.Same(bolt) || bolt.Same(etcd) {
		t.Error("a cluster is the same store as a file")
	}
	for name, change := range map[string]func(c *store.Config){
		"endpoints": func(c *store.Config) { c.Endpoints = []string{"https://b:1"} },
		"cert":      func(c *store.Config) { c.Cert = "/cert" },
		"ca":        func(c *store.Config) { c.CA = "/ca" },
		"prefix":    func(c *store.Config) { c.Prefix = "p/" },
		"timeout":   func(c *store.Config) { c.Timeout = time.Minute },
	} {
		now := etcd
		change(&now)
		if etcd.Same(now) {
			t.Errorf("another %s is the same store", name)
		}
	}
	same := etcd
	same.Key, same.Path = secret.New("another"), "/elsewhere"
	if !etcd.Same(same) {
		t.Error("another key ring, and a path that is not used, are another cluster")
	}
}
