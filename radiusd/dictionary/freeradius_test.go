package dictionary

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const peerDirectory = "/usr/share/freeradius"

// theirTypes maps the words of the peer's dictionaries to our types.
var theirTypes = map[string]Type{
	"string": Text, "octets": Octets, "ether": Octets, "integer": Integer, "ipaddr": IPAddr, "date": Date,
	"ipv6addr": IPv6Addr, "ipv6prefix": IPv6Prefix, "ifid": IfID,
}

type peerAttribute struct {
	vendor, number string
	fields         []string
}

// TestNamesNumbersAndTypesAgreeWithFreeRADIUS compares the whole dictionary,
// so that a slip of a digit cannot send a role as something else.
func TestNamesNumbersAndTypesAgreeWithFreeRADIUS(t *testing.T) {
	t.Parallel()
	theirs, values := readPeer(t)
	d, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range d.All() {
		peer, ok := theirs[strings.ToLower(a.Name)]
		if !ok {
			t.Errorf("%s: the peer does not know it; it could not be checked and must not be here", a.Name)
			continue
		}
		kind, _, _ := strings.Cut(strings.ToLower(peer.fields[3]), "[")
		flags := strings.Join(peer.fields[4:], ",")
		if number := itoa(a.Number); number != peer.number || itoa(a.Vendor.Number) != peer.vendor {
			t.Errorf("%s: ours is %s of vendor %d, theirs %s of vendor %s", a.Name, number, a.Vendor.Number, peer.number, peer.vendor)
		}
		if a.Type != theirTypes[kind] && !differs[a.Name] {
			t.Errorf("%s: the peer's type is %s", a.Name, kind)
		}
		if a.Tagged != strings.Contains(flags, "has_tag") || a.Encrypted != strings.Contains(flags, "encrypt=2") {
			t.Errorf("%s: the peer's flags are %q", a.Name, flags)
		}
		for _, v := range a.values {
			their, ok := values[strings.ToLower(a.Name+" "+v.name)]
			if ok && their != itoa(v.number) {
				t.Errorf("%s: %s is %d here and %s there", a.Name, v.name, v.number, their)
			}
			if !ok && a.named(v.number) == v.name {
				t.Errorf("%s: the peer does not know the value %s", a.Name, v.name)
			}
		}
	}
	t.Logf("%d attributes compared", len(d.All()))
}

// differs lists where the types differ on purpose.
var differs = map[string]bool{
	"User-Password": true, // octets: what is in the packet is no text
}

// readPeer reads the attributes and named values of all the peer's files.
func readPeer(t *testing.T) (map[string]peerAttribute, map[string]string) {
	t.Helper()
	names, _ := filepath.Glob(peerDirectory + "/dictionary*")
	if len(names) == 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("package freeradius-common is missing")
		}
		t.Skip("SKIPPED: package freeradius-common is missing: names and numbers were not checked")
	}
	attributes, values, vendors := make(map[string]peerAttribute), make(map[string]string), make(map[string]string)
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		vendor := "0"
		for lines := bufio.NewScanner(f); lines.Scan(); {
			text, _, _ := strings.Cut(lines.Text(), "#")
			fields := strings.Fields(text)
			switch {
			case len(fields) >= 3 && fields[0] == "VENDOR":
				vendors[fields[1]] = fields[2]
			case len(fields) >= 2 && fields[0] == "BEGIN-VENDOR":
				vendor = vendors[fields[1]]
			case len(fields) >= 1 && fields[0] == "END-VENDOR":
				vendor = "0"
			case len(fields) >= 4 && fields[0] == "ATTRIBUTE":
				key := strings.ToLower(fields[1])
				if _, ok := attributes[key]; !ok {
					attributes[key] = peerAttribute{vendor, fields[2], fields}
				}
			case len(fields) >= 4 && fields[0] == "VALUE":
				values[strings.ToLower(fields[1]+" "+fields[2])] = fields[3]
			}
		}
		f.Close()
	}
	return attributes, values
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
