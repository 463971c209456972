package client

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/radiusd/dictionary"
)

// sample returns a value of the attribute as we write it, and as radclient
// prints it.
func sample(a dictionary.Attribute, n int) (written, printed string) {
	switch a.Type {
	case dictionary.Text:
		return fmt.Sprintf("text %d", n), fmt.Sprintf(`"text %d"`, n)
	case dictionary.Octets:
		return fmt.Sprintf("0x00%06x", n), fmt.Sprintf("0x00%06x", n)
	case dictionary.IPAddr:
		return fmt.Sprintf("192.0.2.%d", n%256), fmt.Sprintf("192.0.2.%d", n%256)
	case dictionary.IPv6Addr:
		return fmt.Sprintf("2001:db8::%x", n+1), fmt.Sprintf("2001:db8::%x", n+1)
	case dictionary.IPv6Prefix:
		return "2001:db8:1::/48", "2001:db8:1::/48"
	case dictionary.IfID:
		return "211:22ff:fe33:4455", "211:22ff:fe33:4455"
	case dictionary.Date:
		return "1528840800", ""
	case dictionary.Integer:
	}
	return strconv.Itoa(100_000 + n), strconv.Itoa(100_000 + n)
}

// TestRadclientReadsWhatWeWrite sends every attribute that a reply may carry
// to radclient, so that numbers, types, vendors' formats and tags are proven
// by another make's decoder.
func TestRadclientReadsWhatWeWrite(t *testing.T) {
	t.Parallel()
	radclient := peer(t, "radclient")
	d, err := dictionary.Load()
	if err != nil {
		t.Fatal(err)
	}
	var batches [][]dictionary.Encoded
	want := make(map[string]bool)
	size := maxPacket
	add := func(a dictionary.Attribute, value string, tag byte, line string) {
		e, err := dictionary.Encode(a, value, tag)
		if err != nil {
			t.Fatal(err)
		}
		if size+e.Len() > 3000 {
			batches, size = append(batches, nil), 0
		}
		last := len(batches) - 1
		batches[last], size = append(batches[last], e), size+e.Len()
		want[line] = false
	}
	for i, a := range d.All() {
		if a.Use == dictionary.UseOwn {
			continue
		}
		value, printed := sample(a, i)
		add(a, value, 0, theirName(a, 0)+" = "+printed)
		if a.Tagged {
			add(a, value, 5, theirName(a, 5)+" = "+printed)
		}
	}
	for _, row := range []struct {
		name, value string
		tag         byte
		printed     string
	}{
		{"Tunnel-Type", "VLAN", 1, "Tunnel-Type:1 = VLAN"},
		{"Tunnel-Medium-Type", "IEEE-802", 1, "Tunnel-Medium-Type:1 = IEEE-802"},
		{"Tunnel-Private-Group-Id", "42", 1, `Tunnel-Private-Group-Id:1 = "42"`},
		{"Service-Type", "Administrative", 0, "Service-Type = Administrative-User"},
		{"Fortinet-Group-Name", "vpn-admins", 0, `Fortinet-Group-Name = "vpn-admins"`},
		{"Cisco-AVPair", "shell:priv-lvl=15", 0, `Cisco-AVPair = "shell:priv-lvl=15"`},
		{"F5-LTM-User-Role", "Guest", 0, "F5-LTM-User-Role = Guest"},
		{"Filter-Id", strings.Repeat("f", 253), 0, `Filter-Id = "` + strings.Repeat("f", 253) + `"`},
		{"Class", "admins", 0, "Class = 0x61646d696e73"},
		{"Framed-IPv6-Prefix", "2001:db8:8000::/33", 0, "Framed-IPv6-Prefix = 2001:db8:8000::/33"},
		{"Framed-IPv6-Prefix", "::/0", 0, "Framed-IPv6-Prefix = ::/0"},
	} {
		a, err := d.Find(row.name)
		if err != nil {
			t.Fatal(err)
		}
		add(a, row.value, row.tag, row.printed)
	}

	for i, batch := range batches {
		server := respond(t, "127.0.0.1", func(_ int, request []byte) [][]byte {
			salter := dictionary.NewSalter(shared, [16]byte(request[4:headerSize]))
			var octets []byte
			for _, e := range batch {
				var err error
				if octets, err = e.Append(octets, salter); err != nil {
					t.Error(err)
				}
			}
			return one(reply(request, AccessAccept, octets...))
		})
		cmd := exec.CommandContext(t.Context(), radclient, "-x", "-r", "1", "-t", "10", server.socket.LocalAddr().String(), "auth", shared.Reveal())
		cmd.Stdin = strings.NewReader(`User-Name = "alice", User-Password = "x", Message-Authenticator = 0x00`)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("radclient, packet %d: %v\n%s", i, err, out)
		}
		_, received, ok := strings.Cut(string(out), "Received Access-Accept")
		if !ok {
			t.Fatalf("radclient took no Access-Accept:\n%s", out)
		}
		for line := range strings.Lines(received) {
			line = strings.TrimSpace(line)
			if _, ok := want[line]; ok {
				want[line] = true
				continue
			}
			name, _, attribute := strings.Cut(line, " = ")
			if _, ok := want[name+" = "]; ok { // a date, in their notation
				want[name+" = "] = true
			} else if attribute && name != "Message-Authenticator" {
				t.Errorf("radclient reads %s", line)
			}
		}
	}
	for line, seen := range want {
		if !seen {
			t.Errorf("radclient did not print %s", line)
		}
	}
	t.Logf("%d values in %d packets", len(want), len(batches))
}

// secondNames are names of numbers that radclient knows by two and prints by
// the other.
var secondNames = map[string]string{
	"ASA-WebVPN-Access-List":       "ASA-WebVPNACL",
	"ASA-SVC-Keepalive":            "ASA-WebVPN-SVC-Keepalive-Frequency",
	"ASA-SVC-DPD-Interval-Client":  "ASA-WebVPN-SVC-Client-DPD-Frequency",
	"ASA-SVC-DPD-Interval-Gateway": "ASA-WebVPN-SVC-Gateway-DPD-Frequency",
	"ASA-SVC-Rekey-Time":           "ASA-WebVPN-SVC-Rekey-Time",
	"ASA-SVC-DTLS":                 "ASA-WebVPN-SVC-DTLS-Enable",
	"ASA-SVC-MTU":                  "ASA-WebVPN-SVC-DTLS-MTU",
	"Mikrotik-Wireless-VLANIDtype": "Mikrotik-Wireless-VLANID-Type",
}

// theirName is the name as radclient prints it, with the tag.
func theirName(a dictionary.Attribute, tag byte) string {
	name := a.Name
	if second, ok := secondNames[name]; ok {
		name = second
	}
	if a.Tagged {
		name = fmt.Sprintf("%s:%d", name, tag)
	}
	return name
}
