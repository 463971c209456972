package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// EtcdOptions say what a cluster is like. The zero value is one member that is
// spoken to in the clear.
type EtcdOptions struct {
	// Members is how many there are; 1 if 0.
	Members int
	// CA has members and clients prove who they are by its certificates.
	CA *CA
}

// An Etcd is a cluster on this machine.
type Etcd struct {
	// Endpoints are where clients ask, one of each member.
	Endpoints []string
	// Client is a certificate that members believe; empty in the clear.
	Client Cert

	ca      *CA
	members []*etcdMember
}

type etcdMember struct {
	args []string
	log  *Output
	*process
}

// StartEtcd starts a cluster that takes changes.
func StartEtcd(t testing.TB, o EtcdOptions) *Etcd {
	t.Helper()
	Need(t, "etcd", "etcdctl")
	c := &Etcd{ca: o.CA}
	scheme := "http"
	var cert Cert
	if o.CA != nil {
		scheme, cert, c.Client = "https", o.CA.Issue(t, CertRequest{}), o.CA.Issue(t, CertRequest{Name: "portvakt"})
	}
	count := max(o.Members, 1)
	peers := make([]string, count)
	for i := range count {
		c.Endpoints = append(c.Endpoints, scheme+"://"+address("127.0.0.1", FreePort(t)))
		peers[i] = "http://" + address("127.0.0.1", FreePort(t))
	}
	all := make([]string, count)
	for i := range count {
		all[i] = fmt.Sprintf("n%d=%s", i, peers[i])
	}
	for i := range count {
		args := []string{
			"--name", fmt.Sprintf("n%d", i), "--data-dir", filepath.Join(t.TempDir(), "data"),
			"--listen-client-urls", c.Endpoints[i], "--advertise-client-urls", c.Endpoints[i],
			"--listen-peer-urls", peers[i], "--initial-advertise-peer-urls", peers[i],
			"--initial-cluster", strings.Join(all, ","), "--initial-cluster-state", "new",
			// A machine that is busy must not look like one that has died.
			"--heartbeat-interval", "200", "--election-timeout", "2000",
			"--logger", "zap", "--log-level", "error", "--log-outputs", "stderr",
		}
		if o.CA != nil {
			args = append(args, "--cert-file", cert.CertFile, "--key-file", cert.KeyFile, "--trusted-ca-file", o.CA.File, "--client-cert-auth")
		}
		c.members = append(c.members, &etcdMember{args: args, log: &Output{}})
	}
	for i := range c.members {
		c.launch(t, i)
		t.Cleanup(func() { c.members[i].stop() })
	}
	c.Await(t)
	return c
}

func (c *Etcd) launch(t testing.TB, i int) {
	t.Helper()
	m := c.members[i]
	m.process = start(t, m.log, "etcd", m.args...)
}

// Await waits until the cluster takes changes.
func (c *Etcd) Await(t testing.TB) {
	t.Helper()
	for late := time.Now().Add(2 * startWait); ; {
		out, err := c.Control("put", "test/ready", "yes")
		if err == nil {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("etcd is not ready: %v\n%s\n%s", err, out, c.Log())
		}
		time.Sleep(pollEvery)
	}
}

// Log is what members have said.
func (c *Etcd) Log() string {
	var all strings.Builder
	for _, m := range c.members {
		all.WriteString(m.log.String())
	}
	return all.String()
}

// Control runs etcdctl.
func (c *Etcd) Control(args ...string) (string, error) { return c.control(c.Endpoints, args...) }

func (c *Etcd) control(endpoints []string, args ...string) (string, error) {
	all := []string{"--endpoints", strings.Join(endpoints, ","), "--command-timeout", "2s", "--dial-timeout", "2s"}
	if c.ca != nil {
		all = append(all, "--cacert", c.ca.File, "--cert", c.Client.CertFile, "--key", c.Client.KeyFile)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startWait)
	defer cancel()
	cmd := exec.CommandContext(ctx, find("etcdctl"), append(all, args...)...)
	cmd.Env = append(cmd.Environ(), "ETCDCTL_API=3")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Must is Control for what has to succeed.
func (c *Etcd) Must(t testing.TB, args ...string) string {
	t.Helper()
	out, err := c.Control(args...)
	if err != nil {
		t.Fatalf("etcdctl %q: %v\n%s", args, err, out)
	}
	return out
}

// Leader is the number of the member that leads.
func (c *Etcd) Leader(t testing.TB) int {
	t.Helper()
	for late := time.Now().Add(startWait); ; {
		for i, endpoint := range c.Endpoints {
			out, err := c.control([]string{endpoint}, "endpoint", "status", "--write-out", "json")
			if err == nil && leads(out) {
				return i
			}
		}
		if time.Now().After(late) {
			t.Fatalf("no member of the etcd cluster leads:\n%s", c.Log())
		}
		time.Sleep(pollEvery)
	}
}

func leads(status string) bool {
	var all []struct {
		Status struct {
			Header struct {
				MemberID json.Number `json:"member_id"`
			} `json:"header"`
			Leader json.Number `json:"leader"`
		}
	}
	return json.Unmarshal([]byte(status), &all) == nil && len(all) == 1 && all[0].Status.Leader != "" &&
		all[0].Status.Leader == all[0].Status.Header.MemberID
}

// Kill ends a member at once, as a power cut does.
func (c *Etcd) Kill(i int) {
	c.members[i].signal(syscall.SIGKILL)
	<-c.members[i].done
}

// Restart starts a member that was killed, with what it had.
func (c *Etcd) Restart(t testing.TB, i int) {
	t.Helper()
	c.launch(t, i)
}

// Pause stops a member from running; its connections stay.
func (c *Etcd) Pause(i int) { c.members[i].pause() }

// Resume lets it go on.
func (c *Etcd) Resume(i int) { c.members[i].signal(syscall.SIGCONT) }

// Dump is everything in the cluster: keys and values as they lie there, and the
// files of the first member.
func (c *Etcd) Dump(t testing.TB) string {
	t.Helper()
	snapshot := filepath.Join(t.TempDir(), "snapshot")
	if out, err := c.control(c.Endpoints[:1], "snapshot", "save", snapshot); err != nil {
		t.Fatalf("etcdctl snapshot save: %v\n%s", err, out)
	}
	return c.Must(t, "get", "", "--prefix") + mustRead(t, snapshot)
}

// Config is what the section [store] has of the cluster.
func (c *Etcd) Config() string {
	quoted := make([]string, len(c.Endpoints))
	for i, e := range c.Endpoints {
		quoted[i] = strconv.Quote(e)
	}
	text := fmt.Sprintf("kind = \"etcd\"\nendpoints = [%s]\n", strings.Join(quoted, ", "))
	if c.ca == nil {
		return text + "insecure = true\n"
	}
	return text + fmt.Sprintf("ca = %q\ncert = %q\nkey_file = %q\n", c.ca.File, c.Client.CertFile, c.Client.KeyFile)
}
