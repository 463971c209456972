package dictionary

import (
	"encoding/hex"
	"strings"
	"testing"
)

// load is the embedded dictionary with two vendors of odd formats.
func load(t testing.TB) *Dictionary {
	t.Helper()
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	own := "vendor Wide 429 4/0\nattribute Wide-Name 38 text\n"
	if err := d.Parse("wide", strings.NewReader(own)); err != nil {
		t.Fatal(err)
	}
	own = "vendor Tall 8164 2/2\nattribute Tall-Name 300 text\nattribute Tall-Key 301 octets encrypted\n"
	if err := d.Parse("tall", strings.NewReader(own)); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEncodeWritesWhatTheRFCsDraw(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, row := range []struct {
		source, name, value string
		tag                 byte
		want                string
	}{
		{"RFC 2865, section 5.11", "filter-id", "full", 0, "0b06 66756c6c"},
		{"RFC 2865, section 5.25", "Class", "admins", 0, "1908 61646d696e73"},
		{"RFC 2865, section 5.25", "Class", "0x00ff", 0, "1904 00ff"},
		{"RFC 2865, section 5.8", "Framed-IP-Address", "192.0.2.7", 0, "0806 c0000207"},
		{"RFC 2865, section 5.6", "Service-Type", "administrative-user", 0, "0606 00000006"},
		{"RFC 2865, section 5.6", "Service-Type", "Login", 0, "0606 00000001"},
		{"RFC 2865, section 5.27", "Session-Timeout", "28800", 0, "1b06 00007080"},
		{"RFC 2865, section 5.27", "Session-Timeout", "0xffffffff", 0, "1b06 ffffffff"},
		{"RFC 2865, section 5.26", "Fortinet-Group-Name", "vpn-admins", 0, "1a12 00003044 010c 76706e2d61646d696e73"},
		{"RFC 2865, section 5.26", "Cisco-AVPair", "shell:priv-lvl=15", 0, "1a19 00000009 0113 7368656c6c3a707269762d6c766c3d3135"},
		{"RFC 2865, section 5.26", "ASA-Group-Policy", "staff", 0, "1a0d 00000c04 1907 7374616666"},
		{"a type of four octets, no length", "Wide-Name", "ab", 0, "1a0c 000001ad 00000026 6162"},
		{"type and length of two octets", "Tall-Name", "ab", 0, "1a0c 00001fe4 012c 0006 6162"},
		{"RFC 2868, section 3.1", "Tunnel-Type", "VLAN", 1, "4006 0100000d"},
		{"RFC 2868, section 3.1", "Tunnel-Type", "VLAN", 0, "4006 0000000d"},
		{"RFC 2868, section 3.2", "Tunnel-Medium-Type", "IEEE-802", 1, "4106 01000006"},
		{"RFC 3580, section 3.31", "Tunnel-Medium-Type", "802", 0, "4106 00000006"},
		{"RFC 2868, section 3.6", "Tunnel-Private-Group-ID", "42", 1, "5105 013432"},
		{"RFC 2868, section 3.6", "Tunnel-Private-Group-ID", "42", 0, "5104 3432"},
		{"RFC 3162, section 2.2", "Framed-Interface-Id", "0:0:0:1f", 0, "600a 000000000000001f"},
		{"RFC 3162, section 2.2", "Framed-Interface-Id", "021122fffe334455", 0, "600a 021122fffe334455"},
		{"RFC 3162, section 2.3", "Framed-IPv6-Prefix", "2001:db8:1::/48", 0, "610a 0030 20010db80001"},
		{"RFC 3162, section 2.3", "Framed-IPv6-Prefix", "2001:db8:8000::/33", 0, "6109 0021 20010db880"},
		{"RFC 3162, section 2.3", "Framed-IPv6-Prefix", "::/0", 0, "6104 0000"},
		{"RFC 6911, section 3.1", "Framed-IPv6-Address", "2001:db8::1", 0, "a812 20010db8000000000000000000000001"},
		{"RFC 2869, section 5.3", "Event-Timestamp", "2018-06-13T00:00:00+02:00", 0, "3706 5b204260"},
		{"RFC 2869, section 5.3", "Event-Timestamp", "1", 0, "3706 00000001"},
	} {
		a, err := d.Find(row.name)
		if err != nil {
			t.Errorf("%s: %v", row.source, err)
			continue
		}
		e, err := Encode(a, row.value, row.tag)
		if err != nil {
			t.Errorf("%s: %v", row.source, err)
			continue
		}
		got, err := e.Append(nil, nil)
		want := strings.ReplaceAll(row.want, " ", "")
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s: %s = %s: got %x, want %s (%v)", row.source, row.name, row.value, got, row.want, err)
		}
		if e.Len() != len(got) {
			t.Errorf("%s: Len %d, wrote %d", row.name, e.Len(), len(got))
		}
	}
}

func TestEncodeRefusesWhatADeviceWouldMisread(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, row := range []struct {
		name, value string
		tag         byte
		says        string
	}{
		{"Filter-Id", "", 0, "empty"},
		{"Filter-Id", "full\x00admin", 0, "U+0000"},
		{"Filter-Id", "full\x1b[2J", 0, "U+001B"},
		{"Filter-Id", "caf\xe9", 0, "not UTF-8"},
		{"Filter-Id", strings.Repeat("x", 254), 0, "too long by 1"},
		{"Filter-Id", strings.Repeat("x", 4096), 0, "too long by 3843"},
		{"Class", "a\x00b", 0, "U+0000"},
		{"Class", "0x123", 0, "pairs of hexadecimal"},
		{"Class", "0x", 0, "pairs of hexadecimal"},
		{"Class", strings.Repeat("x", 4096), 0, "too long"},
		{"Cisco-AVPair", strings.Repeat("x", 248), 0, "too long by 1"},
		{"Wide-Name", strings.Repeat("x", 246), 0, "too long by 1"},
		{"Tall-Name", strings.Repeat("x", 246), 0, "too long by 1"},
		{"Tunnel-Private-Group-Id", strings.Repeat("x", 253), 1, "too long by 1"},
		{"Tunnel-Password", strings.Repeat("x", 240), 1, "too long"},
		{"Session-Timeout", "8h", 0, "no number"},
		{"Session-Timeout", "-1", 0, "no number"},
		{"Session-Timeout", "4294967296", 0, "no number"},
		{"Service-Type", "Admin", 0, "Administrative-User"},
		{"Tunnel-Type", "16777216", 1, "beside a tag"},
		{"Tunnel-Type", "VLAN", 32, "tag 32"},
		{"Session-Timeout", "60", 1, "has no tag"},
		{"Framed-IP-Address", "2001:db8::1", 0, "no IPv4 address"},
		{"Framed-IPv6-Address", "192.0.2.1", 0, "no IPv6 address"},
		{"Framed-IPv6-Address", "fe80::1%eth0", 0, "no IPv6 address"},
		{"Framed-IPv6-Prefix", "2001:db8::1/64", 0, "write 2001:db8::/64"},
		{"Framed-IPv6-Prefix", "192.0.2.0/24", 0, "no IPv6 prefix"},
		{"Framed-Interface-Id", "0:0:1", 0, "no interface identifier"},
		{"Framed-Interface-Id", "0:0:0:10000", 0, "no interface identifier"},
		{"Event-Timestamp", "yesterday", 0, "no date"},
		{"Event-Timestamp", "1960-01-01T00:00:00Z", 0, "no date"},
	} {
		a, err := d.Find(row.name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Encode(a, row.value, row.tag)
		if err == nil || !strings.Contains(err.Error(), row.says) || !strings.HasPrefix(err.Error(), a.Name) {
			t.Errorf("%s = %.20q: got error %v, want %s… %s", row.name, row.value, err, a.Name, row.says)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("%s: the error repeats the value: %d octets", row.name, len(err.Error()))
		}
	}
}

func TestALongestValueFillsTheAttribute(t *testing.T) {
	t.Parallel()
	d := load(t)
	for name, most := range map[string]int{"Filter-Id": 253, "Cisco-AVPair": 247, "Wide-Name": 245, "Tall-Name": 245} {
		a, _ := d.Lookup(name)
		e, err := Encode(a, strings.Repeat("x", most), 0)
		if err != nil || e.Len() != 255 {
			t.Errorf("%s: %d octets make %d (%v), want 255", name, most, e.Len(), err)
		}
	}
}

func TestEncodeTextReadsNoNotation(t *testing.T) {
	t.Parallel()
	d := load(t)
	class, _ := d.Lookup("Class")
	e, err := EncodeText(class, "0x41", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := e.Append(nil, nil); string(got) != "\x19\x060x41" {
		t.Errorf("got %q, want the four characters", got)
	}
	for _, bad := range []string{"", "a\nb", "a\x00", "\xff", strings.Repeat("x", 4096)} {
		if _, err := EncodeText(class, bad, 0); err == nil {
			t.Errorf("%.10q was accepted", bad)
		}
	}
	timeout, _ := d.Lookup("Session-Timeout")
	if _, err := EncodeText(timeout, "60", 0); err == nil {
		t.Error("a text was accepted for a number")
	}
}
