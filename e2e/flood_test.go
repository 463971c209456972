package e2e_test

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
	"github.com/portvakt/portvakt/e2e/server"
	"github.com/portvakt/portvakt/radiusd/client"
)

// While somebody without the secret sends as much as he can, everybody else
// gets in (S-33, R-20): he gets no answer, costs the directory nothing and
// fills no log.
func TestAFloodBesideGoodSignIns(t *testing.T) {
	t.Parallel()
	const (
		people = 40
		kinds  = 8 // of log lines about dropped datagrams; each at most once a second
	)
	slapd := peer.StartSlapd(t, peer.SlapdOptions{Bulk: people})
	site := server.New(t, server.Config{
		LDAP:   server.LDAP(slapd),
		Client: "require_message_authenticator = \"yes\"",
	})
	seeds := site.EnrollMany(t, people, bulk)
	d := site.Start(t)

	junk := [][]byte{
		request(1, false, attribute{1, []byte("alice")}, attribute{2, []byte("guess")}),
		bytes.Repeat([]byte{1}, 19),
		append([]byte{1, 7, 0, 20}, make([]byte, 16)...),
		append([]byte{1, 7, 0xff, 0xff}, make([]byte, 16)...),
		append([]byte{4, 7, 0, 20}, make([]byte, 16)...),
		append([]byte{1, 7, 0, 23}, append(make([]byte, 16), 1, 0, 0)...),
	}
	forged := request(9, true, attribute{1, []byte("alice")}, attribute{2, []byte("guess")})
	forged[25] ^= 1 // in its Message-Authenticator
	junk = append(junk, forged)

	stop := make(chan struct{})
	var flood sync.WaitGroup
	var answered sync.Map
	for _, source := range []string{"127.0.0.66", "127.0.0.67"} {
		conn := dialFrom(t, d, source)
		flood.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				for range 50 {
					_, _ = conn.Write(junk[rand.IntN(len(junk))])
				}
				time.Sleep(time.Millisecond) // some 50,000 a second; the cores are the good ones' too
			}
		})
		flood.Go(func() {
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			b := make([]byte, 4096)
			if n, err := conn.Read(b); err == nil {
				answered.Store(source, hex.EncodeToString(b[:n]))
			}
		})
		t.Cleanup(func() { _ = conn.Close() })
		defer func() { _ = conn.Close() }()
	}
	began := time.Now()
	for begin := 0; begin < people; begin += 10 {
		together(10, func(i int) {
			c := d.Client()
			c.Timeout, c.Tries = 2*time.Second, 3 // as products have it
			result, questions, err := server.Walk(t, c, bulk(begin+i), peer.UserPassword, seeds[begin+i].Code(t))
			if err != nil || !result.Accepted {
				t.Errorf("%s was not let in beside the flood: %v %q", bulk(begin+i), err, questions)
			}
		})
	}
	close(stop)
	took := time.Since(began)
	time.Sleep(100 * time.Millisecond)
	answered.Range(func(source, octets any) bool {
		t.Errorf("the flood from %v was answered: %v", source, octets)
		return true
	})
	d.Stop(t)
	if n := strings.Count(slapd.Log(), "uid=alice,"); n > 0 {
		t.Errorf("the flood made the directory look for alice %d times", n)
	}
	lines := d.Count(`"level":"WARN"`) + d.Count(`"msg":"noticed"`)
	if most := kinds * (int(took/time.Second) + 2); lines > most {
		t.Errorf("%d log lines about the flood in %v, want at most %d", lines, took, most)
	}
	if d.Count("requests dropped") == 0 {
		t.Error("the log does not tell of the flood")
	}
}

// Whoever is no client gets no answer at all (S-34).
func TestUnknownClientsGetNoAnswer(t *testing.T) {
	t.Parallel()
	slapd := peer.StartSlapd(t, peer.SlapdOptions{})
	site := server.New(t, server.Config{LDAP: server.LDAP(slapd)})
	text := strings.Replace(siteText(t, site), `"127.0.0.0/8"`, `"127.0.0.1/32"`, 1)
	site.Write(t, text)
	d := site.Start(t)
	stranger := dialFrom(t, d, "127.0.0.66")
	for _, octets := range [][]byte{request(1, true, attribute{1, []byte("alice")}, attribute{2, []byte("secret")}), {1}} {
		for range 20 {
			if reply := send(t, stranger, octets, time.Millisecond); reply != nil {
				t.Fatalf("an answer: %x", reply)
			}
		}
	}
	d.AwaitLog(t, "127.0.0.66")
	d.Stop(t)
	if n := d.Count("127.0.0.66"); n > 3 {
		t.Errorf("%d log lines about one stranger", n)
	}
}

// The same octets again are a retransmission while the reply is kept, and are
// never decided a second time (S-36).
func TestOldRequestsAgain(t *testing.T) {
	t.Parallel()
	_, d, seed := enrolled(t, peer.SlapdOptions{}, server.Config{})
	state := ask(t, d, "alice")
	octets := request(3, true, attribute{1, []byte("alice")}, attribute{2, []byte(seed.Code(t))}, attribute{24, state}, attribute{32, []byte("test")})
	conn := dialFrom(t, d, "127.0.0.1")
	first := send(t, conn, octets, 5*time.Second)
	if len(first) == 0 || first[0] != byte(client.AccessAccept) {
		t.Fatalf("got %x, want an accept", first)
	}
	if again := send(t, conn, octets, 5*time.Second); !bytes.Equal(again, first) {
		t.Errorf("again: got %x, want the same octets %x", again, first)
	}
	// From another port, or after a restart, nothing is kept: decided anew, and no.
	for _, what := range []string{"from another port", "after a restart"} {
		if what == "after a restart" {
			d.Kill(t)
			d = d.Start(t)
		}
		if reply := send(t, dialFrom(t, d, "127.0.0.1"), octets, 5*time.Second); len(reply) == 0 || reply[0] != byte(client.AccessReject) {
			t.Errorf("%s: got %x, want a refusal", what, reply)
		}
	}
}

// Only PAP is taken (S-38): a CHAP password is refused, also beside a right one.
func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	_, d, _ := enrolled(t, peer.SlapdOptions{}, server.Config{More: "\n[[rule]]\nclients = [\"vpn\"]\nsecond_factor = \"none\"\n"})
	name, password := attribute{1, []byte("alice")}, attribute{2, []byte(peer.UserPassword)}
	chap := attribute{3, make([]byte, 17)}
	for what, request := range map[string][]byte{
		"CHAP-Password":             request(1, true, name, chap),
		"CHAP beside User-Password": request(2, true, name, password, chap),
		"two User-Passwords":        request(3, true, name, password, password),
		"no password at all":        request(4, true, name),
		"MS-CHAP beside a password": request(5, true, name, password, attribute{26, []byte{0, 0, 1, 55, 11, 4, 1, 2}}),
	} {
		reply := send(t, dialFrom(t, d, "127.0.0.1"), request, time.Second)
		if len(reply) > 0 && reply[0] != byte(client.AccessReject) {
			t.Errorf("%s: got %x, want a refusal or silence", what, reply)
		}
	}
	d.Admit(t, "alice", peer.UserPassword)
}
