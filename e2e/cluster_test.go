package e2e_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// A clusterSite is two nodes on one cluster, with people who have tokens.
type clusterSite struct {
	etcd *peer.Etcd
	a, b *server.Daemon
	seed []server.Seed // of bulk(0) and so on
}

func newCluster(t *testing.T, people int, o peer.EtcdOptions, more string) clusterSite {
	t.Helper()
	c := clusterSite{etcd: peer.StartEtcd(t, o)}
	slapd := peer.StartSlapd(t, peer.SlapdOptions{Bulk: people})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd), Cluster: c.etcd, More: more})
	c.seed = site.EnrollMany(t, people, bulk)
	c.a, c.b = site.Start(t), site.Beside(t).Start(t)
	return c
}

// One code, sent many times at the same moment to two nodes, lets in once. In
// what the cluster has afterwards nobody finds a secret (S-02, S-28).
func TestS02ACodeIsGoodOnceOnTwoNodes(t *testing.T) {
	t.Parallel()
	const requests = 50
	c := newCluster(t, 2, peer.EtcdOptions{Members: 3}, "")
	nodes := []*server.Daemon{c.a, c.b}
	for i, test := range []struct {
		name  string
		state func(j int, one []byte) []byte
	}{
		{"each with a question of its own", func(j int, _ []byte) []byte { return ask(t, nodes[j%2], bulk(0)) }},
		{"all with the question of one node", func(_ int, one []byte) []byte { return one }},
	} {
		one := ask(t, c.a, bulk(i))
		states := make([][]byte, requests)
		for j := range states {
			states[j] = test.state(j, one)
		}
		code := c.seed[i].Code(t)
		var accepted, other atomic.Int32
		together(requests, func(j int) {
			nas := nodes[j%2].Client()
			nas.Timeout = 2 * time.Minute // the others are before it, and the machine may be busy
			reply, err := nas.Do(t.Context(), client.Request{User: bulk(i), Password: code, State: states[j]})
			switch {
			case errors.Is(err, client.ErrNoReply): // not decided is not let in
			case err != nil:
				t.Error(err)
			case reply.Code == client.AccessAccept:
				accepted.Add(1)
			default:
				other.Add(1)
			}
		})
		if accepted.Load() != 1 || other.Load() == 0 {
			t.Errorf("%s: %d accepts and %d refusals, want 1 accept", test.name, accepted.Load(), other.Load())
		}
	}
	dump := c.etcd.Dump(t)
	if !strings.Contains(dump, "portvakt/enroll/") || !strings.Contains(dump, "portvakt/guard/") {
		t.Error("the dump has not what was written")
	}
	for _, secret := range []string{string(c.seed[0]), string(c.seed[1]), peer.UserPassword, server.Secret, peer.SlapdPassword} {
		if strings.Contains(dump, secret) {
			t.Errorf("the cluster has %q in the clear", secret)
		}
	}
}

// A question of one node is answered at the other one, also when the first is
// dead; and where one node has counted wrong codes the other goes on counting.
func TestAnyNodeAtAnyTime(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2, peer.EtcdOptions{}, "")
	state := ask(t, c.a, bulk(0))
	code := c.seed[0].Code(t)
	want(t, "a question of a, answered at b", exchange(t, c.b.Client(), bulk(0), code, state), client.AccessAccept)
	want(t, "the same answer again, at a", exchange(t, c.a.Client(), bulk(0), code, state), client.AccessReject)
	want(t, "the same code at a", exchange(t, c.a.Client(), bulk(0), code, ask(t, c.a, bulk(0))), client.AccessChallenge)

	state = ask(t, c.a, bulk(1))
	c.a.Kill(t)
	want(t, "a question of a node that is dead", exchange(t, c.b.Client(), bulk(1), c.seed[1].Code(t), state), client.AccessAccept)

	// Five wrong codes from places that she is not known at are too many, wherever
	// they come in.
	a := c.a.Start(t)
	for i := range 20 {
		d := []*server.Daemon{a, c.b}[i%2]
		reply := exchange(t, d.Client(), bulk(0), peer.UserPassword, nil)
		if reply.Code == client.AccessChallenge {
			exchange(t, d.Client(), bulk(0), c.seed[0].Wrong(t), reply.State())
		}
	}
	a.AwaitLog(t, `"reason":"locked"`)
	c.b.AwaitLog(t, `"reason":"locked"`)
}

// The concentrator asks the second server while the telephone rings at the
// first's word: it rings once, and both let in.
func TestOneSignInRingsOnceOnTwoNodes(t *testing.T) {
	t.Parallel()
	phone := newHandset(t, manual)
	site, _ := callSite{exchanges: []string{phone.Addr()}, client: `patience = "60s"`, cluster: peer.StartEtcd(t, peer.EtcdOptions{Members: 3})}.new(t)
	nodes := []*server.Daemon{site.Start(t), site.Beside(t).Start(t)}
	replies := make([]client.Reply, 2)
	var all sync.WaitGroup
	begin := func(i int) {
		all.Go(func() {
			nas := from(nodes[i], desk)
			nas.Timeout = time.Minute
			reply, err := nas.Do(t.Context(), client.Request{User: "alice", Password: peer.UserPassword})
			if err != nil {
				t.Errorf("node %d: %v", i, err)
			}
			replies[i] = reply
		})
	}
	begin(0)
	phone.await(t, "rang", phone.rings)
	begin(1)
	nodes[1].Await(t, "a request held at the second node", func() bool {
		return strings.Contains(nodes[1].Must(t, "status"), "in hand 1, of them held 1")
	})
	// Somebody else who has her password is refused there, too.
	thief := from(nodes[1], "203.0.113.66")
	if reply, err := thief.Do(t.Context(), client.Request{User: "alice", Password: peer.UserPassword}); err != nil || reply.Code != client.AccessReject {
		t.Errorf("another device at the second node: %v %v", reply.Code, err)
	}
	nodes[1].AwaitLog(t, `"reason":"another_sign_in_in_progress"`)
	phone.await(t, "said anything", phone.heard)
	if err := phone.Press(t.Context(), "#"); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	for i, reply := range replies {
		want(t, "node "+string(rune('a'+i)), reply, client.AccessAccept)
	}
	if n := phone.rung.Load(); n != 1 {
		t.Errorf("her telephone rang %d times", n)
	}
}

// The cluster is lost while her telephone rings: what she presses lets nobody in,
// since it could not be written down, and no node calls her while that is so.
// Then she tries again.
func TestNobodyIsCalledWithoutTheCluster(t *testing.T) {
	t.Parallel()
	phone := newHandset(t, manual)
	etcd := peer.StartEtcd(t, peer.EtcdOptions{Members: 3})
	site, seed := callSite{exchanges: []string{phone.Addr()}, client: `patience = "20s"`, cluster: etcd}.new(t)
	a, b := site.Start(t), site.Beside(t).Start(t)
	silent := func(d *server.Daemon, within time.Duration) {
		nas := from(d, desk)
		nas.Timeout = within
		reply, err := nas.Do(t.Context(), client.Request{User: "alice", Password: peer.UserPassword})
		if !errors.Is(err, client.ErrNoReply) {
			t.Errorf("without the cluster: got %v %q, %v; want silence", reply.Code, reply.Message(), err)
		}
	}
	var all sync.WaitGroup
	all.Go(func() { silent(a, 15*time.Second) })
	phone.await(t, "rang", phone.rings)
	phone.await(t, "said anything", phone.heard)
	gone := []int{0, 1}
	for _, i := range gone {
		etcd.Pause(i)
	}
	all.Go(func() { silent(b, 8*time.Second) })
	if err := phone.Press(t.Context(), "#"); err != nil {
		t.Fatal(err)
	}
	a.AwaitLog(t, `"outcome":"error"`, "record approval: etcd")
	all.Wait()
	if n := phone.rung.Load(); n != 1 {
		t.Errorf("her telephone rang %d times", n)
	}
	for _, i := range gone {
		etcd.Resume(i)
	}
	etcd.Await(t)
	// Whether the approval was written down after all nobody could tell: she is
	// called anew, or asked for a code behind the call that may still go on.
	phone.keys.Store("#")
	if result, questions, err := server.Walk(t, from(b, desk), "alice", peer.UserPassword, seed.Code(t)); err != nil || !result.Accepted {
		t.Errorf("when the cluster is back: %v %q %q", err, questions, result.Reply.Message())
	}
}

// Without a majority of the cluster nobody is let in, and nobody refused: there is
// silence, so that a client asks its next server. All goes on by itself when it
// is back, and what was used before is used (S-46, R-18).
func TestS46WithoutTheClusterNobodyIsLetIn(t *testing.T) {
	t.Parallel()
	const people = 8
	c := newCluster(t, people, peer.EtcdOptions{Members: 3}, "")
	used := c.seed[0].Code(t)
	c.a.Admit(t, bulk(0), peer.UserPassword, used)
	state := ask(t, c.a, bulk(1))

	leader := c.etcd.Leader(t)
	gone := []int{leader, (leader + 1) % 3}
	for _, i := range gone {
		c.etcd.Pause(i)
	}
	// In the time of a request: the store's own limit, a few times over.
	silent := func(what string, d *server.Daemon, r client.Request) {
		t.Helper()
		nas := d.Client()
		nas.Timeout = 8 * time.Second
		if reply, err := nas.Do(t.Context(), r); !errors.Is(err, client.ErrNoReply) {
			t.Errorf("%s without the cluster: got %v %q, %v; want silence", what, reply.Code, reply.Message(), err)
		}
	}
	var all sync.WaitGroup
	for i, d := range []*server.Daemon{c.a, c.b} {
		all.Go(func() { silent("a password", d, client.Request{User: bulk(2 + i), Password: peer.UserPassword}) })
		all.Go(func() {
			silent("a right code", d, client.Request{User: bulk(1), Password: c.seed[1].Code(t), State: state})
		})
	}
	all.Wait()
	c.a.AwaitLog(t, `"outcome":"error"`, "etcd")
	if !c.a.Alive(t, 10*time.Second) {
		t.Error("no answer to Status-Server without the cluster")
	}
	if r := c.a.Run(t, "", "check"); r.Code != 69 || strings.Count(r.Stdout, "FAILED") < 2 {
		t.Errorf("check: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}

	for _, i := range gone {
		c.etcd.Resume(i)
	}
	c.b.Await(t, "a sign-in when the cluster is back", func() bool {
		nas := c.b.Client()
		nas.Timeout = 8 * time.Second
		result, _, err := server.Walk(t, nas, bulk(4), peer.UserPassword, c.seed[4].Code(t), c.seed[4].Next(t))
		return err == nil && result.Accepted
	})
	want(t, "a code that was used before", exchange(t, c.b.Client(), bulk(0), used, ask(t, c.b, bulk(0))), client.AccessChallenge)
}

// The member that leads dies while people sign in: some of them try again, none
// of them is let in twice, and nobody has to do anything.
func TestSignInsGoOnWhenTheLeaderDies(t *testing.T) {
	t.Parallel()
	const people = 30
	c := newCluster(t, people, peer.EtcdOptions{Members: 3}, "")
	nodes := []*server.Daemon{c.a, c.b}
	leader := c.etcd.Leader(t)
	codes := make([]string, people)
	var all sync.WaitGroup
	kill := sync.OnceFunc(func() { c.etcd.Kill(leader) })
	for i := range people {
		all.Go(func() {
			if i == people/3 {
				kill()
			}
			nodes[i%2].Await(t, "a sign-in of "+bulk(i), func() bool {
				nas := nodes[i%2].Client()
				nas.Timeout = 10 * time.Second
				codes[i] = c.seed[i].Code(t)
				// Who was counted and not answered types the next code.
				result, _, err := server.Walk(t, nas, bulk(i), peer.UserPassword, codes[i], c.seed[i].Next(t))
				return err == nil && result.Accepted
			})
		})
	}
	all.Wait()
	for i := range people {
		reply := exchange(t, nodes[1-i%2].Client(), bulk(i), codes[i], ask(t, nodes[1-i%2], bulk(i)))
		want(t, "the code of "+bulk(i)+" at the other node", reply, client.AccessChallenge)
	}
}

// A server that had a database of its own becomes the first node of a cluster,
// which another joins; commands see the same people everywhere.
func TestAServerBecomesACluster(t *testing.T) {
	t.Parallel()
	ca := peer.NewCA(t)
	cluster := peer.StartEtcd(t, peer.EtcdOptions{CA: ca})
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
	alice, bob := server.NewSeed(), server.NewSeed()
	site.Enroll(t, "alice", alice)
	copied := filepath.Join(t.TempDir(), "copy")
	site.Must(t, "backup", copied)

	cfg := site.Config()
	cfg.Cluster = cluster
	site.Configure(t, cfg)
	if r := site.Run(t, "", "restore", copied, "--replace"); r.Code != 2 || !strings.Contains(r.Stderr, "store.prefix") {
		t.Errorf("restore --replace: %d %s", r.Code, r.Stderr)
	}
	if out := site.Must(t, "restore", copied); !strings.Contains(out, "records are in") {
		t.Errorf("restore says %q", out)
	}
	if r := site.Run(t, "", "restore", copied); r.Code != 1 || !strings.Contains(r.Stderr, "etcdctl del --prefix portvakt/") {
		t.Errorf("restore a second time: %d %s", r.Code, r.Stderr)
	}
	other := site.Beside(t)
	a, b := site.Start(t), other.Start(t)
	b.Admit(t, "alice", peer.UserPassword, alice.Code(t))

	// By the daemon's socket, and without a daemon.
	other.Enroll(t, "bob", bob)
	b.Stop(t)
	for _, s := range []*server.Site{site, other} {
		for _, name := range []string{"alice", "bob"} {
			if out := s.Must(t, "user", "show", name); !strings.Contains(out, "telephone") {
				t.Errorf("user show %s: %s", name, out)
			}
		}
		out := s.Must(t, "check")
		if !strings.Contains(out, "etcd") || !strings.Contains(out, "leads") || !strings.Contains(out, "certificate ends on") {
			t.Errorf("check says nothing of the member:\n%s", out)
		}
		if r := s.Run(t, "", "backup", filepath.Join(t.TempDir(), "b")); r.Code != 1 || !strings.Contains(r.Stderr, "etcdctl snapshot save") {
			t.Errorf("backup: %d %s", r.Code, r.Stderr)
		}
		if out := s.Must(t, "rewrap"); !strings.Contains(out, "sealed 0 values again") {
			t.Errorf("rewrap: %s", out)
		}
	}
	other.Must(t, "user", "forget", "alice")
	a.Refuse(t, "alice", peer.UserPassword)

	// What belongs to the store is not changed under a daemon.
	cfg.Cluster = nil
	site.Configure(t, cfg)
	if a.Reload(t) {
		t.Error("a reload has changed the store")
	}
	cfg.Cluster = cluster
	site.Configure(t, cfg)
	if !a.Reload(t) {
		t.Error("a reload of the same cluster is refused")
	}
	cluster.Kill(0)
	if r := other.Run(t, "", "serve"); r.Code != 69 || !strings.Contains(r.Stderr, "portvakt check") {
		t.Errorf("serve without the cluster: %d %s", r.Code, r.Stderr)
	}
}
