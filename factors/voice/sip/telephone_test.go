package sip

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/peer"
)

// A real telephone hears the prompt and presses the key, once in the clear and
// once with everything encrypted, which it insists on.
func TestATelephone(t *testing.T) {
	if !peer.OwnNetwork(t) {
		return
	}
	peer.Need(t, "sox")
	ca := peer.NewCA(t)
	for _, secure := range []bool{false, true} {
		t.Run("TLS and SRTP: "+strconv.FormatBool(secure), func(t *testing.T) {
			phone := peer.StartBaresip(t, peer.BaresipOptions{
				User: number, TLS: secure, Cert: ca.Issue(t, peer.CertRequest{Hosts: []string{peer.NetworkAddress}}),
			})
			server := "sip:" + phone.Addr
			if secure {
				server = "sips:" + phone.Addr
			}
			p, _ := provider(t, server, func(c *Config) {
				c.Local = peer.NetworkAddress
				if secure {
					c.CA = ca.File
				}
			})
			var alice person
			c := alice.call(t)
			c.Prompt, c.Ending = tone(440, 1500*time.Millisecond), nil
			during(t, func() {
				phone.Await(t, "CALL_ESTABLISHED")
				<-time.After(1200 * time.Millisecond) // she listens
				phone.Press(t, "#")
				phone.Await(t, "CALL_CLOSED")
			}, func() {
				if got, _ := place(t, p, c); got != "approved" {
					t.Errorf("got %s, want approved", got)
				}
			})
			if c.Trace.Keys != "rfc4733" {
				t.Errorf("the key came by %q", c.Trace.Keys)
			}
			heard := phone.Heard(t)
			all, band := loudness(t, heard), loudness(t, heard, "bandpass", "440", "40")
			if all < 0.05 || band/all < 0.7 { // a busy machine leaves gaps
				t.Errorf("it heard %.3f, and %.3f of it at 440 Hz", all, band)
			}
		})
	}
}

var rms = regexp.MustCompile(`RMS\s+amplitude:\s+([0-9.]+)`)

// loudness measures a recording, behind a filter.
func loudness(t *testing.T, wav string, effect ...string) float64 {
	t.Helper()
	out, err := exec.Command("sox", append(append([]string{wav, "-n"}, effect...), "stat")...).CombinedOutput()
	m := rms.FindStringSubmatch(string(out))
	if err != nil || m == nil {
		t.Fatalf("sox: %v\n%s", err, out)
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Whoever has another certificate is not the exchange, and gets no number.
func TestAnExchangeThatCannotProveWhoItIs(t *testing.T) {
	if !peer.OwnNetwork(t) {
		return
	}
	ca := peer.NewCA(t)
	phone := peer.StartBaresip(t, peer.BaresipOptions{
		User: number, TLS: true, Cert: ca.Issue(t, peer.CertRequest{Name: "other.example.test", Hosts: []string{"other.example.test"}}),
	})
	for _, row := range []struct {
		rule, name, ca string
		want           string
	}{
		{"a certificate of another name", "", ca.File, "unavailable unrung"},
		{"an authority that nobody knows", "other.example.test", peer.NewCA(t).File, "unavailable unrung"},
		{"the name that was told", "other.example.test", ca.File, "approved"},
	} {
		t.Run(row.rule, func(t *testing.T) {
			p, _ := provider(t, "sips:"+phone.Addr, func(c *Config) {
				c.Local, c.CA, c.ServerName = peer.NetworkAddress, row.ca, row.name
			})
			var alice person
			during(t, func() {
				if row.want == "approved" {
					phone.Await(t, "CALL_ESTABLISHED")
					<-time.After(short)
					phone.Press(t, "#")
				}
			}, func() {
				if got, _ := place(t, p, alice.call(t)); got != row.want {
					t.Errorf("got %s, want %s", got, row.want)
				}
			})
		})
	}
}
