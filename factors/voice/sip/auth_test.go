package sip

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
	"strings"
	"testing"

	"github.com/emiago/sipgo/sip"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/e2e/peer"
)

const challengeMD5 = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"47ebe028cda119c35d4877b383027d28da013815\", algorithm=MD5, qop=\"auth\"\n"

func TestRegistration(t *testing.T) {
	t.Parallel()
	yes := true
	for _, row := range []struct{ name, password, want string }{
		{"right password", password, ""},
		{"wrong password", "wrong", "does not take"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			exchange := peer.StartSIPp(t, peer.SIPpOptions{},
				peer.SIPpRecv("REGISTER", "", ""), peer.SIPpReply("401 Unauthorized", challengeMD5),
				peer.SIPpRecv("REGISTER", `auth="true"`, peer.SIPpProved("mfa", password)),
				peer.SIPpIfProved(
					peer.SIPpReply("200 OK", "Expires: 300\n")+peer.SIPpRecv("REGISTER", "", "")+peer.SIPpReply("200 OK", ""),
					peer.SIPpReply("401 Unauthorized", challengeMD5)))
			p, log := provider(t, "sip:"+exchange.Addr, func(c *Config) { c.Register, c.Password = &yes, secret.New(row.password) })
			err := p.Check(t.Context())
			if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
				t.Errorf("Check: %v, want %q", err, row.want)
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			exchange.Wait(t)
			if registered := strings.Contains(log.String(), "registered at the exchange"); !registered {
				t.Errorf("the log does not tell of the registration:\n%s", log)
			}
			if last := strings.LastIndex(exchange.Messages(), "Expires: 0"); (last > 0) != (row.want == "") {
				t.Error("a registration must be removed at the end, and only one that there is")
			}
		})
	}
}

func TestInviteProvesWhoWeAre(t *testing.T) {
	t.Parallel()
	for _, tcp := range []bool{false, true} {
		exchange := peer.StartSIPp(t, peer.SIPpOptions{TCP: tcp},
			peer.SIPpRecv("INVITE", "", ""), peer.SIPpReply("401 Unauthorized", challengeMD5), peer.SIPpRecv("ACK", "", ""),
			peer.SIPpRecv("INVITE", `auth="true"`, peer.SIPpProved("mfa", password)),
			peer.SIPpIfProved(peer.SIPpReply("486 Busy Here", "")+peer.SIPpRecv("ACK", "", ""), peer.SIPpReply("500 Wrong", "")))
		server := "sip:" + exchange.Addr
		if tcp {
			server += ";transport=tcp"
		}
		p, _ := provider(t, server, nil)
		var alice person
		if got, _ := place(t, p, alice.call(t)); got != "busy" {
			t.Errorf("tcp=%v: got %s, want busy behind the proof", tcp, got)
		}
		exchange.Wait(t)
	}
}

var param = regexp.MustCompile(`(\w+)="?([^",]*)"?`)

// proved recomputes the answer to a challenge (RFC 7616, section 3.4).
func proved(t testing.TB, h hash.Hash, req, name, password string) bool {
	t.Helper()
	got := map[string]string{}
	for _, m := range param.FindAllStringSubmatch(strings.TrimPrefix(header(req, name), "Digest "), -1) {
		got[m[1]] = m[2]
	}
	sum := func(parts ...string) string {
		h.Reset()
		h.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h.Sum(nil))
	}
	method, rest, _ := strings.Cut(req, " ")
	uri, _, _ := strings.Cut(rest, " ")
	if got["uri"] != uri || got["username"] != "mfa" {
		t.Errorf("the proof is for %q of %q, want %q of mfa", got["uri"], got["username"], uri)
	}
	want := sum(sum("mfa", got["realm"], password), got["nonce"], got["nc"], got["cnonce"], got["qop"], sum(method, uri))
	return got["response"] == want
}

// A fake, since sipp cannot check SHA-256 nor Proxy-Authorization.
func TestStrongerAlgorithmsAndProxies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, status, asks, proof string
		h                         hash.Hash
	}{
		{"SHA-256", "401 Unauthorized", "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\n", "Authorization", sha256.New()},
		{"first of those it knows", "401 Unauthorized", "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", algorithm=SHA-999, qop=\"auth\"\n" +
			"WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", algorithm=SHA-256, qop=\"auth,auth-int\"\n" +
			"WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\n", "Authorization", sha256.New()},
		{"a proxy's", "407 Proxy Authentication Required", "Proxy-Authenticate: Digest realm=\"proxy\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\n", "Proxy-Authorization", md5.New()},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			p, _ := provider(t, f.server(), nil)
			during(t, func() {
				f.reply(f.next("INVITE"), row.status, row.asks)
				f.next("ACK")
				again := f.next("INVITE")
				if !proved(t, row.h, again, row.proof, password) {
					t.Errorf("the proof is wrong:\n%s", again)
				}
				f.reply(again, "200 OK", sdp)
				ack := f.next("ACK")
				if header(ack, row.proof) == "" {
					t.Error("the ACK proves nothing")
				}
				bye := f.press(5, "#")
				if !proved(t, row.h, bye, row.proof, password) {
					t.Errorf("the proof is wrong:\n%s", bye)
				}
				// An exchange may ask again for the BYE.
				f.reply(bye, row.status, strings.Replace(row.asks, `nonce="n"`, `stale=true, nonce="n2"`, 9))
				f.reply(f.next("BYE"), "200 OK", "")
			}, func() {
				var alice person
				if got, _ := place(t, p, alice.call(t)); got != "approved" {
					t.Errorf("got %s, want approved", got)
				}
			})
		})
	}
}

// inCall is a request of the call.
func (f *fake) inCall(method string, seq int, more string) []byte {
	callID, tag := f.ids()
	return f.request(method, seq, callID, tag, "far", more)
}

func TestRefusedProof(t *testing.T) {
	t.Parallel()
	const asks = "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"n%d\", algorithm=MD5%s\n"
	for _, row := range []struct {
		name   string
		more   string
		rounds int
		change func(*Config)
	}{
		{"a second challenge says that it was wrong", "", 2, nil},
		{"nonces that are always old end as well", ", stale=true", maxRounds + 1, nil},
		{"no password is set", "", 1, func(c *Config) { c.User, c.Password = "", secret.Value{} }},
		{"nothing is known of it", "-unknown", 1, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			p, _ := provider(t, f.server(), row.change)
			during(t, func() {
				for i := range row.rounds {
					f.reply(f.next("INVITE"), "401 Unauthorized", fmt.Sprintf(asks, i, row.more))
					f.next("ACK")
				}
			}, func() {
				var alice person
				if got, _ := place(t, p, alice.call(t)); got != "refused unrung" {
					t.Errorf("got %s, want refused", got)
				}
			})
			f.none("INVITE", short)
		})
	}
}

func FuzzPick(f *testing.F) {
	f.Add(`Digest realm="pbx", nonce="n", algorithm=SHA-256, qop="auth, auth-int"`)
	f.Add(`Digest realm="a\"b", nonce=`)
	f.Add("Basic")
	f.Fuzz(func(t *testing.T, s string) {
		by, err := pick([]sip.Header{sip.NewHeader("WWW-Authenticate", s)})
		if err != nil {
			return
		}
		req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", Host: "pbx"})
		p := proof{user: "mfa", password: secret.New(password), asked: []*asked{{header: "Authorization", by: by}}}
		if err := p.prove(req); err == nil && strings.Contains(req.String(), password) {
			t.Errorf("the password is in the proof of %q", s)
		}
	})
}
