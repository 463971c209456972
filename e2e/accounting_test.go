package e2e_test

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// accounted is a daemon that takes accounting, and where.
func accounted(t *testing.T, c server.Config) (d *server.Daemon, seed server.Seed, addr string) {
	t.Helper()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	c.LDAP = server.LDAP(slapd)
	site := server.New(t, c)
	addr = freeAddrBeside(t, site)
	c.Server = fmt.Sprintf("reject_delay = \"0s\"\naccounting = [%q]\n", addr)
	site.Configure(t, c)
	seed = server.NewSeed()
	site.Enroll(t, "alice", seed)
	return site.Start(t), seed, addr
}

// freeAddrBeside is an address of a site's host whose port was free a moment ago.
func freeAddrBeside(t *testing.T, site *server.Site) string {
	t.Helper()
	host, _, err := net.SplitHostPort(site.Addr)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().String()
}

// account sends one Accounting-Request and checks that it is answered.
func account(t *testing.T, addr, secret, status, id string, more ...string) {
	t.Helper()
	r := peer.Radclient{Server: addr, Secret: secret, Command: "acct"}
	got := r.Send(t, append([]string{
		"Acct-Status-Type = " + status, fmt.Sprintf("Acct-Session-Id = %q", id), `NAS-Identifier = "gw"`,
	}, more...)...)
	if got.Code != "Accounting-Response" {
		t.Fatalf("%s of %s: got %q\n%s", status, id, got.Code, got.Output)
	}
}

// sessions are the lines of "portvakt sessions --json".
func sessions(t *testing.T, s *server.Site, args ...string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(s.Must(t, append([]string{"sessions", "--json"}, args...)...)) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}

const alice = `User-Name = "alice"`

// radclient signs the requests and checks the replies; what was accounted for
// is there while the daemon runs and when it does not.
func TestSessionsAreAccountedFor(t *testing.T) {
	t.Parallel()
	d, seed, addr := accounted(t, server.Config{})
	d.Admit(t, "alice", peer.UserPassword, seed.Code(t))
	account(t, addr, server.Secret, "Start", "s1", alice, "Acct-Delay-Time = 600", "Framed-IP-Address = 10.9.9.9",
		`Calling-Station-Id = "198.51.100.7"`, "Class = 0x00ff01", "Message-Authenticator = 0x00")
	account(t, addr, server.Secret, "Interim-Update", "s1", alice, "Acct-Session-Time = 300", "Acct-Delay-Time = 300",
		"Acct-Input-Octets = 1", "Acct-Input-Gigawords = 2")
	active := sessions(t, d.Site, "--user", "ALICE", "--client", "vpn", "--active")
	if len(active) != 1 || active[0]["state"] != "active" || active[0]["account"] == nil || active[0]["in_octets"] != float64(2<<32+1) ||
		active[0]["address"] != "10.9.9.9" || fmt.Sprint(active[0]["class"]) != "[00ff01]" || active[0]["station"] != "198.51.100.7" {
		t.Errorf("got %v", active)
	}
	account(t, addr, server.Secret, "Start", "s2", `User-Name = "bob"`, "Acct-Delay-Time = 60")
	account(t, addr, server.Secret, "Stop", "s1", alice, "Acct-Terminate-Cause = User-Request")
	account(t, addr, server.Secret, "Accounting-On", "")
	d.Stop(t)
	if all := sessions(t, d.Site); len(all) != 2 {
		t.Errorf("got %v, want two sessions", all)
	}
	out := d.Must(t, "sessions")
	for _, want := range []string{"ended  alice", "user_request", "ended  bob", "accounting_on"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if out := d.Must(t, "sessions", "--active"); out != "" {
		t.Errorf("active when all have ended:\n%s", out)
	}
}

func TestAccountingThroughAProxy(t *testing.T) {
	t.Parallel()
	d, _, addr := accounted(t, server.Config{})
	proxy := peer.FreeRADIUSAccountingProxy(t, peer.FreeRADIUSTarget{Addr: addr, Secret: server.Secret})
	account(t, proxy.Addr, proxy.Secret, "Start", "through", alice)
	if got := sessions(t, d.Site); len(got) != 1 || got[0]["session"] != "through" {
		t.Errorf("got %v", got)
	}
}

func TestAccountingThatNobodyCanHaveSentIsNotAnswered(t *testing.T) {
	t.Parallel()
	d, _, addr := accounted(t, server.Config{})
	r := peer.Radclient{Server: addr, Secret: "another secret than that of the client", Command: "acct", Timeout: shortly}
	if got := r.Send(t, "Acct-Status-Type = Start", `Acct-Session-Id = "s1"`, alice); got.Code != "" {
		t.Errorf("got %q, want silence", got.Code)
	}
	d.AwaitLog(t, `"kind":"bad_authenticator"`, `"client":"vpn"`)
	if got := sessions(t, d.Site); len(got) > 0 {
		t.Errorf("recorded: %v", got)
	}
	if got := (peer.Radclient{Server: addr, Secret: server.Secret, Command: "status"}).Send(t, "Message-Authenticator = 0x00"); got.Code != "Accounting-Response" {
		t.Errorf("Status-Server: got %q", got.Code)
	}
}

// What was answered is there after a kill (RFC 2866, section 2).
func TestNothingThatWasAnsweredIsLostByAKill(t *testing.T) {
	t.Parallel()
	d, _, addr := accounted(t, server.Config{})
	const devices, each = 8, 12
	answered := make([]map[string]bool, devices)
	var wg sync.WaitGroup
	killed := make(chan struct{})
	for i := range devices {
		answered[i] = map[string]bool{}
		wg.Go(func() {
			for n := range each {
				id := fmt.Sprintf("s%d-%d", i, n)
				r := peer.Radclient{Server: addr, Secret: server.Secret, Command: "acct", Timeout: shortly}
				if r.Send(t, "Acct-Status-Type = Start", fmt.Sprintf("Acct-Session-Id = %q", id), alice).Code != "" {
					answered[i][id] = true
				}
				select {
				case <-killed:
					return
				default:
				}
			}
		})
	}
	d.Await(t, "some sessions", func() bool { return len(sessions(t, d.Site)) > devices })
	d.Kill(t)
	close(killed)
	wg.Wait()
	d = d.Start(t)
	there := map[string]bool{}
	for _, s := range sessions(t, d.Site) {
		there[fmt.Sprint(s["session"])] = true
	}
	n := 0
	for _, ids := range answered {
		for id := range ids {
			n++
			if !there[id] {
				t.Errorf("%s was answered and is lost", id)
			}
		}
	}
	if n == 0 {
		t.Error("nothing was answered")
	}
}

func TestDisconnect(t *testing.T) {
	t.Parallel()
	device := peer.FreeRADIUSDevice(t)
	d, _, addr := accounted(t, server.Config{Client: fmt.Sprintf("coa = %q\ncoa_secret = %q\n", device.Addr, device.Secret)})
	account(t, addr, server.Secret, "Start", "live-1", alice)
	account(t, addr, server.Secret, "Start", "over-1", alice)
	account(t, addr, server.Secret, "Start", "live-2", `User-Name = "bob"`)
	out := d.Must(t, "disconnect", "alice", "--client", "vpn")
	for _, want := range []string{"alice at vpn, session live-1: ended\n", "alice at vpn, session over-1: was over\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(device.Log(), "live-2") {
		t.Error("somebody else's session was to be ended")
	}
	r := d.Run(t, "", "disconnect", "carol")
	if r.Code != 1 || !strings.Contains(r.Stderr, "carol has no session") {
		t.Errorf("exit code %d, %s", r.Code, r.Stderr)
	}
	c := d.Config()
	c.Client = fmt.Sprintf("coa = %q\n", device.Addr) // and the wrong secret
	d.Configure(t, c)
	start := time.Now()
	r = d.Run(t, "", "disconnect", "bob")
	if r.Code != 69 || !strings.Contains(r.Stderr, "no reply") {
		t.Errorf("exit code %d after %v, %s", r.Code, time.Since(start), r.Stderr)
	}
}

func TestChangeASession(t *testing.T) {
	t.Parallel()
	device := peer.FreeRADIUSDevice(t)
	d, _, addr := accounted(t, server.Config{Client: fmt.Sprintf("coa = %q\ncoa_secret = %q\n", device.Addr, device.Secret)})
	account(t, addr, server.Secret, "Start", "live-1", alice)
	account(t, addr, server.Secret, "Start", "over-1", alice)
	out := d.Must(t, "coa", "live-1", "--set", "filter-id=quarantine", "--set", "Session-Timeout=600")
	if out != "alice at vpn, session live-1: changed\n" {
		t.Errorf("got %s", out)
	}
	device.AwaitLog(t, `Filter-Id = "quarantine"`, "Session-Timeout = 600")
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"live-1", "--set", "Session-Timeout=1"}, 1, "407 Invalid Attribute Value"},
		{[]string{"over-1", "--set", "Filter-Id=x"}, 1, "503 Session Context Not Found"},
		{[]string{"live-9", "--set", "Filter-Id=x"}, 1, "no session live-9 is under way"},
		{[]string{"live-1", "--set", "User-Name=bob"}, 1, "names the session"},
	} {
		if r := d.Run(t, "", append([]string{"coa"}, row.args...)...); r.Code != row.code || !strings.Contains(r.Stderr, row.want) {
			t.Errorf("%q: exit code %d, %s", row.args, r.Code, r.Stderr)
		}
	}
}

// A device that floods the accounting port keeps nobody out.
func TestAccountingDoesNotDisturbSignIns(t *testing.T) {
	t.Parallel()
	d, _, addr := accounted(t, server.Config{More: `
[accounting]
max_sessions = 500
[[rule]]
clients = ["vpn"]
second_factor = "none"
`})
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := uint64(0); ; n++ {
			select {
			case <-stop:
				return
			default:
				_, _ = conn.Write(start(byte(n), fmt.Sprint("flood-", n)))
			}
		}
	})
	var slowest time.Duration
	for range 50 {
		reply := exchange(t, d.Client(), "alice", peer.UserPassword, nil)
		want(t, "a sign-in beside a flood", reply, client.AccessAccept)
		slowest = max(slowest, reply.Took)
	}
	close(stop)
	wg.Wait()
	t.Logf("slowest sign-in %v", slowest)
	if slowest > 2*time.Second {
		t.Errorf("the slowest sign-in took %v", slowest)
	}
	if n := len(sessions(t, d.Site)); n == 0 || n > 500 {
		t.Errorf("%d sessions are kept, want at most 500", n)
	}
}

// start is an Accounting-Request as a device makes it (RFC 2866, section 3).
func start(id byte, session string) []byte {
	p := append([]byte{4, id, 0, 0}, make([]byte, 16)...)
	p = append(p, 40, 6, 0, 0, 0, 1)
	for kind, text := range map[byte]string{1: "alice", 32: "gw", 44: session} {
		p = append(append(p, kind, byte(2+len(text))), text...)
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	sum := md5.Sum(append(append([]byte(nil), p...), server.Secret...))
	copy(p[4:], sum[:])
	return p
}
