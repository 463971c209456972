package radiusd

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
	"github.com/portvakt/portvakt/login"
	"github.com/portvakt/portvakt/login/logintest"
)

const (
	accept    = 2
	rejected  = 3
	challenge = 11
)

// TestNemo is the example of RFC 2865, section 7.1, octet by octet but for the
// reply, which today begins with Message-Authenticator.
func TestNemo(t *testing.T) {
	request, err := hex.DecodeString("010000380f403f9473978057bd83d5cb98f4227a" +
		"01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a8011005060000" + "0003")
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	cfg.Clients[0].Secret = secret.New("xyzzy5461")
	attributes, _ := hex.DecodeString("0606000000010f0600000000" + "0e06c0a80103")
	typed := make(chan string, 1)
	in := letIn(t)
	s := run(t, cfg, flowFunc(func(_ context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
		text, _ := a.Secret.Reveal()
		typed <- text
		return in, nil
	}), Options{Reply: func(string, login.Account) ([]byte, error) { return attributes, nil }})
	d := s.device(t, "127.0.0.1")
	d.secret = "xyzzy5461"
	got := d.ask(request)
	if text := <-typed; got.code != accept || text != "arctangent" {
		t.Fatalf("code %d and password %q, want 2 and %q", got.code, text, "arctangent")
	}
	if !bytes.Equal(got.raw[headerLen+18:], attributes) {
		t.Fatalf("attributes %x, want %x", got.raw[headerLen+18:], attributes)
	}
}

// TestOnlyTwoCodesAreAnswered is RFC 2865, section 3: invalid codes are
// discarded in silence.
func TestOnlyTwoCodesAreAnswered(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	for code := range 256 {
		p := d.login("alice", "accept")
		p[0] = byte(code)
		d.sign(p)
		if code == 1 || code == 12 {
			d.ask(p)
			continue
		}
		d.send(p)
	}
	st := s.after(256)
	if st.Dropped["bad_code"] != 254 {
		t.Fatalf("dropped %v, want 254 bad codes", st.Dropped)
	}
	d.nothing()
}

// TestLength is RFC 2865, section 3: padding is ignored, all else that Length
// can say wrong is discarded.
func TestLength(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	want := d.ask(d.login("alice", "accept")).raw
	for n := 1; n <= 200; n++ {
		got := d.ask(append(d.login("alice", "accept"), make([]byte, n)...)).raw
		if len(got) != len(want) || !bytes.Equal(got[headerLen+18:], want[headerLen+18:]) {
			t.Fatalf("with %d octets of padding the reply is %x, without %x", n, got, want)
		}
	}
	for _, length := range []int{0, 1, 19, 4097, 65535, -1} {
		p := d.login("alice", "accept")
		if length < 0 {
			length = len(p) + 1
		}
		binary.BigEndian.PutUint16(p[2:], uint16(length))
		d.silent(p, dropLength)
	}
	for n := range headerLen {
		d.silent(d.login("alice", "accept")[:n], dropShort)
	}
}

// TestAttributesThatCannotBeWalked are discarded: who sent them is unknown.
func TestAttributesThatCannotBeWalked(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	for name, broken := range map[string][]byte{
		"length 0":                 {25, 0, 0},
		"length 1":                 {25, 1, 0},
		"beyond the end":           {25, 9, 'x'},
		"no room for a length":     {25},
		"vendor with length 0":     {26, 0},
		"no room behind the first": append(attr(25, "x"), 26),
	} {
		t.Log(name)
		d.silent(d.bare(attr(attrUserName, "alice"), broken), dropMalformed)
	}
	var many [][]byte
	for range maxAttributes + 1 {
		many = append(many, attr(25, ""))
	}
	d.silent(d.bare(many...), dropAttributes)
	// 2038 attributes of two octets fill a packet: work must stay bounded.
	d.silent(d.bare(bytes.Repeat([]byte{25, 2}, 2038)), dropAttributes)
}

// TestPasswordsOfEveryLength is RFC 2865, section 5.2.
func TestPasswordsOfEveryLength(t *testing.T) {
	t.Parallel()
	typed := make(chan string, 1)
	s := run(t, testConfig(), flowFunc(func(_ context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
		text, _ := a.Secret.Reveal()
		typed <- text
		return login.Reject{Text: "no"}, nil
	}), Options{})
	d := s.device(t, "127.0.0.1")
	for n := range maxPassword + 1 {
		want := strings.Repeat("pässword", 20)[:n]
		if n > 0 && want[n-1] == 0xc3 {
			want = want[:n-1] + "x" // not half a rune
		}
		d.ask(d.login("alice", want))
		if got := <-typed; got != want {
			t.Fatalf("password of %d octets arrived as %q, want %q", n, got, want)
		}
	}
	for _, n := range []int{0, 1, 15, 17, 31, 129, 144, 253} {
		p := d.signed(attr(attrUserName, "alice"), attr(attrUserPassword, strings.Repeat("x", n)), nasID)
		if a := d.ask(p); a.code != rejected || len(a.attrs) != 1 {
			t.Fatalf("User-Password of %d octets: %v, want a bare Access-Reject", n, a)
		}
	}
	if len(typed) > 0 {
		t.Fatalf("a password of a wrong length was forwarded: %q", <-typed)
	}
}

// TestWhatARequestMayHold is RFC 2865, sections 4.1 and 5.44, and attack S-38.
func TestWhatARequestMayHold(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	name, state, chap := attr(attrUserName, "alice"), attr(attrState, "s"), attr(attrCHAPPassword, strings.Repeat("c", 17))
	mschap := func(typ string) []byte { return attr(attrVendorSpecific, "\x00\x00\x01\x37"+typ+"\x04xx") }
	for _, row := range []struct {
		what    string
		packet  []byte
		code    byte
		refused tally
	}{
		{"a name and a password", d.login("alice", "accept"), accept, dropNone},
		{"no NAS identification, as real products send", strip(d, d.login("alice", "accept"), attrNASIdentifier), accept, dropNone},
		{"NAS-IPv6-Address (RFC 3162, section 2.1)", d.login("alice", "accept", attr(attrNASIPv6Address, strings.Repeat("6", 16))), accept, dropNone},
		{"unknown and extended attributes", d.login("alice", "accept", attr(241, "\x01x"), attr(246, "\x01xx"), attr(200, "?")), accept, dropNone},
		{"an empty State", d.login("alice", "accept", attr(attrState, "")), accept, dropNone},
		{"State and a code", d.login("alice", "123456", state), accept, dropNone},
		{"a State that nobody knows", d.login("alice", "accept", state), rejected, dropNone},
		{"State and no password", d.signed(name, state, nasID), rejected, dropNone},
		{"neither password nor State", d.signed(name, nasID), rejected, refusedNothingToCheck},
		{"both passwords", d.login("alice", "accept", chap), rejected, refusedBothPasswords},
		{"CHAP", d.signed(name, chap, nasID), rejected, refusedMethod},
		{"MS-CHAP response", d.signed(name, mschap("\x01"), nasID), rejected, refusedMethod},
		{"MS-CHAP2-Response and State", d.signed(name, mschap("\x19"), state, nasID), rejected, refusedMethod},
		{"MS-CHAP-Challenge beside a password", d.login("alice", "accept", mschap("\x0b")), rejected, refusedMethod},
		{"EAP", d.signed(name, attr(attrEAPMessage, "\x02\x07\x00\x05\x01"), nasID), rejected, refusedMethod},
		{"two State", d.login("alice", "123456", state, state), rejected, refusedTwice},
		{"two different State", d.login("alice", "123456", state, attr(attrState, "t")), rejected, refusedTwice},
		{"two User-Name", d.login("alice", "accept", attr(attrUserName, "bob")), rejected, refusedTwice},
		{"two User-Password", d.login("alice", "accept", attr(attrUserPassword, strings.Repeat("p", 16))), rejected, refusedTwice},
		{"no User-Name", d.login("", "accept"), rejected, refusedName},
		{"User-Name with NUL", d.login("alice\x00", "accept"), rejected, refusedName},
		{"User-Name with a line break", d.login("alice\nlevel=ERROR", "accept"), rejected, refusedName},
		{"User-Name with an escape", d.login("\x1b[2Jalice", "accept"), rejected, refusedName},
		{"User-Name that is no UTF-8", d.login("al\xffce", "accept"), rejected, refusedName},
		{"User-Name of 253 octets", d.login(strings.Repeat("a", 253), "accept"), accept, dropNone},
		{"a password behind a NUL", d.login("alice", "accept\x00x"), rejected, refusedGarbled},
		{"a password that is no UTF-8 (S-37)", d.login("alice", "p\xe4ssword"), rejected, refusedGarbled},
	} {
		before := s.Stats()
		got := d.ask(row.packet)
		after := s.Stats()
		if got.code != row.code {
			t.Errorf("%s: code %d, want %d", row.what, got.code, row.code)
		}
		if row.refused == dropNone && sum(after.Refused) != sum(before.Refused) {
			t.Errorf("%s: refused %v, want the flow to decide", row.what, after.Refused)
		}
		if row.refused != dropNone && after.Refused[row.refused.String()] != before.Refused[row.refused.String()]+1 {
			t.Errorf("%s: refused %v, want %s", row.what, after.Refused, row.refused)
		}
	}
	if got := s.Stats().Notes["no_nas_identification"]; got != 1 {
		t.Errorf("%d requests without NAS identification noted, want 1", got)
	}
	if got := d.ask(d.signed(name, attr(attrEAPMessage, "\x02\x07\x00\x05\x01"))).all(attrEAPMessage); !slices.Equal(got, []string{"\x04\x07\x00\x04"}) {
		t.Errorf("EAP is refused with %q, want EAP-Failure (RFC 3579, section 2.6.3)", got)
	}
	// What pppd sends whose dictionary lacks Microsoft's attributes.
	if !strings.Contains(s.logs.String(), "the client's dictionary") {
		t.Errorf("the log does not say why there is no password: %s", s.logs)
	}
	for line := range strings.Lines(s.logs.String()) {
		if !strings.HasPrefix(line, "{") || !strings.HasSuffix(line, "}\n") {
			t.Errorf("a line of the log is broken: %q", line)
		}
	}
}

// strip takes the first attribute of a type out.
func strip(d *device, p []byte, typ byte) []byte {
	for at := headerLen; at < len(p); at += int(p[at+1]) {
		if p[at] == typ {
			p = append(p[:at], p[at+int(p[at+1]):]...)
			break
		}
	}
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	return d.sign(p)
}

// TestProxyState is RFC 2865, section 5.33: all of them, unmodified, in order.
func TestProxyState(t *testing.T) {
	t.Parallel()
	s := run(t, testConfig(), script(t), Options{})
	d := s.device(t, "127.0.0.1")
	for _, n := range []int{0, 1, 5, 14} {
		for _, password := range []string{"accept", "ask", "wrong"} {
			var want []string
			var attrs [][]byte
			for i := range n {
				v := fmt.Sprint(i, "\x00state")
				switch i % 5 {
				case 1:
					v = ""
				case 3:
					v = strings.Repeat("\xff", 253)
				}
				want = append(want, v)
				attrs = append(attrs, attr(attrProxyState, v), attr(attrCallingStationID, "between"))
			}
			got := d.ask(d.login("alice", password, attrs...))
			if !slices.Equal(got.all(attrProxyState), want) {
				t.Errorf("%d, %s: Proxy-State %q, want %q", n, password, got.all(attrProxyState), want)
			}
		}
	}
}

// TestReplyMessage is RFC 2865, sections 5 and 5.18.
func TestReplyMessage(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("blåbærsyltetøy ", 40)[:599]
	in := logintest.AcceptWithNotice(t, login.Account{ID: "id-alice", Name: "alice"}, "test")
	s := run(t, testConfig(), flowFunc(func(_ context.Context, a login.Attempt, _ login.Ticket) (login.Step, error) {
		text, _ := a.Secret.Reveal()
		switch text {
		case "in":
			return in, nil
		case "long":
			text = long
		}
		return login.Reject{Text: text}, nil
	}), Options{})
	d := s.device(t, "127.0.0.1")
	if got := d.ask(d.login("alice", "")); len(got.all(attrReplyMessage)) != 0 {
		t.Errorf("an empty text was sent: %q", got.attrs)
	}
	if got := d.ask(d.login("alice", "in")); got.code != accept || !slices.Equal(got.all(attrReplyMessage), []string{in.Notice()}) {
		t.Errorf("code %d with %q, want the notice %q", got.code, got.all(attrReplyMessage), in.Notice())
	}
	parts := d.ask(d.login("alice", "long")).all(attrReplyMessage)
	if strings.Join(parts, "") != long || len(parts) != 3 {
		t.Errorf("%d parts: %q, want %q in 3", len(parts), parts, long)
	}
	for _, part := range parts {
		if part == "" || len(part) > maxValue || strings.ToValidUTF8(part, "?") != part {
			t.Errorf("part %q is empty, too long or cut in a rune", part)
		}
	}
	// What does not fit leaves the text out, never a Proxy-State.
	full := make([][]byte, 0, 15)
	for range 14 {
		full = append(full, attr(attrProxyState, strings.Repeat("p", 250)))
	}
	if got := d.ask(d.login("alice", "long", full...)); len(got.all(attrReplyMessage)) != 0 || len(got.all(attrProxyState)) != 14 {
		t.Errorf("%d texts and %d Proxy-States, want 0 and 14", len(got.all(attrReplyMessage)), len(got.all(attrProxyState)))
	}
}
