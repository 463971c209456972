package smpp

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A submitted is what an SMSC reads of a submit_sm.
type submitted struct {
	service        string
	from, to       Address
	class          byte
	validity       string
	registered     byte
	coding         byte
	tags           map[tag][]byte
	header, octets string
}

func readSubmit(t testing.TB, p pdu) submitted {
	t.Helper()
	r := reader{rest: p.body}
	address := func() Address { return Address{r.octet(), r.octet(), r.text()} }
	m := submitted{service: r.text(), from: address(), to: address(), class: r.octet()}
	r.octets(2)
	if at := r.text(); at != "" {
		t.Errorf("scheduled for %q", at)
	}
	m.validity, m.registered = r.text(), r.octet()
	r.octet()
	m.coding = r.octet()
	r.octet()
	b := r.octets(int(r.octet()))
	m.tags = r.tags()
	if r.err != nil {
		t.Errorf("%x: %v", p.body, r.err)
	}
	if m.class&esmUserHeader != 0 {
		m.header = hex.EncodeToString(b[:1+b[0]])
		b = b[1+b[0]:]
	}
	m.octets = string(b)
	return m
}

// texts sends a text and returns what an SMSC gets.
func texts(t *testing.T, text string, change ...func(*Client)) []submitted {
	t.Helper()
	s := &script{answer: accepts}
	c, _ := piped(t, s, change...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := c.Send(ctx, Message{To: International(markNumber), Text: text}); err != nil {
		t.Fatal(err)
	}
	var all []submitted
	for _, p := range s.all(submitSM) {
		all = append(all, readSubmit(t, p))
	}
	return all
}

func TestTextsOnTheWire(t *testing.T) {
	t.Parallel()
	latin1 := func(c *Client) { c.cfg.Alphabet = "latin1" }
	for _, row := range []struct {
		rule, text string
		change     func(*Client)
		coding     byte
		want       string
	}{
		{"ASCII", "Code 123456", nil, 0, "Code 123456"},
		{"Nordic letters are GSM 7-bit", "æøåÆØÅ", nil, 0, "\x1d\x0c\x0f\x1c\x0b\x0e"},
		{"the euro sign takes two septets", "10 €", nil, 0, "10 \x1b\x65"},
		{"@ is 0 and does not end the text", "a@b", nil, 0, "a\x00b"},
		{"Cyrillic is UCS-2", "Код", nil, 8, "\x04\x1a\x04\x3e\x04\x34"},
		{"a code the carrier prefers", "Код", func(c *Client) { c.opt.Coding = [2]byte{1, 24} }, 24, "\x04\x1a\x04\x3e\x04\x34"},
		{"beyond the basic plane", "😀", nil, 8, "\xd8\x3d\xde\x00"},
		{"Latin-1 where the SMSC has that", "æøå@", latin1, 0, "\xe6\xf8\xe5@"},
		{"what Latin-1 has not is UCS-2", "10 €", latin1, 8, "\x001\x000\x00 \x20\xac"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var change []func(*Client)
				if row.change != nil {
					change = append(change, row.change)
				}
				got := texts(t, row.text, change...)
				if len(got) != 1 || got[0].coding != row.coding || got[0].octets != row.want || got[0].class != 0 {
					t.Errorf("got %+v, want %q in %d", got, row.want, row.coding)
				}
			})
		})
	}
}

func TestLongTextsAreParts(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		rule, text string
		sar        bool
		want       []string
	}{
		{"160 characters are one", strings.Repeat("a", 160), false, []string{" 160"}},
		{"161 are two with a header of 6 octets", strings.Repeat("a", 161), false, []string{"050003RR0201 153", "050003RR0202 8"}},
		{"71 of UCS-2 are two", strings.Repeat("ж", 71), false, []string{"050003RR0201 134", "050003RR0202 8"}},
		{"or with parameters for an SMSC that wants those", strings.Repeat("a", 161), true, []string{"RR 02 01 153", "RR 02 02 8"}},
	} {
		t.Run(row.rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var reference byte
				var got []string
				all := texts(t, row.text, func(c *Client) {
					if row.sar {
						c.cfg.Concatenation = "sar"
					}
					c.reference.Store(0x1a9)
				})
				for i, m := range all {
					reference = 0xaa
					line := m.header
					if row.sar {
						line = fmt.Sprintf("%x %x %x", m.tags[sarReference][1:], m.tags[sarTotal], m.tags[sarSequence])
					}
					line = strings.Replace(line, fmt.Sprintf("%02x", reference), "RR", 1)
					got = append(got, fmt.Sprintf("%s %d", line, len(m.octets)))
					if last := i == len(all)-1; (m.registered == receiptWanted) != last {
						t.Errorf("part %d: registered_delivery %d; only the last one has a receipt", i+1, m.registered)
					}
				}
				if fmt.Sprint(got) != fmt.Sprint(row.want) {
					t.Errorf("got %q, want %q", got, row.want)
				}
			})
		})
	}
}

// A telephone may show the first part, or nothing; another provider's message
// would be a second one.
func TestHalfOfATextIsNotNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &script{}
		s.answer = func(c *conversation, p pdu) {
			if s.count(submitSM) == 2 {
				c.reply(p, statusSystem, "")
				return
			}
			accepts(c, p)
		}
		c, _ := piped(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := outcome(c.Send(ctx, Message{To: International(markNumber), Text: strings.Repeat("a", 200)}))
		if !strings.HasPrefix(got, "unknown: part 2 of 2: not sent: status 0x8") {
			t.Error(got)
		}
		if got := outcome(c.Send(ctx, Message{To: International(markNumber), Text: strings.Repeat("a", 4*153+1)})); got != "not sent: the text is too long" {
			t.Error(got)
		}
	})
}

func TestAddressesAndTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := texts(t, "a", func(c *Client) {
			c.cfg.Validity = 26*time.Hour + 3*time.Minute + 4*time.Second
			c.cfg.ServiceType = "OTP"
			c.cfg.ToTONNPI = []int{0, 1}
		})[0]
		if m.service != "OTP" || m.validity != "000001020304000R" || m.to != (Address{0, 1, markNumber}) || m.from != (Address{5, 0, "UiT"}) {
			t.Errorf("got %+v", m)
		}
		if m = texts(t, "a")[0]; m.validity != "000000000500000R" || m.to != (Address{1, 1, markNumber}) || m.service != "" {
			t.Errorf("by default: got %+v", m)
		}
	})
	for _, row := range []struct {
		sender string
		want   string
	}{
		{"", "{0 0 }"},
		{"UiT", "{5 0 UiT}"},
		{"My Bank 2-b", "{5 0 My Bank 2-b}"},
		{"+4712345678", "{1 1 4712345678}"},
		{"2002", "{3 0 2002}"},
		{"12345678", "{3 0 12345678}"},
		{"4712345678", "{0 1 4712345678}"},
		{"twelve chars", "has letters and more than 11"},
		{"Ærlig", "has a character"},
		{"a\x00b", "has a character"},
		{"+", "has a character"},
		{strings.Repeat("1", 21), "is longer"},
	} {
		a, err := Sender(row.sender)
		got := fmt.Sprint(a)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, row.want) {
			t.Errorf("%q: got %s, want %s", row.sender, got, row.want)
		}
	}
}
