package dictionary

import (
	"errors"
	"strings"
	"testing"
)

func TestLookupIgnoresCase(t *testing.T) {
	t.Parallel()
	d := load(t)
	for _, name := range []string{"Fortinet-Group-Name", "fortinet-group-name", "FORTINET-GROUP-NAME"} {
		a, ok := d.Lookup(name)
		if !ok || a.ID() != (ID{12356, 1}) {
			t.Errorf("%s: got %v, %v", name, a.ID(), ok)
		}
	}
}

func TestUnknownNamesComeWithAHint(t *testing.T) {
	t.Parallel()
	d := load(t)
	for name, want := range map[string]string{
		"fortinet-grp-name":       "Fortinet-Group-Name",
		"Filter-ld":               "did you mean Filter-Id",
		"AVPair":                  "Cisco-AVPair",
		"FilterId":                "did you mean Filter-Id",
		"Tunnel-Private-Group":    "did you mean Tunnel-Private-Group-Id",
		"Mumble":                  `no attribute is called "Mumble"`,
		strings.Repeat("a", 9999): "no attribute is called",
	} {
		_, err := d.Find(name)
		var unknown *UnknownError
		if !errors.As(err, &unknown) || !strings.Contains(err.Error(), want) || len(err.Error()) > 300 {
			t.Errorf("%.30s: got %.300v, want %s", name, err, want)
		}
	}
}

func TestParseReportsEveryProblemWithItsLine(t *testing.T) {
	t.Parallel()
	d := load(t)
	err := d.Parse("own.txt", strings.NewReader(strings.Join([]string{
		"# ours",
		"VENDOR Acme 1",
		"vendor Acme",
		"vendor Acme 0",
		"vendor Acme 16777216",
		"vendor Acme 32473 3/1",
		"vendor Fortigate 12356",
		"vendor Acme 32473",
		"values A=1",
		"attribute Acme-Role one text",
		"attribute Acme-Role 256 text",
		"attribute Acme-Role 1 blob",
		"attribute Acme-Role 1 text loud",
		"attribute Acme-Role 1 ipaddr tagged",
		"attribute Acme:Role 1 text",
		"attribute Filter-Id 1 text",
		"attribute Acme-Role 1",
		"attribute Acme-Level 2 integer",
		"values Low=1 High=x",
		"values Low=2",
		"values Middle",
		"attribute Acme-Role 1 text",
	}, "\n")))
	if err == nil {
		t.Fatal("nothing was reported")
	}
	got := strings.Split(err.Error(), "\n")
	want := []string{
		`own.txt:2: "VENDOR" is none of`, "own.txt:3: write: vendor", "own.txt:4: ", "own.txt:5: ", "own.txt:6: ",
		"own.txt:7: vendor 12356 is already known as Fortinet", "own.txt:9: values must follow", "own.txt:10: ", "own.txt:11: ",
		"own.txt:12: ", "own.txt:13: ", "own.txt:14: ", "own.txt:15: ", "own.txt:16: Filter-Id is already defined",
		"own.txt:17: write: attribute", "own.txt:19: ", "own.txt:20: ", "own.txt:21: ",
	}
	if len(got) != len(want) {
		t.Fatalf("got %d problems, want %d:\n%v", len(got), len(want), err)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

func TestStandardSpaceIsNotForContainers(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"0", "26", "241", "246", "256"} {
		d := load(t)
		if err := d.Parse("own", strings.NewReader("attribute Mine "+number+" octets\n")); err == nil {
			t.Errorf("%s was accepted", number)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a long line":   strings.Repeat("x", 100_000),
		"many lines":    strings.Repeat("\n", maxLines+1),
		"many problems": strings.Repeat("x\n", 10_000),
	} {
		err := load(t).Parse("own", strings.NewReader(text))
		if err == nil || len(err.Error()) > 4096 {
			t.Errorf("%s: got an error of %d octets (%.80v)", name, len(err.Error()), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("vendor Acme 32473 2/1\nattribute Acme-Role 300 text tagged encrypted\n")
	f.Add("attribute A 200 integer\nvalues x=1 y=2\n# z\n")
	f.Add("attribute A 26 octets own\nvalues =\nvendor")
	d := load(f)
	f.Fuzz(func(t *testing.T, text string) {
		fresh := &Dictionary{byName: map[string]*Attribute{}, byID: map[ID]*Attribute{}, vendors: map[uint32]Vendor{}}
		if fresh.Parse("fuzz", strings.NewReader(text)) != nil {
			return
		}
		for _, a := range fresh.All() {
			found, ok := fresh.Lookup(strings.ToUpper(a.Name))
			if !ok || found.ID() != a.ID() {
				t.Errorf("%s is not found", a.Name)
			}
			if a.Number == 0 || a.Vendor.Number == 0 && a.Number == vendorSpecific {
				t.Errorf("%s has number %d", a.Name, a.Number)
			}
		}
		_, _ = d.Find(text)
	})
}
