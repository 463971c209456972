package radiusd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/login"
)

// records are login.Records in memory.
type records struct {
	mu   sync.Mutex
	of   map[string]login.Value
	err  error
	full error // of writing alone
}

func (r *records) Get(_ context.Context, key string) (login.Value, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return login.Value{}, r.err
	}
	v, ok := r.of[key]
	if !ok {
		return v, login.ErrNotFound
	}
	return v, nil
}

func (r *records) Swap(_ context.Context, key string, rev uint64, data []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full != nil {
		return r.full
	}
	if r.of[key].Rev != rev {
		return login.ErrConflict
	}
	if r.of == nil {
		r.of = map[string]login.Value{}
	}
	r.of[key] = login.Value{Data: append([]byte(nil), data...), Rev: rev + 1}
	return nil
}

func (r *records) fact(t *testing.T, client string) learnedRecord {
	t.Helper()
	v, err := r.Get(t.Context(), learnedPrefix+client)
	if err != nil {
		t.Fatal(err)
	}
	var f learnedRecord
	if err := json.Unmarshal(v.Data, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestS35BlastRADIUS is the table of CVE-2024-3596: for each setting of the two
// keys, the first packet of a client that has a good, a bad or no
// Message-Authenticator, with Proxy-State (P), EAP-Message (E), both or
// neither. "+" is answered, "." is silence.
func TestS35BlastRADIUS(t *testing.T) {
	t.Parallel()
	const columns = "good good/P good/E good/PE bad bad/P bad/E bad/PE none none/P none/E none/PE"
	for _, row := range []struct{ require, limit, want string }{
		{"yes", "yes", "+ + + +  . . . .  . . . ."},
		{"yes", "auto", "+ + + +  . . . .  . . . ."},
		{"yes", "no", "+ + + +  . . . .  . . . ."},
		{"auto", "yes", "+ + + +  . . . .  + . . ."},
		{"auto", "auto", "+ + + +  . . . .  + + . ."},
		{"auto", "no", "+ + + +  . . . .  + + . ."},
		{"no", "yes", "+ + + +  . . . .  + . . ."},
		{"no", "auto", "+ + + +  . . . .  + + . ."},
		{"no", "no", "+ + + +  . . . .  + + . ."},
	} {
		want := strings.Fields(row.want)
		cases := strings.Fields(columns)
		cfg := testConfig()
		cfg.Clients = nil
		for i := range cases {
			c := testClient(cases[i], fmt.Sprintf("127.0.1.%d", i+1))
			c.RequireMessageAuthenticator, c.LimitProxyState = row.require, row.limit
			cfg.Clients = append(cfg.Clients, c)
		}
		s := run(t, cfg, script(t), Options{})
		for i, what := range cases {
			ma, has, _ := strings.Cut(what, "/")
			var more [][]byte
			if strings.Contains(has, "P") {
				more = append(more, attr(attrProxyState, "proxy"))
			}
			if strings.Contains(has, "E") {
				more = append(more, attr(attrEAPMessage, "\x02\x01\x00\x05\x01"))
			}
			d := s.device(t, fmt.Sprintf("127.0.1.%d", i+1))
			p := d.login("alice", "accept", more...)
			switch ma {
			case "bad":
				p[len(p)-1] ^= 1
			case "none":
				p = d.unsignedLogin("alice", "accept", more...)
			}
			if want[i] == "+" {
				d.ask(p)
				continue
			}
			reason := dropUnsigned
			if ma == "bad" {
				reason = dropBadSignature
			} else if has == "P" && row.require != yes {
				reason = dropProxyState
			}
			d.silent(p, reason)
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLearning: the first packet decides, for good; only who has the secret
// can close or open the door, and a restart does not.
func TestLearning(t *testing.T) {
	t.Parallel()
	proxied := attr(attrProxyState, "proxy")
	eap := attr(attrEAPMessage, "\x02\x01\x00\x05\x01")
	type send func(d *device) []byte
	signed := func(d *device) []byte { return d.login("alice", "accept") }
	unsigned := func(d *device) []byte { return d.unsignedLogin("alice", "accept") }
	unsignedProxied := func(d *device) []byte { return d.unsignedLogin("alice", "accept", proxied) }
	for _, row := range []struct {
		what           string
		first          send
		require, limit string
		then           send
		drop           tally
	}{
		{"signed: unsigned ones are dropped", signed, yes, yes, unsigned, dropUnsigned},
		{"EAP is always signed: unsigned ones pass", func(d *device) []byte { return d.login("alice", "x", eap) }, auto, yes, unsigned, dropNone},
		{"EAP: an unsigned one with Proxy-State is dropped", func(d *device) []byte { return d.login("alice", "x", eap) }, auto, yes, unsignedProxied, dropProxyState},
		{"unsigned: they pass", unsigned, no, yes, unsigned, dropNone},
		{"unsigned: Proxy-State is dropped", unsigned, no, yes, unsignedProxied, dropProxyState},
		{"unsigned with Proxy-State: it passes", unsignedProxied, no, no, unsignedProxied, dropNone},
		{"an unsigned challenge teaches too", func(d *device) []byte { return d.unsignedLogin("alice", "ask") }, no, yes, unsigned, dropNone},
		{"an unsigned one with a wrong password teaches nothing", func(d *device) []byte { return d.unsignedLogin("alice", "wrong") }, auto, auto, signed, dropNone},
	} {
		kept := &records{}
		s := run(t, testConfig(), script(t), Options{Records: kept})
		d := s.device(t, "127.0.0.1")
		d.ask(row.first(d))
		st := s.settledStats().Clients["nas"]
		if st.RequireMessageAuthenticator != row.require || st.LimitProxyState != row.limit {
			t.Errorf("%s: learned %s and %s, want %s and %s", row.what,
				st.RequireMessageAuthenticator, st.LimitProxyState, row.require, row.limit)
		}
		if err := s.stop(); err != nil {
			t.Fatal(err)
		}
		if row.require != auto || row.limit != auto {
			if f := kept.fact(t, "nas"); f.Require != row.require || f.Limit != row.limit {
				t.Errorf("%s: kept %v", row.what, f)
			}
			if !strings.Contains(s.logs.String(), `"client":"nas","key":"require_message_authenticator"`) {
				t.Errorf("%s: the log does not name client and key: %s", row.what, s.logs)
			}
		}
		// The same after a restart as before it.
		s = run(t, testConfig(), script(t), Options{Records: kept})
		d = s.device(t, "127.0.0.1")
		if row.drop == dropNone {
			d.ask(row.then(d))
		} else {
			d.silent(row.then(d), row.drop)
		}
	}
}

// TestWhatCouldNotBeSavedIsTriedAgain: a restart would else open the door that
// learning has closed.
func TestWhatCouldNotBeSavedIsTriedAgain(t *testing.T) {
	t.Parallel()
	kept := &records{full: errors.New("no room")}
	s := run(t, testConfig(), script(t), Options{Records: kept})
	d := s.device(t, "127.0.0.1")
	d.ask(d.login("alice", "accept"))
	s.until("a line about the store", func(Stats) bool { return strings.Contains(s.logs.String(), "learned fact not saved") })
	kept.mu.Lock()
	kept.full = nil
	kept.mu.Unlock()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if f := kept.fact(t, "nas"); f.Require != yes || f.Limit != yes {
		t.Errorf("kept %v", f)
	}
}

// TestAClientThatLearnsToSignIsNoticed: the first packet has decided, so an
// operator must hear that the door can be closed now.
func TestAClientThatLearnsToSignIsNoticed(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	d.ask(d.unsignedLogin("alice", "accept"))
	d.ask(d.login("alice", "accept"))
	st := s.settledStats().Clients["nas"]
	if st.Notes["signs_after_all"] != 1 || st.RequireMessageAuthenticator != no {
		t.Fatalf("notes %v, learned %s", st.Notes, st.RequireMessageAuthenticator)
	}
}

// TestConfigurationBeatsLearning, also when it changes while serving.
func TestConfigurationBeatsLearning(t *testing.T) {
	t.Parallel()
	kept := &records{of: map[string]login.Value{learnedPrefix + "nas": {Rev: 1, Data: []byte(`{"v":1,"require_message_authenticator":"yes","limit_proxy_state":"yes"}`)}}}
	cfg := testConfig()
	s := run(t, cfg, script(t), Options{Records: kept})
	d := s.device(t, "127.0.0.1")
	d.silent(d.unsignedLogin("alice", "accept"), dropUnsigned)
	for range 3 {
		off := testConfig()
		off.Clients[0].RequireMessageAuthenticator = no
		if err := s.Reload(off); err != nil {
			t.Fatal(err)
		}
		d.ask(d.unsignedLogin("alice", "accept"))
		if err := s.Reload(cfg); err != nil {
			t.Fatal(err)
		}
		d.silent(d.unsignedLogin("alice", "accept"), dropUnsigned)
	}
}

// TestUnreadableMemoryStopsTheStart: to forget that a client signs would open
// the door.
func TestUnreadableMemoryStopsTheStart(t *testing.T) {
	t.Parallel()
	for what, kept := range map[string]*records{
		"an error":      {err: context.DeadlineExceeded},
		"a torn record": {of: map[string]login.Value{learnedPrefix + "nas": {Rev: 1, Data: []byte("{")}}},
	} {
		if _, err := New(testConfig(), script(t), Options{Records: kept}); err == nil || !strings.Contains(err.Error(), `client "nas"`) {
			t.Errorf("%s: %v, want an error that names the client", what, err)
		}
	}
}

// TestEveryBitOfTheSignatureCounts is RFC 3579, section 3.2.
func TestEveryBitOfTheSignatureCounts(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	for bit := range 128 {
		p := d.login("alice", "accept")
		p[len(p)-16+bit/8] ^= 1 << (bit % 8)
		d.send(p)
	}
	st := s.after(128)
	if st.Dropped["bad_message_authenticator"] != 128 || sum(st.Sent) != 0 {
		t.Fatalf("dropped %v, sent %v", st.Dropped, st.Sent)
	}
	d.nothing()
	twice := d.bare(attr(attrUserName, "alice"), attr(attrMessageAuthenticator, strings.Repeat("x", 16)), attr(attrMessageAuthenticator, strings.Repeat("\x00", 16)))
	d.silent(d.sign(twice), dropBadSignature)
	d.silent(d.bare(attr(attrMessageAuthenticator, "too short")), dropBadSignature)
	d.silent(d.bare(attr(attrMessageAuthenticator, "")), dropBadSignature)
	if got := d.ask(d.login("alice", "accept")); got.code != accept {
		t.Fatalf("code %d", got.code)
	}
}
