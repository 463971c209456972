package dictionary

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func TestDecodePrintsWhatAnAdministratorWrites(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, row := range []struct{ octets, want string }{
		{"1206 48692d21", `Reply-Message = "Hi-!"`},
		{"1206 1b5b324a", `Reply-Message = "\x1b[2J"`},
		{"0606 00000006", "Service-Type = Administrative-User"},
		{"0606 000000ff", "Service-Type = 255"},
		{"0604 0006", "Service-Type = 0x0006"},
		{"1908 61646d696e73", `Class = "admins"`},
		{"1904 00ff", "Class = 0x00ff"},
		{"1902", `Class = ""`},
		{"0806 c0000207", "Framed-IP-Address = 192.0.2.7"},
		{"0805 c00002", "Framed-IP-Address = 0xc00002"},
		{"4006 0100000d", "Tunnel-Type:1 = VLAN"},
		{"4006 0000000d", "Tunnel-Type = VLAN"},
		{"5105 013432", `Tunnel-Private-Group-Id:1 = "42"`},
		{"5104 3432", `Tunnel-Private-Group-Id = "42"`},
		{"610a 0030 20010db80001", "Framed-IPv6-Prefix = 2001:db8:1::/48"},
		{"6114 0030 20010db8000100000000000000000001", "Framed-IPv6-Prefix = 2001:db8:1::/48"},
		{"6104 00ff", "Framed-IPv6-Prefix = 0x00ff"},
		{"600a 021122fffe334455", "Framed-Interface-Id = 211:22ff:fe33:4455"},
		{"3706 5b204260", "Event-Timestamp = 2018-06-12T22:00:00Z"},
		{"1a12 00003044 010c 76706e2d61646d696e73", `Fortinet-Group-Name = "vpn-admins"`},
		{"1a0c 000001ad 00000026 6162", `Wide-Name = "ab"`},
		{"1a0c 00001fe4 012c 0006 6162", `Tall-Name = "ab"`},
		{"1a0e 00003044 0104 6162 0304 6364", `Fortinet-Group-Name = "ab"; Fortinet-Vdom-Name = "cd"`},
		{"1a0a 00003044 6304 6162", "Vendor-12356-Attribute-99 = (2 octets)"},
		{"1a0a 00ffffff 0104 6162", "Vendor-16777215-Attribute-1 = (2 octets)"},
		{"fa06 61626364", "Attribute-250 = (4 octets)"},
		{"1804 abcd", "State = (secret, 2 octets)"},
		{"0204 abcd", "User-Password = (secret, 2 octets)"},
		{"1a0c 00000137 1006 8001abcd", "MS-MPPE-Send-Key = (secret, 4 octets)"},
		{"4507 018001abcd", "Tunnel-Password:1 = (secret, 4 octets)"},

		// Lengths that lie, inside: CVE-2001-1376.
		{"1a06 00003044", "Malformed = (0 octets)"},
		{"1a07 00003044 01", "Malformed = (1 octets)"},
		{"1a08 00003044 0100", "Malformed = (2 octets)"},
		{"1a08 00003044 0101", "Malformed = (2 octets)"},
		{"1a08 00003044 0102", `Fortinet-Group-Name = ""`},
		{"1a08 00003044 0103", "Malformed = (2 octets)"},
		{"1a08 00003044 01ff", "Malformed = (2 octets)"},
		{"1a0a 00003044 0102 01ff", `Fortinet-Group-Name = ""; Malformed = (2 octets)`},
		{"1a0a 00001fe4 012c 0003", "Malformed = (4 octets)"},
		{"1a0a 00001fe4 012c ffff", "Malformed = (4 octets)"},
		{"1a05 003044", "Malformed = (3 octets)"},
		{"1a0a 01003044 0104 6162", "Malformed = (8 octets)"},
		{"00001379c801", "Malformed = (6 octets)"},

		// And outside.
		{"12", "Malformed = (1 octets)"},
		{"1200", "Malformed = (2 octets)"},
		{"1201 48", "Malformed = (3 octets)"},
		{"12ff 48", "Malformed = (3 octets)"},
		{"1203 48 12ff", `Reply-Message = "H"; Malformed = (2 octets)`},
	} {
		octets, err := hex.DecodeString(strings.ReplaceAll(row.octets, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range d.Decode(octets) {
			got = append(got, v.String())
		}
		if strings.Join(got, "; ") != row.want {
			t.Errorf("%s: got %s, want %s", row.octets, strings.Join(got, "; "), row.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{26, 7, 0, 0, 1, 0x37, 0x19})
	f.Add([]byte{26, 8, 0, 0, 1, 0x37, 0x19, 0})
	f.Add([]byte{26, 8, 0, 0, 1, 0x37, 0x19, 1})
	f.Add([]byte{26, 8, 0, 0, 1, 0x37, 0x19, 2})
	f.Add([]byte{26, 8, 0, 0, 1, 0x37, 0x19, 255})
	f.Add([]byte{97, 4, 0, 255, 64, 3, 1, 18, 2, 18, 0})
	d := load(f)
	f.Fuzz(func(t *testing.T, octets []byte) {
		before := bytes.Clone(octets)
		values := d.Decode(octets)
		// Each value but a Malformed one takes two octets of what was decoded.
		if len(values) > len(octets)/2+1 {
			t.Errorf("%d values in %d octets", len(values), len(octets))
		}
		for _, v := range values {
			if s := v.String(); strings.ContainsAny(s, "\x00\x1b\n\r") {
				t.Errorf("%q writes to the terminal", s)
			}
		}
		if !bytes.Equal(before, octets) {
			t.Error("Decode changed its input")
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Add("Filter-Id", "full", byte(0))
	f.Add("Class", "0x00", byte(0))
	f.Add("Tunnel-Private-Group-Id", "42", byte(1))
	f.Add("Framed-IPv6-Prefix", "2001:db8::/33", byte(0))
	f.Add("Framed-Interface-Id", "0:0:0:1", byte(0))
	f.Add("Tall-Key", "\x00", byte(3))
	f.Add("Session-Timeout", "0xff", byte(0))
	d := load(f)
	salter := NewSalter(shared, [16]byte{1})
	f.Fuzz(func(t *testing.T, name, value string, tag byte) {
		a, ok := d.Lookup(name)
		if !ok {
			return
		}
		for _, encode := range []func(Attribute, string, byte) (Encoded, error){Encode, EncodeText} {
			e, err := encode(a, value, tag)
			if err != nil {
				continue
			}
			octets, err := e.Append(nil, salter)
			if err != nil || len(octets) != e.Len() || len(octets) > maxAttribute {
				t.Fatalf("%s = %q: %d octets, Len %d (%v)", name, value, len(octets), e.Len(), err)
			}
			got := d.Decode(octets)
			if len(got) != 1 || got[0].Attribute.ID() != a.ID() || got[0].Tag != tag {
				t.Fatalf("%s:%d = %q came back as %v", name, tag, value, got)
			}
			if !a.Encrypted && !bytes.Equal(got[0].Octets, e.value) {
				t.Fatalf("%s = %q came back as %x", name, value, got[0].Octets)
			}
		}
	})
}

// What was decoded is written as it came, each of a vendor's in a
// Vendor-Specific of its own.
func TestDecodedValuesAreWrittenAgain(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, row := range []struct{ octets, want string }{
		{"1908 61646d696e73", ""},
		{"0606 00000006", ""},
		{"4006 0100000d", ""},
		{"4006 0000000d", ""},
		{"5105 013432", ""},
		{"5104 3432", ""},
		{"1a12 00003044 010c 76706e2d61646d696e73", ""},
		{"1a0c 000001ad 00000026 6162", ""},
		{"1a0c 00001fe4 012c 0006 6162", ""},
		{"1a0a 00ffffff 0104 6162", ""},
		{"1a0e 00003044 0104 6162 0304 6364", "1a0a 00003044 0104 6162 1a0a 00003044 0304 6364"},
		{"1a0c 00000137 1006 8001abcd", "-"},
		{"4507 018001abcd", "-"},
		{"1a08 00003044 01ff", "-"},
		{"1909 61", "-"},
	} {
		octets, err := hex.DecodeString(strings.ReplaceAll(row.octets, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		want := row.want
		if want == "" {
			want = row.octets
		}
		var got []byte
		for _, v := range d.Decode(octets) {
			got = v.Append(got)
		}
		if hex.EncodeToString(got) != strings.Trim(strings.ReplaceAll(want, " ", ""), "-") {
			t.Errorf("%s: got %x, want %s", row.octets, got, want)
		}
	}
}
