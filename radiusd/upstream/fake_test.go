package upstream_test

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/radiusd/upstream"
)

const shared = "the secret of upstream and us"

// A fakeUpstream is no server: it answers each request by what a test says, which
// real ones never would.
type fakeUpstream struct {
	conn   *net.UDPConn
	mu     sync.Mutex
	got    [][]byte
	status int
}

// fake answers Access-Requests by a function, and no Status-Server unless lives.
func fake(t *testing.T, lives bool, answer func(f *fakeUpstream, request []byte, from net.Addr) [][]byte) *fakeUpstream {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeUpstream{conn: conn}
	var wg sync.WaitGroup
	wg.Go(func() {
		b := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			request := append([]byte(nil), b[:n]...)
			var replies [][]byte
			f.mu.Lock()
			if request[0] == 12 {
				f.status++
				if lives {
					replies = [][]byte{f.reply(request, 2)}
				}
			} else {
				f.got = append(f.got, request)
			}
			f.mu.Unlock()
			if request[0] == 1 {
				replies = answer(f, request, from)
			}
			for _, p := range replies {
				conn.WriteTo(p, from)
			}
		}
	})
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return f
}

func (f *fakeUpstream) requests() [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got
}

func (f *fakeUpstream) config() upstream.ServerConfig {
	return server("fake", f.conn.LocalAddr().String(), shared)
}

// hasty is for a fake that will not answer.
func hasty(c upstream.ServerConfig) upstream.ServerConfig {
	c.Timeout, c.Tries = 300*time.Millisecond, 1
	return c
}

// reply is one that is right and signed.
func (f *fakeUpstream) reply(request []byte, code byte, attributes ...byte) []byte {
	return sealed(unsealed(request, code, attributes...), request, shared)
}

// unsealed is a reply with room for its signature in front, sealed makes it
// right.
func unsealed(request []byte, code byte, attributes ...byte) []byte {
	p := append([]byte{code, request[1], 0, 0}, request[4:20]...)
	p = append(append(p, 80, 18), make([]byte, 16)...)
	return append(p, attributes...)
}

func sealed(p, request []byte, with string) []byte {
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[4:20], request[4:20])
	mac := hmac.New(md5.New, []byte(with))
	mac.Write(p)
	copy(p[22:38], mac.Sum(nil))
	return hashed(p, with)
}

// hashed gives a reply its Response Authenticator and nothing else.
func hashed(p []byte, with string) []byte {
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	sum := md5.Sum(append(append([]byte(nil), p...), with...))
	copy(p[4:20], sum[:])
	return p
}

func attr(kind byte, value string) []byte {
	return append([]byte{kind, byte(2 + len(value))}, value...)
}

// What an attacker, or a server gone wrong, may answer to a wrong password: none
// of it lets anybody in, and none is a no.
func TestHostileReplies(t *testing.T) {
	t.Parallel()
	yes := func(f *fakeUpstream, r []byte) []byte { return f.reply(r, 2, attr(25, "admins")...) }
	changed := func(at int) func(*fakeUpstream, []byte, net.Addr) [][]byte {
		return func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte {
			p := yes(f, r)
			p[at] ^= 1
			return [][]byte{p}
		}
	}
	for name, answer := range map[string]func(*fakeUpstream, []byte, net.Addr) [][]byte{
		"the Response Authenticator is wrong": changed(4),
		"the Message-Authenticator is wrong":  changed(22),
		"a Reject made into an Accept":        changed(0),
		"another identifier":                  changed(1),
		"an attribute changed on the way":     changed(41),
		"made with another secret": func(_ *fakeUpstream, r []byte, _ net.Addr) [][]byte {
			return [][]byte{sealed(unsealed(r, 2), r, "guessed")}
		},
		"no Message-Authenticator": func(_ *fakeUpstream, r []byte, _ net.Addr) [][]byte {
			return [][]byte{hashed(append([]byte{2, r[1], 0, 20}, r[4:20]...), shared)}
		},
		"cut short":                             func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte { return [][]byte{yes(f, r)[:30]} },
		"shorter than a header":                 func(*fakeUpstream, []byte, net.Addr) [][]byte { return [][]byte{{2}, {}} },
		"the request itself":                    func(_ *fakeUpstream, r []byte, _ net.Addr) [][]byte { return [][]byte{r} },
		"an accounting's answer":                func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte { return [][]byte{f.reply(r, 5)} },
		"an attribute that goes beyond the end": func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte { return [][]byte{f.reply(r, 2, 25, 200, 'x')} },
		"more attributes than can be kept": func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte {
			var many []byte
			for range 5 {
				many = append(many, attr(25, string(make([]byte, 253)))...)
			}
			return [][]byte{f.reply(r, 2, many...)}
		},
		"from elsewhere": func(f *fakeUpstream, r []byte, from net.Addr) [][]byte {
			stranger, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err == nil {
				stranger.WriteTo(yes(f, r), from)
				stranger.Close()
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fake(t, false, answer)
			d := open(t, config(hasty(f.config())), nil)
			grant, err := d.Grant(t.Context(), alice, login.Cleartext("wrong"))
			if err == nil || grant != nil || login.Refused(err) != "" {
				t.Errorf("got %x, %v, want no decision", grant, err)
			}
		})
	}
}

// Forged replies in front of the right one do not keep it from being heard.
func TestTheRightReplyAfterForgedOnes(t *testing.T) {
	t.Parallel()
	f := fake(t, false, func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte {
		forged := f.reply(r, 2)
		forged[5] ^= 1
		return [][]byte{forged, forged, {2}, f.reply(r, 3)}
	})
	refused(t, "a no", open(t, config(f.config()), nil).Verify(t.Context(), alice, login.Cleartext("wrong")), login.ReasonBadPassword)
}

// A request is sent again as it was: the same octets (RFC 5080, section 2.2.1).
func TestARequestIsSentAgainAsItWas(t *testing.T) {
	t.Parallel()
	f := fake(t, false, func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte {
		if len(f.requests()) < 3 {
			return nil
		}
		return [][]byte{f.reply(r, 2)}
	})
	c := f.config()
	c.Timeout, c.Tries = 500*time.Millisecond, 10
	if err := open(t, config(c), nil).Verify(t.Context(), alice, login.Cleartext("right")); err != nil {
		t.Fatal(err)
	}
	got := f.requests()
	if len(got) < 3 || string(got[0]) != string(got[1]) || string(got[1]) != string(got[2]) {
		t.Errorf("%d requests, want at least 3 that are the same", len(got))
	}
}

// A server that accepts whoever asks is believed about nobody who exists either,
// once it has accepted somebody who does not.
func TestAServerThatAcceptsNobody(t *testing.T) {
	t.Parallel()
	f := fake(t, true, func(f *fakeUpstream, r []byte, _ net.Addr) [][]byte { return [][]byte{f.reply(r, 2)} })
	d := open(t, config(f.config()), nil)
	if err := d.Verify(t.Context(), login.Account{}, login.Cleartext("x")); err == nil || login.Refused(err) != "" {
		t.Errorf("got %v, want an error", err)
	}
}
