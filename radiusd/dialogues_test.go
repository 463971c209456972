package radiusd

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"layeh.com/radius"

	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
	"github.com/portvakt/portvakt/radiusd/preset"
)

// The attributes that dialogues have, by their names in RFC 2865 and RFC 2869.
var attributeNames = map[string]byte{
	"User-Name": 1, "User-Password": 2, "NAS-IP-Address": 4, "NAS-Port": 5, "Service-Type": 6, "Framed-Protocol": 7, "Reply-Message": 18, "State": 24,
	"Called-Station-Id": 30, "Calling-Station-Id": 31, "NAS-Identifier": 32, "Proxy-State": 33, "NAS-Port-Type": 61, "Prompt": 76,
	"Connect-Info": 77, "Message-Authenticator": 80, "NAS-Port-Id": 87,
}

// A round is a request as a product sends it, and what it must get.
type round struct {
	again bool // the same datagram
	send  []string
	code  string
	want  []string
}

// readDialogue reads a file of testdata/dialogues: "send" or "again", below it the
// attributes in their order, "receive" with a code, and the attributes of the
// reply, all but Message-Authenticator and State. A State or Message-Authenticator
// that is sent has no value, and a * in a text stands for the rest of it.
func readDialogue(t *testing.T, file string) (head string, rounds []round) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		line := lines.Text()
		code, receives := strings.CutPrefix(line, "receive ")
		switch {
		case strings.HasPrefix(line, "#"):
			head += line + "\n"
		case line == "":
		case line == "send", line == "again":
			rounds = append(rounds, round{again: line == "again"})
		case len(rounds) == 0:
			t.Fatalf("%s begins with %q", file, line)
		case receives:
			rounds[len(rounds)-1].code = code
		case strings.HasPrefix(line, "\t"):
			r := &rounds[len(rounds)-1]
			if r.code == "" {
				r.send = append(r.send, line[1:])
			} else {
				r.want = append(r.want, line[1:])
			}
		default:
			t.Fatalf("%s has the line %q", file, line)
		}
	}
	return head, rounds
}

// dialogueAttr encodes an attribute, whose value is a text in quotes, an address, or a number.
func dialogueAttr(t *testing.T, line string) (typ byte, value string) {
	t.Helper()
	name, text, _ := strings.Cut(line, " = ")
	typ, ok := attributeNames[name]
	if !ok {
		t.Fatalf("attribute %q is not in the test's list", name)
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return typ, string(a.AsSlice())
	}
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return typ, string(binary.BigEndian.AppendUint32(nil, uint32(n)))
	}
	if text != "" {
		if value, err := strconv.Unquote(text); err == nil {
			return typ, value
		}
		t.Fatalf("%q is neither a text, an address nor a number", line)
	}
	return typ, ""
}

// request builds what a product sends, in its order.
func (d *device) request(lines []string, state string) []byte {
	d.t.Helper()
	var attrs [][]byte
	password, mac, at := "", 0, headerLen
	for _, line := range lines {
		typ, value := dialogueAttr(d.t, line)
		a := attr(typ, value)
		switch typ {
		case attrUserPassword:
			password, a = value, hiddenRoom(value)
		case attrState:
			a = attr(typ, state)
		case attrMessageAuthenticator:
			a, mac = attr(typ, strings.Repeat("\x00", macLen)), at+2
		}
		attrs, at = append(attrs, a), at+len(a)
	}
	p := d.bare(attrs...)
	d.hide(p, password)
	if mac > 0 {
		h := hmac.New(md5.New, []byte(d.secret))
		h.Write(p)
		h.Sum(p[mac:mac])
	}
	return p
}

// TestDialoguesOfProducts replays what products send against the server with
// their presets, and a Flow behind it.
func TestDialoguesOfProducts(t *testing.T) {
	t.Parallel()
	for _, p := range preset.All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			head, rounds := readDialogue(t, filepath.Join("testdata", "dialogues", p.Name+".txt"))
			if recorded := strings.HasPrefix(head, "# Recorded from "); recorded != p.Tried {
				t.Errorf("it is recorded: %v, and its page says tried: %v", recorded, p.Tried)
			}
			cfg := testConfig()
			c, ok := testClient(p.Name, "127.0.0.0/8").WithPreset(map[string]any{"preset": p.Name}).(ClientConfig)
			if !ok {
				t.Fatal("the preset makes no client")
			}
			cfg.Clients = []ClientConfig{c}
			w := logintest.NewWorld(t, login.RuleConfig{Name: "all", SecondFactor: login.SecondRequired, Factors: []string{"totp"}})
			d := run(t, cfg, w.Flow, Options{}).device(t, "127.0.0.1")
			d.play(c, rounds)
		})
	}
}

func (d *device) play(c ClientConfig, rounds []round) {
	d.t.Helper()
	var sent []byte
	var last *answer
	state := ""
	for i, r := range rounds {
		before := last
		if !r.again {
			sent = d.request(r.send, state)
		}
		last = d.ask(sent)
		if r.again && !bytes.Equal(last.raw, before.raw) {
			d.t.Errorf("round %d: the same datagram gets another reply", i+1)
		}
		if s := last.all(attrState); len(s) > 0 {
			state = s[0]
		}
		if got := describe(last); !fits(got, append([]string{r.code}, r.want...)) {
			d.t.Errorf("round %d: got\n\t%s\nwant\n\t%s\n\t%s", i+1, strings.Join(got, "\n\t"), r.code, strings.Join(r.want, "\n\t"))
		}
		text := strings.Join(last.all(attrReplyMessage), "")
		if c.MaxReplyMessage > 0 && len(text) > c.MaxReplyMessage {
			d.t.Errorf("round %d: %d octets of text, and the product shows %d", i+1, len(text), c.MaxReplyMessage)
		}
		if c.ASCIIPrompts && strings.ContainsFunc(text, func(r rune) bool { return r > 126 }) {
			d.t.Errorf("round %d: the product shows ASCII only: %q", i+1, text)
		}
	}
}

// describe writes a reply as dialogues do, without what is new each time.
func describe(a *answer) []string {
	lines := []string{radius.Code(a.code).String()}
	for name, typ := range map[string]byte{"Reply-Message": attrReplyMessage, "Prompt": attrPrompt} {
		for _, v := range a.all(typ) {
			if typ == attrPrompt {
				lines = append(lines, fmt.Sprintf("%s = %d", name, binary.BigEndian.Uint32([]byte(v))))
			} else {
				lines = append(lines, fmt.Sprintf("%s = %q", name, v))
			}
		}
	}
	for _, v := range a.all(attrProxyState) {
		lines = append(lines, fmt.Sprintf("Proxy-State = %q", v))
	}
	return lines
}

// fits reports whether a reply has these lines and no other; the order counts
// among those of one name.
func fits(got, want []string) bool {
	if len(got) != len(want) {
		return false
	}
	of := func(lines []string) map[string][]string {
		by := map[string][]string{}
		for _, l := range lines {
			name, _, _ := strings.Cut(l, " = ")
			by[name] = append(by[name], l)
		}
		return by
	}
	had := of(got)
	for name, lines := range of(want) {
		if len(had[name]) != len(lines) {
			return false
		}
		for i, l := range lines {
			front, back, any := strings.Cut(l, "*")
			h := had[name][i]
			if !any && h != l || any && (!strings.HasPrefix(h, front) || !strings.HasSuffix(h, back)) {
				return false
			}
		}
	}
	return true
}
