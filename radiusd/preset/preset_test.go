package preset

import (
	"slices"
	"testing"
)

func TestEveryPresetIsWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range All() {
		if seen[p.Name] {
			t.Errorf("%s is there twice", p.Name)
		}
		seen[p.Name] = true
		if p.Product == "" || p.Page == "" || p.Fixes.Shared == "" {
			t.Errorf("%s: the product, the page or the place of its secret is missing", p.Name)
		}
		var keys []string
		for _, s := range p.Settings {
			if s.Why == "" {
				t.Errorf("%s: no reason for %s", p.Name, s.Key)
			}
			if slices.Contains(keys, s.Key) {
				t.Errorf("%s: %s is there twice", p.Name, s.Key)
			}
			keys = append(keys, s.Key)
		}
		if !slices.Contains(keys, "challenge") {
			t.Errorf("%s does not say whether it can show a question", p.Name)
		}
	}
}

func TestNearest(t *testing.T) {
	for written, want := range map[string]string{
		"fortigat": "fortigate", "forti-gate": "fortigate", "cisco_asa": "cisco-asa", "pam-radius": "pam_radius",
		"openvpn_as": "openvpn-as", "toaster": "", "": "",
	} {
		if got := Nearest(written); got != want {
			t.Errorf("%q: got %q, want %q", written, got, want)
		}
	}
}

func TestFind(t *testing.T) {
	for _, name := range Names() {
		if p, ok := Find(name); !ok || p.Name != name {
			t.Errorf("%s: got %q, %v", name, p.Name, ok)
		}
	}
	if _, ok := Find("toaster"); ok {
		t.Error("found a toaster")
	}
}
