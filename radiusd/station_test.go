package radiusd

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/conf/secret"
)

func textAttr(typ byte, value string) string { return string(attr(typ, value)) }

// vendorAttr is a Vendor-Specific (RFC 2865, section 5.26).
func vendorAttr(vendor uint32, inner ...string) string {
	v := string([]byte{byte(vendor >> 24), byte(vendor >> 16), byte(vendor >> 8), byte(vendor)})
	return textAttr(attrVendorSpecific, v+strings.Join(inner, ""))
}

func TestTheStationOfAProductsOwnAttribute(t *testing.T) {
	t.Parallel()
	const paloAlto, other = 25461, 9
	calling := textAttr(attrCallingStationID, "02-00-5E-10-00-01")
	for _, row := range []struct{ name, attribute, packet, want string }{
		{"a vendor's", "PaloAlto-Client-Source-IP", calling + vendorAttr(paloAlto, textAttr(7, "198.51.100.7")), "198.51.100.7"},
		{"behind others of the vendor", "paloalto-client-source-ip", vendorAttr(paloAlto, textAttr(8, "Windows"), textAttr(7, "198.51.100.7")), "198.51.100.7"},
		{"in the second block", "PaloAlto-Client-Source-IP", vendorAttr(paloAlto, textAttr(8, "Windows")) + vendorAttr(paloAlto, textAttr(7, "198.51.100.7")), "198.51.100.7"},
		{"the first one counts", "PaloAlto-Client-Source-IP", vendorAttr(paloAlto, textAttr(7, "198.51.100.7"), textAttr(7, "192.0.2.66")), "198.51.100.7"},
		{"another vendor's", "PaloAlto-Client-Source-IP", calling + vendorAttr(other, textAttr(7, "192.0.2.66")), "02-00-5E-10-00-01"},
		{"not there", "PaloAlto-Client-Source-IP", calling, "02-00-5E-10-00-01"},
		{"an empty one", "PaloAlto-Client-Source-IP", calling + vendorAttr(paloAlto, textAttr(7, "")), "02-00-5E-10-00-01"},
		{"one that goes beyond its block", "PaloAlto-Client-Source-IP", calling + vendorAttr(paloAlto, "\x07\x20198"), "02-00-5E-10-00-01"},
		{"one without a length", "PaloAlto-Client-Source-IP", calling + vendorAttr(paloAlto, "\x08\x00", textAttr(7, "192.0.2.66")), "02-00-5E-10-00-01"},
		{"a standard one", "Connect-Info", calling + textAttr(77, "198.51.100.7"), "198.51.100.7"},
		{"none is named", "", calling + vendorAttr(paloAlto, textAttr(7, "198.51.100.7")), "02-00-5E-10-00-01"},
	} {
		id, err := stationOf(row.attribute)
		if err != nil {
			t.Fatal(err)
		}
		p := []byte(strings.Repeat("\x00", headerLen) + row.packet)
		o, drop := survey(p)
		if drop != dropNone {
			t.Fatalf("%s: the packet is no packet", row.name)
		}
		r := newRequest(p, o, pending{client: &client{station: id}, entry: &entry{}})
		via := r.via()
		if via.Station != row.want || via.Address.IsValid() != strings.Contains(row.want, ".") {
			t.Errorf("%s: the station is %q, its address %v, want %q", row.name, via.Station, via.Address, row.want)
		}
	}
}

func TestWhatIsNoStationIsRefused(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"PaloAlto-Client-Source": "did you mean PaloAlto-Client-Source-IP", "Framed-IP-Address": "is no plain text", "Tunnel-Client-Endpoint": "is no plain text",
	} {
		c := DefaultClientConfig()
		c.Name, c.Networks, c.Secret, c.Station = "vpn", []string{"192.0.2.1"}, secret.New("a-secret-of-the-station-test"), name
		problems := c.problems()
		if len(problems) != 1 || !strings.HasPrefix(problems[0].Error(), "station: ") || !strings.Contains(problems[0].Error(), want) {
			t.Errorf("%s: got %v, want %q", name, problems, want)
		}
	}
}

func TestAccountingTellsTheStationAsASignInDoes(t *testing.T) {
	t.Parallel()
	calling := attr(attrCallingStationID, "02-00-5E-10-00-01")
	own := []byte(vendorAttr(25461, textAttr(7, "198.51.100.7")))
	for _, row := range []struct{ name, attribute, want string }{
		{"by the product's own attribute", "PaloAlto-Client-Source-IP", "198.51.100.7"},
		{"where it tells none by that", "PaloAlto-User-Domain", "02-00-5E-10-00-01"},
		{"by none of its own", "", "02-00-5E-10-00-01"},
	} {
		cfg := testConfig()
		cfg.Clients[0].Station = row.attribute
		told := &book{}
		d := runAccounting(t, cfg, told).device(t, "127.0.0.1")
		d.account(d.told(status(2), session("5A0F-17"), calling, own))
		if told.count() != 1 || told.all[0].Station != row.want {
			t.Errorf("%s: %+v, want the station %q", row.name, told.all, row.want)
		}
	}
}
